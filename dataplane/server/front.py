"""One client's connection: feeds its reader, starts what answers a message, watches the time.

The rule: exactly one message is answered at a time, and what was begun ends whole or cut. While one
is answered the reader gets nothing; bytes that come meanwhile wait here, a few, and then outside.
"""

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from dataplane.runtime.messages import LocalReply
from dataplane.runtime.protocols import Protocol, Reader
from dataplane.server import checks, closing, dispatch
from dataplane.server.answers import INTERNAL, local_reply
from dataplane.server.auth.certificates import caller
from dataplane.server.incoming import Incoming
from dataplane.server.reader import MessageReader
from dataplane.server.work import Work
from dataplane.wheel import NEVER, TURN_S

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from dataplane.observe.tally import Tally
    from dataplane.server.active_listener import ActiveListener
    from dataplane.server.surface import Ask

log = logging.getLogger(__name__)

STASH_BYTES: Final = 64 * 1024
"""Bytes kept of a client that sends the next requests before it has its answer; then it is not
read.
"""
MESSAGES_A_TURN: Final = 16
"""Local answers in one go; the others of a pipeline wait for the next turn of the loop."""
LINGER_S: Final = 2.0
"""How long a refused client may go on sending, so that it sees the answer and not a reset."""
GRACE_S: Final = 1.0
"""How long an idle connection is kept when draining: a request may be on its way already."""


class Front(asyncio.Protocol):
    """One client's connection."""

    __slots__ = (
        "_beginning",
        "_closed",
        "_draining",
        "_held",
        "_lingering",
        "_reader",
        "_reading_paused",
        "_stash",
        "_task_handler",
        "_timed",
        "_transport",
        "_work",
        "_writing_paused",
        "discharge",
        "due",
        "ends",
        "host",
        "http10",
        "request_id",
        "speaks",
        "woken",
        "write",
    )

    def __init__(self, host: "ActiveListener") -> None:
        self.host = host
        self.ends = False
        """Whether the connection ends with the answer under way."""
        self.http10 = False
        """Whether the client speaks HTTP/1.0 and so knows no chunks."""
        self.due = NEVER
        self.request_id = b""
        """Of the message that is being answered."""
        self.speaks: Reader = Protocol.CHAT
        """Whose errors its client reads."""
        self.woken = -1
        """The gate's look at which it was read again after it had rested."""
        self._task_handler = None  # read by aiohttp's Server.connection_lost
        self._closed: asyncio.Future[None] | None = None
        self._draining = False
        self._held = False
        """Whether the message waits for its turn."""
        self._lingering = False
        self._beginning = False
        """Whether an answer may end before its beginning has returned."""
        self._reader = MessageReader(host)
        self.discharge = self._reader.discharge
        self._reading_paused = False
        self._stash = b""
        self._timed = False
        """Whether `due` is when the message that is being received must be there."""
        self._transport: asyncio.Transport | None = None
        self._work: Work | None = None
        self._writing_paused = False

    @property
    def peer(self) -> str:
        """The client's address; empty when it has left."""
        told = self._transport.get_extra_info("peername") if self._transport is not None else None
        return str(told[0]) if told else ""

    @property
    def caller(self) -> "Hashable":
        """Whose request is being answered; None: none is."""
        return self._work.caller if self._work is not None else None

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        # uvloop's transports are no subclasses of asyncio's
        self._transport = cast(asyncio.Transport, transport)
        self.write: Callable[[bytes], None] = partial(self.host.outbox.put, self._transport.write)
        """Send bytes of an answer; those for a client who has left are dropped."""
        self.host.opened(self, self._transport)
        if self.host.certificates is not None:
            self.recognise()
        self._set_due(self.host.serving.limits.idle_timeout_s)

    def recognise(self) -> None:
        """Find out who the client is by its certificate, under the configuration of now."""
        told = self._transport.get_extra_info("peercert") if self._transport is not None else None
        self._reader.peer = caller(told, self.host.serving.listener.auth)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._transport = None
        self.due = NEVER
        work = self._work
        if work is not None:
            self._leave_work()
            work.cancel()
        self.write = _nowhere
        self.host.lost(self, exc)
        self._reader.close()
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._work is None and not (self._stash or self._lingering or self._writing_paused):
            over = self._answer(self._reader.feed(data))
            if over and (self._stash or not self._reader.drained):
                self._go_on()
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

    # -- reading

    def _answer(self, found: Incoming | LocalReply | None) -> bool:
        """Begin with what the reader has found; whether it is over already."""
        if isinstance(found, Incoming):
            reader = self._reader
            self.http10 = reader.http10
            self.ends = reader.closes
            self._timed = False
            self._beginning = True
            try:
                dispatch.begin(self, found)
            except Exception:
                self.failed()
            finally:
                self._beginning = False
        elif found is None:
            self._await_rest()
        else:
            self._timed = False
            self._refuse(found)
        return self._work is None

    def _go_on(self) -> None:
        """After an answer: what the reader kept back, then what came meanwhile."""
        if self._transport is None:
            return
        for _ in range(MESSAGES_A_TURN):
            if self._work is not None or self._lingering or self._writing_paused:
                return
            found = self._reader.feed(b"")
            if found is None:
                if not self._stash:
                    if self._reader.receiving:
                        self._await_rest()
                    return
                found = self._reader.feed(self._take_stash())
            self._answer(found)
        self.host.loop.call_soon(self._go_on)

    def _take_stash(self) -> bytes:
        if self._transport is not None:
            self._read_on(self._transport)
        data, self._stash = self._stash, b""
        return data

    def _await_rest(self) -> None:
        """A part of a message is there."""
        reader = self._reader
        if reader.receiving and not self._timed:
            self._timed = True
            self._set_due(self.host.serving.limits.receive_timeout_s)
        if reader.wants_continue:
            reader.wants_continue = False
            self.write(checks.CONTINUE)

    def _refuse(self, reply: LocalReply) -> None:
        self.ends = True
        self._reader.give_up()
        dispatch.refuse(self, reply, self._reader.incoming)

    def rest(self) -> bool:
        """Read nothing until `wake`, if nothing is here that must be answered; whether it does."""
        transport = self._transport
        busy = self._work is not None or self._stash or not self._reader.drained
        if transport is None or busy or self._lingering or self._draining:
            return False
        self._reading_paused = True
        self.due = NEVER
        transport.pause_reading()
        return True

    def wake(self, now: float) -> None:
        """Read on; what was sent meanwhile comes at once."""
        if self._transport is not None and self._reading_paused and self._work is None:
            self.due = now + self.host.serving.idle_s
            self._read_on(self._transport)

    # -- answering

    def work_on(self, work: Work, started: float, timeout_s: float) -> None:
        """A message is being answered, until `reply`, `ended` or `cut`."""
        self._work = work
        self.host.active += 1
        self.due = started + timeout_s
        if timeout_s < TURN_S:
            self.host.wheel.soon(self)

    def hold(self, work: Work, until: float) -> None:
        """A message waits for its turn, until `let_go`."""
        self._work = work
        self._held = True
        self.due = until
        self.host.wheel.soon(self)

    def let_go(self) -> None:
        """It waits no longer."""
        self._work = None
        self._held = False

    def failed(self) -> None:
        """Called while an exception is handled: say so, once to us and once to the client."""
        log.exception("request %r failed", self.request_id)
        self.ends = True
        self.reply(INTERNAL, self.host.serving.now())

    def replace_work(self, work: Work) -> None:
        """Somebody else goes on with the same message."""
        self._work = work
        if self._writing_paused:
            work.pause()

    def exchange(self, incoming: Incoming, ask: "Ask", tally: "Tally") -> None:
        """A coroutine goes on with what a relay has begun."""
        dispatch.go_on(self, incoming, ask, tally)

    def closes(self) -> bool:
        """Whether the answer that begins now is the connection's last one, and says so."""
        if self._draining:
            self.ends = True
        return self.ends

    def reply(self, reply: LocalReply, now: float, bodiless: bool = False) -> None:
        """Answer whole."""
        self.write(local_reply(reply, self.request_id, self.closes(), bodiless, self.speaks))
        self.ended(now)

    def ended(self, now: float) -> None:
        """The answer is complete."""
        host = self.host
        if self._work is not None:
            self._work = None
            host.active -= 1
        if self.ends or self._transport is None:
            self._close()
            return
        reader = self._reader
        if reader.charged:
            reader.discharge()
        idle_s = GRACE_S if self._draining else host.serving.idle_s
        self.due = now + idle_s
        if idle_s <= TURN_S:
            host.wheel.soon(self)
        if not self._beginning and (self._stash or not reader.drained):
            self._go_on()

    def cut(self) -> None:
        """End an answer that was begun so that nobody takes it for a whole one."""
        if self._work is not None:
            self._leave_work()
        if (transport := self._transport) is None:
            return
        self.host.outbox.flush()
        if self.http10:
            closing.reset(transport)
        else:
            self._lingering = True
            self._set_due(LINGER_S)
            transport.close()

    def _leave_work(self) -> None:
        self._work = None
        if self._held:
            self._held = False
        else:
            self.host.active -= 1

    # -- time and the end

    def on_due(self, now: float) -> None:
        """See Timed."""
        self.due = NEVER
        transport = self._transport
        if transport is None:
            return
        if self._work is not None:
            self._work.on_due(now)
        elif self._lingering:
            transport.abort()
        elif self._timed:
            self._refuse(checks.too_slow(self.host.serving.limits.receive_timeout_s))
        else:
            transport.close()

    def close(self) -> None:
        """Drain (asked by aiohttp's runner): finish what runs, take nothing new."""
        self._draining = True
        if self._work is None and not self._timed and not self._lingering:
            self.wake(self.host.serving.now())
            self._set_due(GRACE_S)

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - aiohttp's
        """Wait for `close` to have its effect, then cut (asked by aiohttp's runner)."""
        if self._transport is None:
            return
        self._closed = self.host.loop.create_future()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._closed
        if self._transport is not None:
            self._transport.abort()

    def _close(self) -> None:
        if (transport := self._transport) is None:
            return
        self.host.outbox.flush()
        self._lingering = True
        self._stash = b""
        self._set_due(LINGER_S)
        if self._reader.told_to_close:
            transport.close()
            return
        self._read_on(transport)
        closing.half_close(transport)

    def _read_on(self, transport: asyncio.Transport) -> None:
        if self._reading_paused:
            self._reading_paused = False
            transport.resume_reading()

    def _set_due(self, seconds: float) -> None:
        self.due = self.host.serving.now() + seconds
        if seconds <= TURN_S:
            self.host.wheel.soon(self)


def _nowhere(data: bytes) -> None:
    """Where bytes go for a client who has left."""
