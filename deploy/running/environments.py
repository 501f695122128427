"""Environments of other people's packages: made on first use, made anew when the list changes."""

import fcntl
import subprocess
import sys
from pathlib import Path

STAMP = "installed.txt"


def python_with(home: Path, requirements: str) -> Path:
    """The interpreter of the environment `home`, which has just these packages.

    :param requirements: as in a requirements.txt.
    """
    python = home / "bin" / "python"
    if _has(home, requirements):
        return python
    uv = str(Path(sys.executable).with_name("uv"))
    home.parent.mkdir(parents=True, exist_ok=True)
    with Path(f"{home}.lock").open("w") as lock:
        # Several tests, or a test and an example, may want it at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _has(home, requirements):
            print(f"outrider: installing {home.name}", file=sys.stderr, flush=True)
            make = [uv, "venv", "-q", "--clear", "--python", sys.executable, str(home)]
            subprocess.run(make, check=True)
            fill = [uv, "pip", "install", "-q", "--python", str(python), "-r", "-"]
            subprocess.run(fill, check=True, input=requirements.encode())
            (home / STAMP).write_text(requirements)
    return python


def _has(home: Path, requirements: str) -> bool:
    stamp = home / STAMP
    return stamp.exists() and stamp.read_text() == requirements
