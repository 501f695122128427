"""The headers of a message as httptools tells of them, on both sides of us."""

from collections.abc import Callable
from typing import Final

_SPACE: Final = 0x20


def collector(names: list[bytes], values: list[bytes]) -> Callable[[bytes, bytes], None]:
    """A callback for the headers of one message after another that does as little as possible: it
    runs for every header of every message. Trailers come this way too; whoever counts takes them
    out again.
    """

    def on_header(name: bytes, value: bytes) -> None:
        names.append(name)
        size = len(value)
        # llhttp leaves white space at the end of a value
        values.append(value if size and value[size - 1] > _SPACE else value.rstrip())

    return on_header
