"""An error that a provider tells inside a stream whose beginning a client has already.

The rule: only the last event of a read is looked at first, because a provider that has failed says
nothing more (but `[DONE]`); so the ordinary read costs one look at its end. What looks like an
error is read before it is called one.
"""

from typing import Any

import msgspec

from dataplane.resilience.startup_events import JUDGES, Sign
from dataplane.runtime.protocols import Protocol

HEAD_BYTES = 48
"""Of an event, within which its kind stands: `data: {"type":"response.failed"` takes 30."""
_DONE = b"data: [DONE]"
_VALUE: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def error_in(protocol: Protocol, data: bytes) -> tuple[int, bytes] | None:
    """Where in a read of whole events an error begins, and the data of its event; None: nowhere.

    Only of protocols that stream server-sent events.
    """
    end = len(data.rstrip()) if data[-2:] != b"\n\n" else len(data) - 2
    at = _before(data, end)
    if data.startswith(_DONE, at):
        end = at - 2
        at = _before(data, end)
    if protocol is Protocol.CHAT:
        if data.find(b'"error"', at, end) < 0 and not data.startswith(b"event: error", at):
            return None
    elif data.find(b"error", at, at + HEAD_BYTES) < 0 and (
        protocol is not Protocol.RESPONSES or data.find(b"response.failed", at, at + HEAD_BYTES) < 0
    ):
        return None
    event = data[at:end]
    said = b"\n".join(line[5:].strip() for line in event.splitlines() if line.startswith(b"data:"))
    try:
        told = _VALUE.decode(said)
    except (ValueError, RecursionError):
        return None
    named = event.startswith(b"event: error")
    if not named and (not isinstance(told, dict) or JUDGES[protocol](told) is not Sign.ERROR):
        return None
    return at, said


def _before(data: bytes, end: int) -> int:
    """Where the event begins that ends at `end`."""
    at = data.rfind(b"\n\n", 0, max(end, 0)) + 2
    if at < 2 and b"\r" in data:
        at = data.rfind(b"\r\n\r\n", 0, max(end, 0)) + 4
        return at if at >= 4 else 0
    return at if at >= 2 else 0
