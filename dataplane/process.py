"""What a worker asks of its operating system, and how it hears that its parent has ended."""

import asyncio
import resource
from typing import BinaryIO

STDOUT = 1
PARENT = 0
"""Our stdin: the parent holds its other end, and it ends when the parent does."""


def open_log(path: str) -> BinaryIO:
    """A file that all workers append whole lines to."""
    return open(STDOUT if path == "-" else path, "ab", buffering=0, closefd=path != "-")


def raise_file_limit() -> None:
    """Each connection is a file, and many systems begin with 1,024 of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def until_parent_ends(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Set `stop` when it does."""

    def ended() -> None:
        """The parent never writes: readable means gone."""
        loop.remove_reader(PARENT)
        stop.set()

    loop.add_reader(PARENT, ended)
