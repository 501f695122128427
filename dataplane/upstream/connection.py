"""One kept connection to an upstream, read by llhttp through httptools.

The rule: one answer per request, and not one byte of doubt. Whatever an upstream sends that is not
exactly one HTTP/1.1 answer (two answers, an upgrade, a broken frame, a head without end) ends the
connection and fails the exchange. Pieces of a body are collected in C (`on_body` is a list's
append) and handed on once per read. Chunks in their plainest form are taken past llhttp
(chunks.py), which reads all that is between them.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, cast

import httptools

from dataplane.header_collector import collector
from dataplane.runtime.messages import ResponseDetail
from dataplane.upstream.chunks import FASTER, whole_chunks
from dataplane.upstream.errors import Phase, UpstreamFailure
from dataplane.wheel import NEVER

if TYPE_CHECKING:
    from dataplane.upstream.pool import EndpointPool

MAX_HEAD_BYTES: Final = 64 * 1024  # Envoy 60 KiB, nginx 4-8 KiB, OpenAI's answers have 1.5 KiB
MAX_HEADERS: Final = 256
MAX_INTERIM: Final = 8
"""Answers of 1xx before the real one."""
IDLE_S: Final = 55.0
"""Below the 60 s after which load balancers commonly forget a connection."""

_FRAMING = (b"content-length", b"transfer-encoding")
_FASTER: Final = FASTER
_NEWLINE: Final = 10
_HEAD_END: Final = b"\r\n\r\n"


class Reader(Protocol):
    """Whoever waits for an answer."""

    def on_answer(self, upstream: "UpstreamConnection", body: bytes, done: bool) -> None:
        """More of the answer: its head is in `status` and `headers` at the first call.

        With `done` the reader must call `upstream.release(now)` before it begins anything else.
        """

    def on_failed(self, failure: UpstreamFailure) -> None:
        """There will be no more; the connection is closed already."""

    def on_connected(self, upstream: "UpstreamConnection") -> bool:
        """A connection that was dialled for this reader is there; False when it is not wanted any
        more.
        """


class UpstreamConnection(asyncio.Protocol):
    """Sends one request at a time and reads its answer."""

    def __init__(self, pool: "EndpointPool") -> None:
        self.pool = pool
        self.due = NEVER
        self.uses = 0
        self.status = 0
        self.names: list[bytes] = []
        self.values: list[bytes] = []
        """The answer's headers."""
        self.closed = False
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append
        self.on_header = collector(self.names, self.values)
        self._reader: Reader | None = None
        self._transport: asyncio.Transport | None = None
        self._outbox = pool.outbox
        self._turn = -1
        """Of the outbox, when the request was put in."""
        self._parser: httptools.HttpResponseParser | None = None
        self._write: Callable[[bytes], None] = _nowhere
        self.paused = False
        self._head_bytes = 0
        self._head_done = False
        self._at_chunk = False
        """Whether what comes next is surely the beginning of a chunk, for llhttp, too."""
        self._head_count = 0
        self._trailers = 0
        self._interim = 0
        self._in_interim = False
        self._done = False
        self._keep = False
        self._fault = ""

    @property
    def headers(self) -> Iterable[tuple[bytes, bytes]]:
        """Of the answer, in pairs."""
        return zip(self.names, self.values, strict=True)

    # -- for the pool and the reader

    def send(self, reader: Reader, data: "bytes | list[bytes | memoryview]") -> None:
        """Begin an exchange; `reader` hears of its answer. A long request comes in pieces."""
        self._reader = reader
        self.due = NEVER
        self.uses += 1
        self._turn = self._outbox.turn
        if isinstance(data, bytes):
            self._write(data)
        elif self._transport is not None:
            self._outbox.put(self._transport.writelines, data)  # (uvloop's makes no copy)

    def release(self, now: float) -> None:
        """Give the connection back after an answer that was `done`; kept if both agree to."""
        transport = self._transport
        if transport is None:
            return
        if (
            not self._keep
            or self.pool.drains
            or transport.is_closing()
            # unsent bytes: the answer came early, and the next request would not begin at its start
            or transport.get_write_buffer_size()
        ):
            self.abort()
            return
        self._head_done = self._done = self._keep = False
        self._head_bytes = 0
        self._interim = 0
        self._head_count = self._trailers = 0
        self._forget_headers(0)
        if self.paused:
            self.resume()
        self.due = now + IDLE_S
        self.pool.free.append(self)

    def abort(self) -> None:
        """Close at once; the reader hears nothing more."""
        self._reader = None
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        """Read no further: the client is slow."""
        if self._transport is not None and not self._transport.is_closing():
            self.paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        self.paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def on_due(self, now: float) -> None:
        """Idle for too long."""
        self.due = NEVER
        self.abort()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        # uvloop's transports are no subclasses of asyncio's
        self._transport = cast(asyncio.Transport, transport)
        self._write = partial(self._outbox.put, self._transport.write)
        self._parser = httptools.HttpResponseParser(self)
        self.pool.opened(self)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        reader = self._reader
        parser = self._parser
        if reader is None or parser is None:
            # an answer that nobody asked for would be taken for the next one's
            self.abort()
            return
        fed_head = not self._head_done
        if fed_head and self._turn == self._outbox.turn:
            # kept with a request still to be sent, it would answer the next exchange with this one
            self._fault = "it answered before it was asked"
        try:
            if self._at_chunk or (_FASTER and fed_head and data[-1] == _NEWLINE):
                self._feed(parser, data)
            else:
                parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fault = "it switched protocols"
        except httptools.HttpParserError as problem:
            self._fault = f"{type(problem).__name__}: {problem}"
        if fed_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._check_head()
        count = len(self.names)
        if count != self._head_count and self._head_done:
            # Trailers: llhttp tells of them as of headers, and they must not pass for any.
            self._trailers += count - self._head_count
            self._forget_headers(self._head_count)
        if count > MAX_HEADERS or self._trailers > MAX_HEADERS:
            self._fault = "it sent too many headers or trailers"
        if self._fault:
            self._fail(ResponseDetail.UPSTREAM_PROTOCOL_ERROR, self._fault)
            return
        if not self._head_done:
            return
        pieces = self._pieces
        if len(pieces) == 1:
            body = pieces.pop()
        elif pieces:
            body = b"".join(pieces)
            pieces.clear()
        elif self._done or fed_head:
            body = b""
        else:
            return
        if self._done:
            self._reader = None
        reader.on_answer(self, body, self._done)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self.closed = True
        self._parser = None  # it holds us; without this the pair waits for the garbage collector
        self._transport = None
        self._write = _nowhere
        self.pool.lost(self)
        reader = self._reader
        if reader is None:
            return
        if self._head_done and exc is None and self._ends_with_connection():
            self._reader = None
            self._done = True
            reader.on_answer(self, b"", True)
        elif self._head_done:
            self._fail(ResponseDetail.UPSTREAM_TRUNCATED, "it ended in the middle of its body")
        elif not self._head_bytes and self.uses > 1:
            self._reader = None
            reader.on_failed(
                UpstreamFailure(
                    Phase.STALE, ResponseDetail.UPSTREAM_RESET, "a kept connection was closed"
                )
            )
        else:
            self._fail(ResponseDetail.UPSTREAM_RESET, "it closed the connection without an answer")

    # -- httptools

    def on_message_begin(self) -> None:
        """See httptools."""
        if self._done:
            self._fault = "it sent a second answer"

    def on_headers_complete(self) -> None:
        """See httptools."""
        parser = self._parser
        assert parser is not None
        status = parser.get_status_code()
        if status < 200:
            self._interim += 1
            self._in_interim = True
            if status == 101 or status < 100 or self._interim > MAX_INTERIM:
                self._fault = f"it answered {status}"
            return
        self.status = status
        self._head_count = len(self.names)
        self._head_done = True

    def on_message_complete(self) -> None:
        """See httptools."""
        if self._in_interim:
            self._in_interim = False
            self._forget_headers(0)
            return
        self._done = True
        assert self._parser is not None
        self._keep = self._parser.should_keep_alive()  # always false outside this callback

    # -- inside

    def _feed(self, parser: httptools.HttpResponseParser, data: bytes) -> None:
        """Whole chunks are taken here; llhttp reads the head before them, and what is left."""
        at = 0
        if not self._head_done:
            at = data.find(_HEAD_END) + len(_HEAD_END)
            if at < len(_HEAD_END):
                at = len(data)
            parser.feed_data(data[:at])
            self._at_chunk = (
                self._head_done and not self._done and _is_chunked(self.names, self.values)
            )
        if self._at_chunk:
            body, at = whole_chunks(data, at)
            if body:
                self._pieces.append(body)
            self._at_chunk = at == len(data)
        if at < len(data):
            parser.feed_data(data[at:])

    def _forget_headers(self, kept: int) -> None:
        """But the first ones."""
        del self.names[kept:], self.values[kept:]

    def _check_head(self) -> None:
        if self._head_done:  # the rest of that read may be body
            size = sum(map(len, self.names)) + sum(map(len, self.values)) + 4 * len(self.names)
            if size <= MAX_HEAD_BYTES:
                return
        self._fault = f"its head is larger than {MAX_HEAD_BYTES} bytes"

    def _ends_with_connection(self) -> bool:
        return not any(name.lower() in _FRAMING for name in self.names)

    def _fail(self, detail: ResponseDetail, message: str) -> None:
        reader = self._reader
        self.abort()
        if reader is not None:
            told = f"The upstream failed: {message}."
            reader.on_failed(UpstreamFailure(Phase.ANSWER, detail, told, why=message))


def last_open(free: list[UpstreamConnection]) -> UpstreamConnection | None:
    """Take the connection that was used last of those that nobody uses; None: none is open."""
    while free:
        upstream = free.pop()
        if not upstream.closed:
            return upstream
    return None


def _is_chunked(names: list[bytes], values: list[bytes]) -> bool:
    """Whether there is no doubt that a body comes in chunks."""
    found = False
    for at, name in enumerate(names):
        if len(name) == 17 and name.lower() == b"transfer-encoding":
            if found or values[at].lower() != b"chunked":
                return False
            found = True
        elif len(name) == 14 and name.lower() == b"content-length":
            return False
    return found


def _nowhere(data: bytes) -> None:
    """Where a request goes for which there is no connection: nobody sends one."""
    raise RuntimeError("this connection is not open")
