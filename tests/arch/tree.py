"""The repository as the rules see it: which files are ours, and where."""

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("controlplane", "dataplane", "deploy", "proto/outriderpb", "tests")
# Not ours, or not meant to be committed (.gitignore); git itself may not be on the machine.
SKIPPED = {"__pycache__", ".pytest_cache", ".hypothesis", ".outrider", "secrets", "node_modules"}


def files(*patterns: str) -> list[str]:
    """Our files that match, as paths from the root; a `*` matches any number of folders."""
    return [path for path in _all() if any(fnmatchcase(path, pattern) for pattern in patterns)]


def read(path: str) -> str:
    """The text of a file, by its path from the root."""
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def _all() -> tuple[str, ...]:
    return tuple(sorted(_walk()))


def _walk() -> Iterator[str]:
    for top in FOLDERS:
        for folder, inner, names in os.walk(ROOT / top):
            inner[:] = [name for name in inner if name not in SKIPPED]
            yield from (str((Path(folder) / name).relative_to(ROOT)) for name in names)
