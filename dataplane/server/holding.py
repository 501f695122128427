"""A stream whose client wants all of it or an error: `x-outrider-stream: hold`.

The rule: nothing is sent before the stream has its end, so everything may be tried again; what is
too large to be held goes on as an ordinary stream.
"""

from typing import TYPE_CHECKING

from dataplane.resilience.commit import SHOWS
from dataplane.runtime.protocols import Protocol
from dataplane.server.passing import Passing

if TYPE_CHECKING:
    from dataplane.server.incoming import Incoming
    from dataplane.upstream.connection import UpstreamConnection

MAX_HELD_BYTES = 32 * 1024 * 1024
"""As of answers that are collected to be translated."""


def wants_all(incoming: "Incoming") -> bool:
    """Whether the client asks for a stream to be held."""
    at = incoming.shape.stream_wish
    return at >= 0 and incoming.values[at].strip().lower() == b"hold"


class Holding:
    """What has come of one stream, in the protocol that its bytes are."""

    __slots__ = ("_pieces", "_protocol", "_size", "passing", "speaks", "upstream")

    def __init__(self, protocol: Protocol, upstream: "UpstreamConnection") -> None:
        self._protocol = protocol
        self._pieces: list[bytes] = []
        self._size = 0
        self.passing = Passing(protocol)
        """Knows whether it is whole."""
        self.speaks = False
        """Whether there is any content."""
        self.upstream = upstream

    def feed(self, body: bytes, done: bool) -> None:
        """The next read."""
        self._pieces.append(body)
        self._size += len(body)
        self.passing.feed(body, done)
        self.speaks = self.speaks or SHOWS[self._protocol](body)

    @property
    def is_too_large(self) -> bool:
        """Whether no more of it is held."""
        return self._size > MAX_HELD_BYTES

    @property
    def body(self) -> bytes:
        """All of it, as it came."""
        return b"".join(self._pieces)
