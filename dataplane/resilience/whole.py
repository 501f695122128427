"""Whether a stream that was passed on as bytes has its protocol's own end.

The rule: an end that only says that the connection is over, or that an error came, is none. It is
asked once, of the last bytes, when the upstream's body is over; so a stream without `[DONE]` whose
choice has finished is whole (fault S11), and one that was cut is not.
"""

from typing import Final

from dataplane.runtime.protocols import Protocol

_CHAT: Final = Protocol.CHAT  # (an attribute of an Enum is slow)
_NEWLINES: Final = (b"", b"\n", b"\r")
_RESPONSE_ENDS = ("completed", "incomplete", "cancelled")
_RESPONSES: Final = tuple(f'"response.{end}"'.encode() for end in _RESPONSE_ENDS)


def ends_whole(protocol: Protocol, tail: bytes) -> bool:
    """Whether the last events of a stream's body hold an end of its protocol.

    Whole events: Google's last one has its sources in it, which may be 10 KB.
    """
    if protocol is _CHAT:
        return _has_word(tail, b'"finish_reason":') or (_is_done(tail) and not _has_error(tail))
    match protocol:
        case Protocol.MESSAGES:
            # Its stop reason comes when every block is closed: only `message_stop` can follow.
            return _has_word(tail, b'"stop_reason":') or _has_value(
                tail, b'"type":', (b'"message_stop"',)
            )
        case Protocol.RESPONSES:
            return _has_value(tail, b'"type":', _RESPONSES)
        case Protocol.GEMINI:
            return _has_word(tail, b'"finishReason":') or _has_word(tail, b'"blockReason":')
        case Protocol.CONVERSE:
            return b"messageStop" in tail


def _has_word(tail: bytes, key: bytes) -> bool:
    """Whether a key has a text other than "error". Inside of a text its quotes would be escaped."""
    at = tail.rfind(key)
    while at >= 0:
        after = at + len(key)
        value = tail[after : after + 8].lstrip()
        if value[:1] == b'"' and value[:6] != b'"error':
            return True
        at = tail.rfind(key, 0, at)
    return False


def _has_value(tail: bytes, key: bytes, values: tuple[bytes, ...]) -> bool:
    for value in values:
        at = tail.rfind(value)
        while at >= 0:
            if tail[:at].rstrip()[-len(key) :] == key:
                return True
            at = tail.rfind(value, 0, at)
    return False


def _is_done(tail: bytes) -> bool:
    at = tail.rfind(b"data: [DONE]")
    if at < 0:
        at = tail.rfind(b"data:[DONE]")
    return at >= 0 and tail[max(0, at - 1) : at] in _NEWLINES


def _has_error(tail: bytes) -> bool:
    return any(form in tail for form in (b'"error":{', b'"error": {', b'"error":"', b'"error": "'))
