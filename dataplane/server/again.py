"""A model that is asked once more within an exchange, because a filter wants another answer.

Rule: the client sees nothing of it but the answer it gets in the end. What it costs is the
exchange's: tokens are added to its record, and so to its limits and to what metrics say.
"""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from dataplane.observe.record import ExchangeRecord
from dataplane.observe.tally import EarlyTally, Tally
from dataplane.runtime.effects import CallFailed
from dataplane.runtime.messages import HttpReply, LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import Operation
from dataplane.server.answers import WrittenHead
from dataplane.server.incoming import from_request
from dataplane.server.limits.sizes import spent_usd
from dataplane.server.relay import Relay
from dataplane.wheel import NEVER

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from dataplane.observe.series import Series
    from dataplane.server.filtered import Filtered
    from dataplane.server.work import Work

MAX_BYTES = 32 << 20
"""Of such an answer."""


class Again:
    """Stands for a Front (front.py) towards the relay that asks, and for Records (serving.py)."""

    def __init__(
        self, front: "Filtered", spent: ExchangeRecord, price: "Callable[[ExchangeRecord], float]"
    ) -> None:
        """:param spent: gets the tokens, and what they have cost: the `price`, in US dollars."""
        self._spent = spent
        self._price = price
        self._relay: Work | None = None
        self._data = bytearray()
        self._is_over = False
        self.ended_as: asyncio.Future[HttpReply | CallFailed] = front.host.loop.create_future()
        self.host = front.host
        self.peer = front.peer
        self.request_id: bytes = front.request_id
        self.http10 = True
        """Nobody frames what is written here."""
        self.due: float = NEVER

    def closes(self) -> bool:
        """Framing is nobody's."""
        return False

    def discharge(self) -> None:
        """The request is the client's, who may still be told of it."""

    def replace_work(self, work: "Work") -> None:
        """See Front."""
        self._relay = work

    def write(self, data: bytes) -> None:
        """A head with what follows of the body, or more of the body."""
        self._data += data
        if len(self._data) > MAX_BYTES and self._relay is not None:
            self._fail(LocalReply(502, "its answer is too large", ResponseDetail.INTERNAL))
            self.host.loop.call_soon(self._relay.cancel)  # not now: it is at work

    def reply(self, reply: LocalReply, now: float, bodiless: bool = False) -> None:
        """No model has answered."""
        self._fail(reply)

    def ended(self, now: float) -> None:
        """The answer is whole."""
        written = WrittenHead(bytes(self._data))
        self._end(HttpReply(written.head.status, written.head.headers, written.body))

    def cut(self) -> None:
        """It broke off."""
        detail = ResponseDetail.UPSTREAM_TRUNCATED
        self._fail(LocalReply(502, "its answer broke off", detail))

    def on_due(self, now: float) -> None:
        """See Timed."""
        self.due = NEVER
        if self._relay is not None and not self._is_over:
            self._relay.on_due(now)

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        if self._relay is not None and not self._is_over:
            self._is_over = True
            self._relay.cancel()

    def _fail(self, reply: LocalReply) -> None:
        timed_out = reply.status == 504
        self._end(CallFailed(reply.detail, reply.message, timed_out, reply.status))

    def _end(self, reply: HttpReply | CallFailed) -> None:
        if not self._is_over:
            self._is_over = True
            self.ended_as.set_result(reply)

    # -- Records

    def finish_later(self, tally: Tally, now: float, series: "Series | None") -> None:
        """It is no exchange of its own: only what it used up is told."""
        tally.ended = now
        record = tally.record()
        if tally.watch is not None:
            tally.watch(record)
        self._spent.spend(record, self._price(record))

    def finish(self, record: ExchangeRecord, now: float, series: "Series | None" = None) -> None:
        """See Records."""
        self._spent.spend(record, self._price(record))


async def ask_again(
    filtered: "Filtered", before: Relay, request: Request
) -> HttpReply | CallFailed:
    """What a model answers to another request in place of one that was relayed, whole. Cancel it:
    nothing goes on upstream.
    """
    call = filtered.call
    record = call.record
    again = Again(filtered, record, partial(spent_usd, call.config))
    serving = before.serving.told_to(again)
    serving.limiter = None  # its tokens are charged with those of the exchange
    headers = tuple(pair for pair in request.headers if pair[0].lower() != "accept-encoding")
    now = serving.now()
    incoming = from_request(serving, replace(request, headers=headers), now, call.principal)
    make: Callable[..., Tally] = Tally
    if call.ask.operation is Operation.MESSAGES:
        make = EarlyTally
    header = call.traceparent.encode()
    tally = make(
        record.listener,
        record.method,
        record.path,
        again.request_id,
        (header, record.parent_span_id, False),
        now,
        len(request.body),
        ExchangeRecord(),
    )
    relay = Relay(again, incoming, call.ask, tally, header, before.orders)
    again.replace_work(relay)
    wheel = serving.services.wheel
    wheel.add(again)
    try:
        relay.run()
        return await again.ended_as
    finally:
        wheel.remove(again)
        again.cancel()
