"""Builds the C programs of the bench: the load generator, the fake model provider, and the nodes.

They are C so that one core is enough to load and to answer the fastest proxy measured.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.processes import Program, free_port

SOURCES = Path(__file__).parent
BUILD = SOURCES.parent.parent / "build" / "bench"
PROGRAMS = {
    "load": ("load.c", "response.c"),
    "upstream": ("upstream.c",),
    "push_nodes": ("push_nodes.c",),
}
FLAGS = ("-O2", "-Wall", "-Wextra", "-std=gnu17")
APT_PACKAGES = ("gcc", "libc6-dev")


def build_programs() -> None:
    """Compiles what is missing or older than its sources into build/bench."""
    BUILD.mkdir(parents=True, exist_ok=True)
    for name, files in PROGRAMS.items():
        sources = [SOURCES / file for file in files]
        newest = max(path.stat().st_mtime for path in [*sources, SOURCES / "response.h"])
        program = BUILD / name
        if not program.exists() or program.stat().st_mtime < newest:
            subprocess.run([_compiler(), *FLAGS, "-o", program, *sources], check=True)


@contextmanager
def upstream(core: int) -> Iterator[int]:
    """The fake model provider; its port."""
    port = free_port()
    with Program.start([BUILD / "upstream", port], core=core, log=BUILD / "upstream.log"):
        yield port


def _compiler() -> str:
    found = shutil.which("cc")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["install", "-y", "-qq", "--no-install-recommends", *APT_PACKAGES]
        for words in (["update", "-qq"], install):
            subprocess.run(
                ["apt-get", *words],
                check=True,
                stdout=subprocess.DEVNULL,
                env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            )
        found = shutil.which("cc")
    if found is None:
        raise SystemExit(f"bench: no C compiler: apt-get install {' '.join(APT_PACKAGES)}")
    return found
