"""An error that a provider tells inside a stream whose beginning a client has already.

The rule: only the last event of a read is looked at first, because a provider that has failed says
nothing more (but `[DONE]`); so the ordinary read costs one look at its end. What looks like an
error is read before it is called one.
"""

from typing import Any

import msgspec

from dataplane.resilience.startup_events import JUDGES, Sign
from dataplane.runtime.protocols import Protocol

GLANCE_BYTES = 1024
"""Of a read, up to which a search over all of it costs less than a look at its last event."""
HEAD_BYTES = 48
"""Of an event, within which its kind stands: `data: {"type":"response.failed"` takes 30."""
_DONE = b"data: [DONE]"
_NAMED = b"event: error"
_VALUE: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def error_in(protocol: Protocol, data: bytes) -> tuple[int, bytes] | None:
    """Where in a read of whole events an error begins, and the data of its event; None: nowhere.

    Only of protocols that stream server-sent events.
    """
    if (
        len(data) <= GLANCE_BYTES
        and b"error" not in data
        and (protocol is not Protocol.RESPONSES or b"response.failed" not in data)
    ):
        return None
    at = _last_event(data, -2)
    head = data[at : at + HEAD_BYTES]
    if protocol is Protocol.CHAT:
        if head[:12] == _DONE:
            end = at - 2
            return _read(protocol, data, _last_event(data, end), end) if at else None
        if data.find(b'"error"', at) < 0 and head[:12] != _NAMED:
            return None
    elif b"error" not in head and (
        protocol is not Protocol.RESPONSES or b"response.failed" not in head
    ):
        return None
    return _read(protocol, data, at, len(data))


def _last_event(data: bytes, end: int) -> int:
    """Where the event begins that ends at `end`."""
    at = data.rfind(b"\n\n", 0, end) + 2
    if at == 1:
        at = data.rfind(b"\r\n\r\n", 0, end - 2) + 4
        return at if at != 3 else 0
    return at


def _read(protocol: Protocol, data: bytes, at: int, end: int) -> tuple[int, bytes] | None:
    event = data[at:end]
    said = b"\n".join(line[5:].strip() for line in event.splitlines() if line[:5] == b"data:")
    try:
        told = _VALUE.decode(said)
    except (ValueError, RecursionError):
        return None
    if event[:12] != _NAMED and (
        not isinstance(told, dict) or JUDGES[protocol](told) is not Sign.ERROR
    ):
        return None
    return at, said
