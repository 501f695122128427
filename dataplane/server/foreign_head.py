"""The head of a provider's answer, as far as it matters when the body is translated."""

from collections.abc import Sequence

from dataplane.runtime.protocols import Protocol
from dataplane.server.heads import OF_LIMITS, Names, Shapes, position

_STREAMS = (b"text/event-stream", b"application/vnd.amazon.eventstream")
_LIMITS = (b"retry-after", *OF_LIMITS)
"""Headers that begin so mean the same to every client."""
_OVERLOADED = 529
"""Anthropic's own status for being overloaded; everybody else says 503."""


class ForeignHead:
    """What a head says."""

    # (no named tuple, no dataclass: one is made for each answer, and theirs is never compiled)
    __slots__ = ("is_encoded", "is_stream", "kept", "request_id")

    def __init__(
        self,
        is_stream: bool,
        is_encoded: bool,
        request_id: bytes,
        kept: list[tuple[bytes, bytes]],
    ) -> None:
        self.is_stream = is_stream
        self.is_encoded = is_encoded
        """Compressed, although we ask that it is not."""
        self.request_id = request_id
        """What the provider calls its answer."""
        self.kept = kept
        """Headers that are passed on."""


class _Shape:
    """Where the headers of interest stand; -1: nowhere."""

    __slots__ = ("encoding", "kept", "kind", "request_id")

    def __init__(self, names: Names) -> None:
        last = names[::-1]  # of a header that comes twice the last one counts
        self.kind, self.encoding, self.request_id = (
            len(names) - 1 - at if (at := position(last, name)) >= 0 else -1
            for name in (b"content-type", b"content-encoding", b"x-request-id")
        )
        lower = [name.lower() for name in names]
        self.kept = [(at, name) for at, name in enumerate(lower) if name.startswith(_LIMITS)]


_SHAPES: Shapes[_Shape] = Shapes(_Shape)


def foreign_head(
    names: tuple[bytes, ...], values: Sequence[bytes], limited: bool = False
) -> ForeignHead:
    """Read a head. Who is limited by us is not told of the provider's limits."""
    shape = _SHAPES.get(names) or _SHAPES.make(names)
    kind = values[shape.kind].strip().lower() if shape.kind >= 0 else b""
    encoding = values[shape.encoding].strip().lower() if shape.encoding >= 0 else b""
    return ForeignHead(
        kind.startswith(_STREAMS),
        encoding != b"" and encoding != b"identity",
        values[shape.request_id] if shape.request_id >= 0 else b"",
        [(name, values[at]) for at, name in shape.kept if not limited or name == b"retry-after"],
    )


def told_status(status: int, client: Protocol) -> int:
    """The status of a provider's failure, as a client of another API knows it."""
    if status == _OVERLOADED and client is not Protocol.MESSAGES:
        return 503
    return status if 400 <= status < 600 else 502
