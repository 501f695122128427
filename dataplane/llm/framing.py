"""The bytes of a streamed answer, cut where its events end, and put together again.

Rule: joined, the pieces are the bytes that came; how those were cut never changes the pieces; what
is kept between two cuts is bounded.
"""

import re
from enum import Enum
from typing import Protocol

from dataplane.llm import aws_events
from dataplane.llm.sse import MAX_EVENT_BYTES

_BLANK = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n")
_DATA_LINE = re.compile(rb"^data:[^\r\n]*(?:\r\n|\n|\r|\Z)", re.MULTILINE)
_CR = b"\r"
MAX_ELEMENT_BYTES = 32 << 20
"""Of a Gemini stream in one array: a picture comes whole in one element."""


class Framing(Enum):
    """How the pieces of an answer are told apart."""

    SSE = "sse"
    ELEMENTS = "elements"
    """Of one JSON array (Gemini without `alt=sse`)."""
    FRAMES = "frames"
    """Amazon's event stream."""
    WHOLE = "whole"
    """It is one JSON value."""


_SSE, _ELEMENTS = Framing.SSE, Framing.ELEMENTS  # (an attribute of an Enum is slow)


class FramingError(Exception):
    """The bytes are no such stream, or a piece of it is too large."""


class Cutter(Protocol):
    """A fold: bytes in, whole pieces out."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The pieces that `chunk` completes. Raises FramingError."""

    def rest(self) -> bytes:
        """What no end came for."""


class SseCutter:
    """Pieces are events with all their lines and the empty one that ends them."""

    __slots__ = ("_part",)

    def __init__(self) -> None:
        self._part = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """See Cutter."""
        data = self._part + chunk if self._part else chunk
        if _CR in data:
            return self._feed_any(data)
        if data.find(b"\n\n") == len(data) - 2 >= 0:  # one event: a paced stream is all so
            self._part = b""
            return [data]
        pieces = data.split(b"\n\n")
        self._keep(pieces.pop())
        return [piece + b"\n\n" for piece in pieces]

    def _feed_any(self, data: bytes) -> list[bytes]:
        pieces = []
        at = 0
        for found in _BLANK.finditer(data):
            end = found.end()
            if end == len(data) and data.endswith(_CR):
                break  # an LF may belong to it
            pieces.append(data[at:end])
            at = end
        self._keep(data[at:])
        return pieces

    def _keep(self, part: bytes) -> None:
        if len(part) > MAX_EVENT_BYTES:
            raise FramingError(f"an event is larger than {MAX_EVENT_BYTES} bytes")
        self._part = part

    def rest(self) -> bytes:
        """See Cutter."""
        part, self._part = self._part, b""
        return part


class FrameCutter:
    """Pieces are frames."""

    __slots__ = ("_part",)

    def __init__(self) -> None:
        self._part = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """See Cutter."""
        data = self._part + chunk if self._part else chunk
        pieces = []
        at, size = 0, len(data)
        while size - at >= 4:
            total = int.from_bytes(data[at : at + 4])
            if not 16 <= total <= aws_events.MAX_FRAME_BYTES:
                raise FramingError(f"a frame says that it has {total} bytes")
            if at + total > size:
                break
            pieces.append(data[at : at + total])
            at += total
        self._part = data[at:]
        return pieces

    def rest(self) -> bytes:
        """See Cutter."""
        part, self._part = self._part, b""
        return part


class ElementCutter:
    """Pieces are the elements of an array of objects, without what stands between them."""

    __slots__ = ("_at", "_begin", "_depth", "_escaped", "_in_string", "_part")

    def __init__(self) -> None:
        self._part = b""
        self._at = 0
        """How far `_part` was looked at."""
        self._begin = -1
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """See Cutter."""
        self._part += chunk
        if len(self._part) > MAX_ELEMENT_BYTES:
            raise FramingError(f"an element is larger than {MAX_ELEMENT_BYTES} bytes")
        pieces = []
        for found in _MARKS.finditer(self._part, self._at):
            mark = found.group()
            if self._in_string:
                if mark == b'"':
                    self._in_string = False
            elif mark == b'"':
                self._in_string = True
            elif mark == b"{":
                if self._depth == 0:
                    self._begin = found.start()
                self._depth += 1
            elif mark == b"}" and self._depth:
                self._depth -= 1
                if self._depth == 0:
                    pieces.append(self._part[self._begin : found.end()])
                    self._begin = -1
        self._drop()
        return pieces

    def _drop(self) -> None:
        """What was looked at and is in no element, but for half of an escape at the end."""
        part = self._part
        slashes = len(part) - len(part.rstrip(b"\\")) if self._in_string else 0
        end = len(part) - slashes % 2
        begin = self._begin if self._begin >= 0 else end
        self._part = part[begin:]
        self._begin = 0 if self._begin >= 0 else -1
        self._at = end - begin

    def rest(self) -> bytes:
        """See Cutter."""
        part = self._part if self._begin >= 0 else b""
        self._part = b""
        return part


_MARKS = re.compile(rb'\\.|["{}]', re.DOTALL)


class WholeCutter:
    """There is one piece, and it is known at the end only."""

    __slots__ = ("_limit", "_pieces", "_size")

    def __init__(self, limit: int) -> None:
        """:param limit: bytes that are collected."""
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """See Cutter."""
        self._size += len(chunk)
        if self._size > self._limit:
            raise FramingError(f"the answer is larger than {self._limit} bytes")
        self._pieces.append(chunk)
        return []

    def rest(self) -> bytes:
        """See Cutter."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def cutter_of(framing: Framing, whole_limit: int) -> Cutter:
    """Who cuts an answer."""
    match framing:
        case Framing.SSE:
            return SseCutter()
        case Framing.ELEMENTS:
            return ElementCutter()
        case Framing.FRAMES:
            return FrameCutter()
        case Framing.WHOLE:
            return WholeCutter(whole_limit)


def payload_of(piece: bytes, framing: Framing) -> bytes:
    """What a piece says, without its framing; empty for comments."""
    if framing is _SSE and piece.startswith(b"data: "):
        end = piece.find(b"\n")
        if end == len(piece) - 2 and piece.endswith(b"\n\n"):  # most are so
            return piece[6:end]
    match framing:
        case Framing.SSE:
            lines = (line[5:].strip(b"\r\n") for line in _DATA_LINE.findall(piece))
            return b"\n".join(line.removeprefix(b" ") for line in lines)
        case Framing.FRAMES:
            headers = int.from_bytes(piece[4:8])
            return piece[12 + headers : -4]
        case _:
            return piece


def rewrapped(piece: bytes, payload: bytes, framing: Framing) -> bytes:
    """The same piece with another payload."""
    match framing:
        case Framing.SSE:
            end = b"\r\n" if piece.endswith(b"\r\n") else b"\n"
            others = _DATA_LINE.sub(b"", piece).rstrip(b"\r\n")
            before = others + end if others else b""
            return b"%bdata: %b%b%b" % (before, payload, end, end)
        case Framing.FRAMES:
            headers = int.from_bytes(piece[4:8])
            return aws_events.encode(piece[12 : 12 + headers], payload)
        case _:
            return payload


def joined(pieces: list[bytes], framing: Framing, begun: bool) -> bytes:
    """Pieces as they are sent; `begun`: whether others were sent before."""
    if framing is not _ELEMENTS or not pieces:
        return b"".join(pieces)
    return (b",\r\n" if begun else b"[") + b",\r\n".join(pieces)
