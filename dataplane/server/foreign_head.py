"""The head of a provider's answer, as far as it matters when the body is translated."""

from collections.abc import Iterable
from dataclasses import dataclass

_STREAMS = (b"text/event-stream", b"application/vnd.amazon.eventstream")
_LIMITS = (b"retry-after", b"x-ratelimit-", b"anthropic-ratelimit-")
"""Headers that begin so mean the same to every client."""


@dataclass(frozen=True, slots=True)
class ForeignHead:
    """What a head says."""

    is_stream: bool
    is_encoded: bool
    """Compressed, although we ask that it is not."""
    request_id: bytes
    """What the provider calls its answer."""
    kept: list[tuple[bytes, bytes]]
    """Headers that are passed on."""


def foreign_head(headers: Iterable[tuple[bytes, bytes]]) -> ForeignHead:
    """Read a head; of a header that comes twice the last one counts."""
    kind = encoding = request_id = b""
    kept: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        low = name.lower()
        if low.startswith(_LIMITS):
            kept.append((low, value))
        elif low == b"content-type":
            kind = value.strip().lower()
        elif low == b"content-encoding":
            encoding = value.strip().lower()
        elif low == b"x-request-id":
            request_id = value
    return ForeignHead(
        kind.startswith(_STREAMS), encoding not in (b"", b"identity"), request_id, kept
    )
