"""Other people's JavaScript: Node and the packages of a folder of the tests, kept in build/."""

from pathlib import Path

from deploy.running import node as running
from tests.support.interop import ROOT


def node() -> Path:
    """The folder of `node`."""
    return running.node().parent


def packages(folder: Path) -> Path:
    """Where the packages of a folder of tests are installed."""
    return running.packages(folder, _home(folder))


def command(folder: Path, program: str) -> tuple[str, ...]:
    """How to run a program of a folder."""
    return running.command(folder, program, _home(folder))


def _home(folder: Path) -> Path:
    return ROOT / "build" / "interop" / f"npm-{folder.name}"
