"""Virtual environments of contestants that must not share ours: each pins what we do not use."""

from pathlib import Path

from deploy.running.environments import python_with

ROOT = Path(__file__).parent.parent.parent
REQUIREMENTS = Path(__file__).parent


def environment(name: str) -> Path:
    """The bin folder of `.venv-NAME`, installed from requirements-NAME.txt when it changed."""
    wanted = (REQUIREMENTS / f"requirements-{name}.txt").read_text()
    return python_with(ROOT / f".venv-{name}", wanted).parent
