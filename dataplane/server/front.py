"""Bytes -> one message at a time: the one parser of a client's connection.

The rules. aiohttp's C parser (llhttp) reads every byte, and nothing looks at them before it. It is
fed only while no message is being answered, so requests of one connection are answered in their
order and a bad byte cannot spoil a good request before it. After a chunked request the connection
is closed: the parser leaks a request's last trailer into the next request's headers.
tests/unit/dataplane/server hold what we use of the parser beyond its documentation.
"""

import asyncio
import struct
from socket import SO_LINGER, SOL_SOCKET
from typing import TYPE_CHECKING, Protocol, cast

from aiohttp import HttpVersion10
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.streams import StreamReader

from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server import checks, dispatch
from dataplane.server.answers import local_reply
from dataplane.server.incoming import REQUEST_SHAPES, Incoming
from dataplane.wheel import NEVER, TURN_S

if TYPE_CHECKING:
    from dataplane.server.host import ListenerHost

if HttpRequestParser.__module__ != "aiohttp._http_parser":
    # the parser written in Python has the same name, other bugs and a tenth of the speed
    raise ImportError("aiohttp's C extension is missing: install its wheel, not its source")

STASH_BYTES = 64 * 1024
"""Bytes kept of a client that sends the next requests before it has its answer; then it is not
read.
"""
MESSAGES_A_TURN = 16
"""Local answers in one go; the others of a pipeline wait for the next turn of the loop."""
LINGER_S = 2.0
"""How long a refused client may go on sending, so that it sees the answer and not a reset."""
GRACE_S = 1.0
"""How long an idle connection is kept when draining: a request may be on its way already."""
_UNLIMITED = 1 << 30
"""High-water mark of the parser's StreamReader: we empty it ourselves and never want it to pause.
"""
_UNKNOWN = 1 << 60
"""In `_fed`: the parser holds bytes from before, nobody knows how many."""
_RESET = struct.pack("ii", 1, 0)


class Work(Protocol):
    """Whatever answers a message over some time."""

    def pause(self) -> None:
        """The client reads slowly."""

    def resume(self) -> None:
        """The client reads again."""

    def cancel(self) -> None:
        """The client has left."""

    def on_deadline(self) -> None:
        """The listener's timeout has passed."""


class Front(asyncio.Protocol):
    """One client's connection."""

    __slots__ = (
        "_closed",
        "_draining",
        "_fed",
        "_incoming",
        "_lingering",
        "_parser",
        "_payload",
        "_pumping",
        "_reading_paused",
        "_receiving",
        "_serving",
        "_stash",
        "_task_handler",
        "_transport",
        "_work",
        "_writing_paused",
        "asked_to_close",
        "closes",
        "due",
        "host",
        "http10",
        "request_id",
    )

    def __init__(self, host: "ListenerHost") -> None:
        self.host = host
        self.closes = False
        """Whether the connection ends with the answer under way."""
        self.asked_to_close = False
        self.due = NEVER
        self.http10 = False
        self.request_id = b""
        self._task_handler = None  # read by aiohttp's Server.connection_lost
        self._closed: asyncio.Future[None] | None = None
        self._draining = False
        self._fed = 0
        self._incoming: Incoming | None = None
        self._lingering = False
        self._payload: StreamReader | None = None
        self._pumping = False
        self._reading_paused = False
        self._receiving = False
        self._stash = b""
        self._transport: asyncio.Transport | None = None
        self._work: Work | None = None
        self._writing_paused = False
        self._serving = host.serving
        limits = self._serving.limits
        self._parser = HttpRequestParser(
            self,  # type: ignore[arg-type]  # it only calls pause_reading and resume_reading
            host.loop,
            _UNLIMITED,
            max_line_size=limits.max_header_bytes,
            max_headers=checks.MAX_HEADERS,
            max_field_size=limits.max_header_bytes,
            auto_decompress=False,
            max_msg_queue_size=1,
        )

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        # uvloop's transports are no subclasses of asyncio's
        self._transport = cast(asyncio.Transport, transport)
        self.host.opened(self, self._transport)
        self._set_due(self._serving.limits.idle_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._transport = None
        self.due = NEVER
        work = self._work
        if work is not None:
            self._leave_work()
            work.cancel()
        self.host.lost(self, exc)
        del self._parser  # it holds us; without this the pair waits for the garbage collector
        self._payload = None
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if (
            self._work is None
            and not self._stash
            and not self._lingering
            and not self._writing_paused
        ):
            self._pump(data)
        elif not self._lingering:
            self._stash += data
            if len(self._stash) > STASH_BYTES and self._transport is not None:
                self._reading_paused = True
                self._transport.pause_reading()

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self._writing_paused = True
        if self._work is not None:
            self._work.pause()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._writing_paused = False
        if self._work is not None:
            self._work.resume()
        else:
            self._go_on()

    # -- what the parser's StreamReader asks for; it never fills up, so there is nothing to do

    def pause_reading(self) -> None:
        """See aiohttp.base_protocol."""

    def resume_reading(self, resume_parser: bool = True) -> None:
        """See aiohttp.base_protocol."""

    # -- reading

    def _pump(self, data: bytes) -> None:
        """Read messages and answer them until one takes its time or the bytes are used up."""
        self._pumping = True
        for _ in range(MESSAGES_A_TURN):
            if not self._read(data):
                break
            data, self._stash = self._stash, b""
            self._fed = _UNKNOWN
        else:
            self._stash = data
            self.host.loop.call_soon(self._go_on)
        self._pumping = False

    def _go_on(self) -> None:
        """After an answer: read what the parser kept back, and what came meanwhile."""
        if self._work is not None or self._lingering or self._writing_paused:
            return
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._reading_paused:
            self._reading_paused = False
            transport.resume_reading()
        data, self._stash = self._stash, b""
        self._fed = _UNKNOWN
        self._pump(data)

    def _read(self, data: bytes) -> bool:
        """Feed the parser; True when a message was answered on the spot and another may follow."""
        self._fed += len(data)
        try:
            messages, _, _ = self._parser.feed_data(data)
        except (HttpProcessingError, ValueError) as problem:
            limit = self._serving.limits.max_header_bytes
            self._refuse(checks.parse_error(problem, limit), self._incoming)
            return False
        incoming = self._incoming
        if incoming is not None:
            payload = self._payload
            assert payload is not None
            if not self._body_fits(incoming, payload) or not payload.is_eof():
                return False
            self._payload = self._incoming = None
        elif messages:
            message, payload = messages[0]
            incoming = self._accept(message)
            if incoming is None or not self._body_fits(incoming, payload):
                return False
            if not payload.is_eof():
                self._await_body(incoming, message, payload)
                return False
        else:
            self._await_head(data)
            return False
        if payload.total_bytes:
            incoming.body = payload.read_nowait()
        self._fed = 0
        self._receiving = False
        dispatch.begin(self, self._serving, incoming)
        return self._work is None and not self._lingering and not self._writing_paused

    def _accept(self, message: RawRequestMessage) -> Incoming | None:
        """Look at a head; None when the message was refused."""
        serving = self._serving = self.host.serving
        raw = message.raw_headers
        names, values = zip(*raw, strict=True) if raw else ((), ())
        shape = REQUEST_SHAPES.get(names) or REQUEST_SHAPES.make(names)
        incoming = Incoming(message.method, message.path, names, values, shape, serving.now())
        self.http10 = message.version is HttpVersion10
        self.asked_to_close = message.should_close
        self.closes = (
            message.should_close
            or self._draining
            or message.chunked
            or message.upgrade
            or self.http10
        )
        limit = serving.limits.max_header_bytes
        refusal = checks.refusal(message, values, shape)
        if self._fed > limit:
            size = checks.head_size(message)
            if size > limit:
                refusal = checks.headers_too_large(limit)
            self._fed = max(self._fed - size, 0) if self._fed < _UNKNOWN else 0
        if refusal is not None:
            self._refuse(refusal, incoming)
            return None
        return incoming

    def _await_head(self, data: bytes) -> None:
        """Less than a head is there."""
        if self._fed >= _UNKNOWN:
            self._fed -= _UNKNOWN
        if not self._receiving:
            if not data.strip(b"\r\n"):
                self._fed = 0
                return
            self._receiving = True
            self._serving = self.host.serving
            self._set_due(self._serving.limits.receive_timeout_s)
        limit = self._serving.limits.max_header_bytes
        if self._fed > limit:
            self._refuse(checks.headers_too_large(limit))

    def _await_body(
        self, incoming: Incoming, message: RawRequestMessage, payload: StreamReader
    ) -> None:
        """A head is there, its body is not."""
        limits = self._serving.limits
        length = message.headers.get("Content-Length")
        if length is not None and int(length) > limits.max_body_bytes:
            self._refuse(checks.body_too_large(limits.max_body_bytes), incoming)
            return
        self._incoming = incoming
        self._payload = payload
        if not self._receiving:
            self._receiving = True
            self._set_due(limits.receive_timeout_s)
        if incoming.shape.expect >= 0 and not self.http10 and not payload.total_bytes:
            self.write(checks.CONTINUE)

    def _body_fits(self, incoming: Incoming, payload: StreamReader) -> bool:
        limits = self._serving.limits
        size = payload.total_bytes
        if size > limits.max_body_bytes:
            refusal = checks.body_too_large(limits.max_body_bytes)
        elif incoming.shape.transfer and checks.too_much_framing(
            self._fed, size, limits.max_header_bytes
        ):
            refusal = checks.bad_request("The body's chunks are mostly framing.")
        else:
            return True
        self._refuse(refusal, incoming)
        return False

    def _refuse(self, reply: LocalReply, incoming: Incoming | None = None) -> None:
        self._incoming = None
        dispatch.refuse(self, self._serving, reply, incoming)

    # -- answering

    def work_on(self, work: Work, deadline: float) -> None:
        """A message is being answered, until `reply`, `ended` or `cut`."""
        self._work = work
        self.host.active += 1
        self.due = deadline
        if self._serving.listener.timeout_s < TURN_S:
            self.host.wheel.soon(self)

    def replace_work(self, work: Work) -> None:
        """Somebody else goes on with the same message."""
        self._work = work
        if self._writing_paused:
            work.pause()

    def write(self, data: bytes) -> None:
        """Send bytes of an answer."""
        if self._transport is not None:
            self._transport.write(data)

    def reply(self, reply: LocalReply, bodiless: bool = False) -> None:
        """Answer whole."""
        self.write(local_reply(reply, self.request_id, self.closes, bodiless))
        self.ended()

    def ended(self) -> None:
        """The answer is complete."""
        if self._work is not None:
            self._leave_work()
        transport = self._transport
        if transport is None:
            return
        if self.closes:
            self._close(transport)
            return
        self._parser.message_consumed()
        self.due = self._serving.now() + self._serving.limits.idle_timeout_s
        if self._serving.limits.idle_timeout_s < TURN_S:
            self.host.wheel.soon(self)
        if not self._pumping:
            self._go_on()

    def cut(self) -> None:
        """End an answer that was begun so that nobody takes it for a whole one."""
        if self._work is not None:
            self._leave_work()
        transport = self._transport
        if transport is None:
            return
        if self.http10:
            # its end of connection is its end of body: only a reset tells the difference
            transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, _RESET)
            transport.abort()
        else:
            self._lingering = True
            self._set_due(LINGER_S)
            transport.close()

    def _leave_work(self) -> None:
        self._work = None
        self.host.active -= 1

    # -- time and the end

    def on_due(self, now: float) -> None:
        """See Timed."""
        self.due = NEVER
        transport = self._transport
        if transport is None:
            return
        if self._work is not None:
            self._work.on_deadline()
        elif self._lingering:
            transport.abort()
        elif self._receiving:
            seconds = self._serving.limits.receive_timeout_s
            self._refuse(
                LocalReply(
                    408,
                    f"The request did not arrive within {seconds:g} s.",
                    ResponseDetail.RECEIVE_TIMEOUT,
                ),
                self._incoming,
            )
        else:
            transport.close()

    def close(self) -> None:
        """Drain (asked by aiohttp's runner): finish what runs, take nothing new."""
        self._draining = True
        if self._work is not None:
            self.closes = True
        elif not self._receiving and not self._lingering:
            self._set_due(GRACE_S)

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - aiohttp's
        """Wait for `close` to have its effect, then cut (asked by aiohttp's runner)."""
        if self._transport is None:
            return
        self._closed = self.host.loop.create_future()
        try:
            async with asyncio.timeout(timeout):
                await self._closed
        except TimeoutError:
            if self._transport is not None:
                self._transport.abort()

    def _close(self, transport: asyncio.Transport) -> None:
        if self.asked_to_close:
            self._set_due(LINGER_S)
            self._lingering = True
            transport.close()
            return
        # Closing with unread bytes in the socket sends a reset, which may overtake our answer.
        self._lingering = True
        self._stash = b""
        self._set_due(LINGER_S)
        if self._reading_paused:
            self._reading_paused = False
            transport.resume_reading()
        if transport.can_write_eof() and not transport.is_closing():
            transport.write_eof()

    def _set_due(self, seconds: float) -> None:
        self.due = self._serving.now() + seconds
        if seconds <= TURN_S:
            self.host.wheel.soon(self)
