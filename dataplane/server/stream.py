"""The client's side of an exchange that is a coroutine: agents and filters answer through a Stream.

The rule: the exchange's task never outlives its client, and an answer that was begun ends whole or
cut.
"""

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, cast

from dataplane.observe.tally import EarlyTally, Tally
from dataplane.runtime.messages import Headers, LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import Operation
from dataplane.server.answers import CHUNKED, CLOSE, LAST_CHUNK, chunk, header_lines, started
from dataplane.server.downstream import Call, DownstreamGoneError
from dataplane.server.filtered import Filtered
from dataplane.server.incoming import rewritten
from dataplane.server.keeping_tally import KeepingTally
from dataplane.server.orders import Orders
from dataplane.server.passing import all_said
from dataplane.server.relay import CLIENT_CLOSED, Relay
from dataplane.server.relayed_head import BODILESS
from dataplane.wheel import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from dataplane.server.front import Front
    from dataplane.server.incoming import Incoming
    from dataplane.server.limits.charge import Charge
    from dataplane.server.sieve import Sieve

log = logging.getLogger(__name__)


class Stream:
    """Implements Downstream (downstream.py) over a front's connection."""

    __slots__ = (
        "_call",
        "_charge",
        "_chunked",
        "_front",
        "_incoming",
        "_last",
        "_resumed",
        "_sent",
        "_serving",
        "_task",
        "over",
    )

    def __init__(self, front: "Front", incoming: "Incoming", call: Call) -> None:
        self._front: Front | Filtered = front
        self._incoming = incoming
        self._serving = incoming.serving
        self._call = call
        self._chunked = not front.http10
        self._charge: Charge | None = None
        self._sent = False
        self._last = b""
        """The piece of the body that was sent last."""
        self._resumed: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None
        self.over = False

    def start_task(self) -> None:
        """Run the exchange."""
        self._task = self._serving.services.tasks.start(self._run(), name="exchange")

    async def run_in(self, task: asyncio.Task[None] | None) -> None:
        """The same, in a task of its caller's that nobody else uses."""
        self._task = task
        await self._run()

    async def _run(self) -> None:
        try:
            services = self._serving.services
            by = services.mcp if self._call.ask.mcp else services.exchange
            assert by is not None, "a listener of this kind is served where `mcp` is"
            await by.run(self._call, self)
        except DownstreamGoneError:
            pass
        except Exception:
            log.exception("exchange %s failed", self._call.request_id)
            if not self.over:
                self._local(LocalReply(500, "The gateway itself failed.", ResponseDetail.INTERNAL))
        else:
            if not self.over:
                log.error("exchange %s ended without an answer", self._call.request_id)
                self._local(LocalReply(500, "The gateway gave no answer.", ResponseDetail.INTERNAL))

    # -- Downstream

    def reply(self, reply: LocalReply) -> None:
        """See Downstream."""
        if self.over:
            raise DownstreamGoneError
        record = self._call.record
        record.detail, record.status = reply.detail, reply.status
        record.filter = reply.filter
        now = self._close_record()
        self._front.reply(reply, now, bodiless=reply.status in BODILESS)

    def relay(
        self,
        request: Request,
        models: "Sequence[str] | None" = None,
        keep: "Callable[[bytes], None] | None" = None,
        told: Headers = (),
        marks: int = 0,
    ) -> None:
        """See Downstream."""
        if self.over:
            raise DownstreamGoneError
        self.over = True
        call = self._call
        record = call.record
        header = call.traceparent.encode()
        make: Callable[..., Tally] = Tally
        if keep is not None:
            make = partial(KeepingTally, keep)
        elif call.ask.operation is Operation.MESSAGES:
            make = EarlyTally
        tally = make(
            record.listener,
            record.method,
            record.path,
            self._front.request_id,
            (header, record.parent_span_id, record.sampled),
            record.started,
            record.bytes_received,
            record,
        )
        incoming = rewritten(self._incoming, call.request, request)
        incoming.serving = self._serving
        tally.principal = call.principal
        tally.aside_s = self._serving.now() - record.started
        lines = header_lines(told)
        if self._charge is not None:
            tally.charge = self._charge
            lines += self._charge.lines
        orders = Orders(models or (), lines, marks)
        relay = Relay(self._front, incoming, call.ask, tally, header, orders)
        self._front.replace_work(relay)
        relay.run()

    def last(self) -> None:
        """See Downstream."""
        self._front.due = NEVER

    def charged(self, charge: "Charge") -> None:
        """See Downstream."""
        self._charge = charge

    def filter(self, sieve: "Sieve") -> None:
        """See Downstream."""
        if self.over:
            raise DownstreamGoneError
        front = cast("Front", self._front)
        filtered = Filtered(front, self._serving, sieve, self._call.deadline)
        self._front = filtered
        self._serving = self._serving.told_to(filtered.record)
        self._chunked = False
        front.replace_work(filtered)
        filtered.replace_work(self)

    def start(self, status: int, headers: Headers) -> None:
        """See Downstream."""
        if self.over:
            raise DownstreamGoneError
        if status in BODILESS:
            # A client takes what follows such a head for the next answer.
            self._chunked = False
        record = self._call.record
        record.status = status
        record.first_byte_s = round(self._serving.now() - record.started, 6)
        self._sent = True
        framing = (CHUNKED if self._chunked else b"") + (CLOSE if self._front.closes() else b"")
        self._front.write(started(status, headers, self._front.request_id, framing))

    async def write(self, data: bytes) -> None:
        """See Downstream."""
        if self.over:
            raise DownstreamGoneError
        self._send(data)
        while self._resumed is not None:
            await self._resumed.wait()
            if self.over:
                raise DownstreamGoneError

    async def aside(self, data: bytes) -> None:
        """See Downstream."""
        await self.write(data)

    def finish(self, last: bytes = b"") -> None:
        """See Downstream."""
        if self.over:
            raise DownstreamGoneError
        self._send(last)
        if self._chunked:
            self._front.write(LAST_CHUNK)
        self._front.ended(self._close_record())

    def abort(self, last: bytes = b"") -> None:
        """See Downstream."""
        if not self.over:
            self._send(last)
            self._close_record()
            self._front.cut()

    @property
    def caller(self) -> "Hashable":
        """See Work."""
        return self._call.caller

    # -- what the front tells

    def pause(self) -> None:
        """The client reads slowly."""
        if self._resumed is None:
            self._resumed = asyncio.Event()

    def resume(self) -> None:
        """The client reads again."""
        if self._resumed is not None:
            self._resumed.set()
            self._resumed = None

    def cancel(self) -> None:
        """The client has left."""
        record = self._call.record
        if not all_said(self._call.ask.shape, self._last):
            record.detail = ResponseDetail.DOWNSTREAM_GONE
        if not self._sent:
            record.status = CLIENT_CLOSED
        self._close_record()
        self._stop()

    def on_due(self, now: float) -> None:
        """The listener's timeout has passed."""
        self._local(
            LocalReply(
                504,
                "The answer took longer than the listener's timeout of "
                f"{self._serving.listener.timeout_s:g} s.",
                ResponseDetail.DEADLINE_EXCEEDED,
            )
        )
        self._stop()

    # -- the end

    def _send(self, data: bytes) -> None:
        if data and self._call.record.status not in BODILESS:
            self._last = data
            self._call.record.bytes_sent += len(data)
            self._front.write(chunk(data) if self._chunked else data)

    def _local(self, reply: LocalReply) -> None:
        """Answer in the exchange's place, or cut what it began."""
        if self._sent:
            self._call.record.detail = reply.detail
            self.abort()
        else:
            self.reply(reply)

    def _stop(self) -> None:
        self.resume()
        if self._task is not None:
            self._task.cancel()

    def _close_record(self) -> float:
        self.over = True
        if self._charge is not None:
            self._charge.settle(self._call.record)
        now = self._serving.now()
        self._serving.recorder.finish(self._call.record, now)
        return now
