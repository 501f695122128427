"""Virtual environments of contestants that must not share ours: each pins what we do not use."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
REQUIREMENTS = Path(__file__).parent


def environment(name: str) -> Path:
    """The bin folder of `.venv-NAME`, installed from requirements-NAME.txt when it changed."""
    folder = ROOT / f".venv-{name}"
    wanted = (REQUIREMENTS / f"requirements-{name}.txt").read_text()
    stamp = folder / ".stamp-bench"
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"bench: installing {folder.name}", flush=True)
        uv = [str(Path(sys.executable).parent / "uv"), "--quiet"]
        requirements = str(REQUIREMENTS / f"requirements-{name}.txt")
        subprocess.run([*uv, "venv", "--clear", "--python", sys.executable, folder], check=True)
        python = str(folder / "bin" / "python")
        subprocess.run([*uv, "pip", "install", "--python", python, "-r", requirements], check=True)
        stamp.write_text(wanted)
    return folder / "bin"
