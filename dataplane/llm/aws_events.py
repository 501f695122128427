"""Amazon's event stream framing: bytes as they come from a socket -> events, and back.

Rule: how the bytes were cut never changes the events, what is kept between two cuts is bounded, and
a frame counts only when both of its checksums do.

A frame is: its length, the length of its headers, a CRC of these two; headers (a name, a type, a
value each); the payload; a CRC of all before it. Numbers are big endian; the first length
counts the whole frame.
"""

import struct
from zlib import crc32

import msgspec

MAX_FRAME_BYTES = 1 << 22
"""Model APIs send a few hundred bytes; an image may come in one frame (AWS allows 24 MiB)."""
MAX_HEADER_BYTES = 1 << 17
"""What AWS allows."""

_PRELUDE = struct.Struct(">III")
_LENGTHS = struct.Struct(">II")
_CRC = struct.Struct(">I")
_PRELUDE_BYTES = _PRELUDE.size
_OVERHEAD = _PRELUDE_BYTES + _CRC.size
_STRING = 7
_FIXED_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value, by its type: true, false, byte, short, int, long, time, uuid."""
_COUNTED = (6, _STRING)
"""Bytes and strings carry their length in two bytes."""
_KINDS_KEPT = 64
"""A stream has about ten kinds of events; their headers are read once."""


class AwsEventError(Exception):
    """The bytes are not an acceptable event stream."""


class AwsEvent(msgspec.Struct, frozen=True, gc=False):
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
        self._kinds: dict[bytes, tuple[str, str, bytes]] = {}

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
        self._awaited = _PRELUDE_BYTES
        while size - at >= _PRELUDE_BYTES:
            total, headers_size, crc = _PRELUDE.unpack_from(data, at)
            if crc32(data[at : at + 8]) != crc:
                raise AwsEventError("the checksum of a frame's lengths is wrong")
            if total > self._limit:
                raise AwsEventError(f"a frame is larger than {self._limit} bytes")
            if headers_size > MAX_HEADER_BYTES or total < headers_size + _OVERHEAD:
                raise AwsEventError("the lengths of a frame contradict each other")
            end = at + total
            if end > size:
                self._awaited = total
                break
            body_end = end - _CRC.size
            if crc32(data[at:body_end]) != _CRC.unpack_from(data, body_end)[0]:
                raise AwsEventError("the checksum of a frame is wrong")
            payload_at = at + _PRELUDE_BYTES + headers_size
            headers = data[at + _PRELUDE_BYTES : payload_at]
            kind, name, words = self._kinds.get(headers) or self._kind_of(headers)
            events.append(AwsEvent(kind, name, words or data[payload_at:body_end]))
            at = end
        self._buffer = bytearray(data[at:])
        return events

    def _kind_of(self, headers: bytes) -> tuple[str, str, bytes]:
        known = _kind(headers)
        if len(self._kinds) < _KINDS_KEPT and known[0] != "error":
            self._kinds[headers] = known
        return known


def _kind(headers: bytes) -> tuple[str, str, bytes]:
    """Message type, name of the event, and the words of an error."""
    found = _strings(headers)
    kind = found.get(":message-type", "event")
    name = found.get(f":{kind}-type", "")
    if kind == "error":
        return kind, found.get(":error-code", ""), found.get(":error-message", "").encode()
    return kind, name, b""


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
