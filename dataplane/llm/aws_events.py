"""Amazon's event stream framing: bytes as they come from a socket -> events, and back.

Rule: how the bytes were cut never changes the events, what is kept between two cuts is bounded, and
a frame counts only when both of its checksums do.

A frame is: its length, the length of its headers, a CRC of these two; headers (a name, a type, a
value each); the payload; a CRC of all before it. Numbers are big endian; the first length
counts the whole frame.
"""

import struct
from dataclasses import dataclass
from zlib import crc32

MAX_FRAME_BYTES = 1 << 22
"""Model APIs send a few hundred bytes; an image may come in one frame (AWS allows 24 MiB)."""
MAX_HEADER_BYTES = 1 << 17
"""What AWS allows."""

_PRELUDE = struct.Struct(">III")
_LENGTHS = struct.Struct(">II")
_CRC = struct.Struct(">I")
_OVERHEAD = _PRELUDE.size + _CRC.size
_STRING = 7
_FIXED_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value, by its type: true, false, byte, short, int, long, time, uuid."""
_COUNTED = (6, _STRING)
"""Bytes and strings carry their length in two bytes."""
_KINDS_KEPT = 64
"""A stream has about ten kinds of events; their headers are read once."""


class AwsEventError(Exception):
    """The bytes are not an acceptable event stream."""


@dataclass(frozen=True, slots=True)
class AwsEvent:
    """One event."""

    kind: str
    """":message-type": "event", "exception" or "error"."""
    name: str
    """":event-type", ":exception-type" or ":error-code"."""
    payload: bytes
    """JSON in UTF-8 (nobody checked) for everything but an "error", which has its words here."""


class AwsEventDecoder:
    """A fold: bytes in, events out. A frame whose end never comes is lost: see `whole`."""

    __slots__ = ("_awaited", "_buffer", "_kinds", "_limit")

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._limit = max_frame_bytes
        self._buffer = bytearray()
        self._awaited = 0
        self._kinds: dict[bytes, tuple[str, str, str]] = {}

    @property
    def whole(self) -> bool:
        """Whether no frame is under way."""
        return not self._buffer

    def feed(self, chunk: bytes) -> list[AwsEvent]:
        """The events that `chunk` completes. Raises AwsEventError; the decoder is spent then."""
        if self._buffer:
            self._buffer += chunk
            if len(self._buffer) < self._awaited:
                return []
            data = bytes(self._buffer)
        else:
            data = chunk
        events = []
        at, size = 0, len(data)
        self._awaited = _PRELUDE.size
        while size - at >= _PRELUDE.size:
            end = at + self._frame_bytes(data, at)
            if end > size:
                self._awaited = end - at
                break
            events.append(self._event(data, at, end))
            at = end
        self._buffer = bytearray(data[at:])
        return events

    def _frame_bytes(self, data: bytes, at: int) -> int:
        total, headers, crc = _PRELUDE.unpack_from(data, at)
        if crc32(data[at : at + _LENGTHS.size]) != crc:
            raise AwsEventError("the checksum of a frame's lengths is wrong")
        if total > self._limit:
            raise AwsEventError(f"a frame is larger than {self._limit} bytes")
        if headers > MAX_HEADER_BYTES or total < headers + _OVERHEAD:
            raise AwsEventError("the lengths of a frame contradict each other")
        return int(total)

    def _event(self, data: bytes, at: int, end: int) -> AwsEvent:
        body_end = end - _CRC.size
        if crc32(data[at:body_end]) != _CRC.unpack_from(data, body_end)[0]:
            raise AwsEventError("the checksum of a frame is wrong")
        headers_at = at + _PRELUDE.size
        payload_at = headers_at + _LENGTHS.unpack_from(data, at)[1]
        headers = data[headers_at:payload_at]
        known = self._kinds.get(headers)
        if known is None:
            known = _kind(headers)
            if len(self._kinds) < _KINDS_KEPT and known[0] != "error":
                self._kinds[headers] = known
        kind, name, words = known
        return AwsEvent(kind, name, words.encode() if words else data[payload_at:body_end])


def _kind(headers: bytes) -> tuple[str, str, str]:
    """Message type, name of the event, and the words of an error."""
    found = _strings(headers)
    kind = found.get(":message-type", "event")
    name = found.get(f":{kind}-type", "")
    if kind == "error":
        return kind, found.get(":error-code", ""), found.get(":error-message", "")
    return kind, name, ""


def _strings(headers: bytes) -> dict[str, str]:
    found = {}
    at = 0
    try:
        while at < len(headers):
            name_end = at + 1 + headers[at]
            name = headers[at + 1 : name_end].decode()
            type_ = headers[name_end]
            at = name_end + 1
            if type_ in _COUNTED:
                length = int.from_bytes(headers[at : at + 2])
                at += 2
            else:
                length = _FIXED_BYTES[type_]
            if at + length > len(headers):
                raise AwsEventError("a frame's header is cut off")
            if type_ == _STRING:
                found[name] = headers[at : at + length].decode()
            at += length
    except (IndexError, KeyError, UnicodeDecodeError) as problem:
        raise AwsEventError("a frame's headers are not readable") from problem
    return found


def head(kind: str, name: str) -> bytes:
    """The headers of events with a JSON payload, to be given to `encode` again and again."""
    return b"".join(
        bytes([len(key)]) + key + bytes([_STRING]) + len(value).to_bytes(2) + value
        for key, value in (
            (f":{kind}-type".encode(), name.encode()),
            (b":content-type", b"application/json"),
            (b":message-type", kind.encode()),
        )
    )


def encode(headers: bytes, payload: bytes) -> bytes:
    """One frame."""
    lengths = _LENGTHS.pack(_OVERHEAD + len(headers) + len(payload), len(headers))
    body = b"%b%b%b%b" % (lengths, _CRC.pack(crc32(lengths)), headers, payload)
    return body + _CRC.pack(crc32(body))
