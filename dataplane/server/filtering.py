"""A request of a model listener where there is no more to it than filters: they are stepped through
on the way, and it goes on as a relay, with no coroutine of its own.

The rule: a task is made for who must be waited for, not before, and it goes on with the very steps
that were begun here. A chain with coroutines of somebody's has one from the beginning, as these may
ask which one they run in.
"""

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from dataplane.filters.answers import AnswerFlow
from dataplane.filters.stage import stages
from dataplane.llm.wire.body import peek
from dataplane.llm.wire.peek import Peek
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail
from dataplane.server.admitting import admitted
from dataplane.server.answers import INTERNAL
from dataplane.server.callers import caller_of
from dataplane.server.calls import attributes_of, call_of, context_of, finish, record_of
from dataplane.server.downstream import Admitted, Call
from dataplane.server.filtered import Filtered
from dataplane.server.incoming import rewritten
from dataplane.server.orders import Orders
from dataplane.server.relay import CLIENT_CLOSED, Relay
from dataplane.server.sieve import Sieve
from dataplane.server.stream import Stream

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Hashable

    from dataplane.observe import traceparent
    from dataplane.observe.record import ExchangeRecord
    from dataplane.observe.tally import Tally
    from dataplane.runtime.effects import Effect, Steps
    from dataplane.server.front import Front
    from dataplane.server.incoming import Incoming
    from dataplane.server.surface import Ask

log = logging.getLogger(__name__)


class Filtering:
    """The Work (work.py) on a message until its filters have had their say."""

    __slots__ = (
        "_ask",
        "_call",
        "_context",
        "_front",
        "_incoming",
        "_make",
        "_place",
        "_request",
        "_size",
        "_tally",
        "_task",
    )

    def __init__(
        self,
        front: "Front",
        incoming: "Incoming",
        ask: "Ask",
        place: "traceparent.Place",
        make: "Callable[..., Tally]",
    ) -> None:
        """:param make: makes the tally of its relay."""
        self._front = front
        self._incoming = incoming
        self._ask = ask
        self._place = place
        self._make = make
        self._size = len(incoming.body)
        self._context = context_of(front, incoming, ask)
        self._request = incoming.request(ask.path, ask.query)
        """As it came."""
        self._call: Call | None = None
        self._tally: Tally | None = None
        """Of its relay."""
        self._task: asyncio.Task[None] | None = None

    def run(self) -> None:
        """Begin; what goes wrong is ours."""
        ask, context = self._ask, self._context
        serving = self._incoming.serving
        found = peek(self._request.body)
        if isinstance(found, Peek):
            if found.inline and ask.protocol is not None:
                self._go_on_as(self._stream(None))
                return
            if ask.model is None:
                context.model, context.stream = found.model or "", found.stream
        if serving.in_task:
            self._begin_task(None, None, found)
            return
        effect: Effect | None = None
        try:
            made = admitted(serving, ask, self._request, context, found)
            if not isinstance(made, Admitted):
                effect = next(made)
        except StopIteration as end:
            made = end.value
        except Exception:
            self._failed()
            return
        if not isinstance(made, Admitted):
            self._begin_task(made, effect, found)
            return
        stream = self._gone_on(made, found)
        if stream is not None:
            self._go_on_as(stream)

    def _begin_task(
        self, steps: "Steps[Admitted] | None", effect: "Effect | None", found: Peek | LocalReply
    ) -> None:
        tasks = self._incoming.serving.services.tasks
        self._task = tasks.start(self._run(steps, effect, found), name="input filters")

    async def _run(
        self, steps: "Steps[Admitted] | None", effect: "Effect | None", found: Peek | LocalReply
    ) -> None:
        """Let the filters have their say; they ask for the effect, or have not begun."""
        serving = self._incoming.serving
        try:
            made: Admitted | Steps[Admitted] | None = steps
            if made is None:
                made = admitted(serving, self._ask, self._request, self._context, found)
                if not isinstance(made, Admitted):
                    effect = next(made)
            if not isinstance(made, Admitted):
                performer = serving.services.performer
                assert performer is not None, "Services has one where filters are"
                assert effect is not None
                made = await performer.go_on(made, effect, self.call())
        except StopIteration as end:
            made = end.value
        except Exception:
            self._failed()
            return
        assert isinstance(made, Admitted)
        stream = self._gone_on(made, found)
        if stream is not None:
            self._front.replace_work(stream)
            await stream.run_in(self._task)

    def _gone_on(self, made: Admitted, found: Peek | LocalReply) -> Stream | None:
        try:
            return self._outcome(made, found)
        except Exception:
            self._front.failed()
            return None

    def _outcome(self, made: Admitted, found: Peek | LocalReply) -> Stream | None:
        """Go on with what filters have made of it; who does so where it takes more than a relay."""
        outcome = made.outcome
        if made.needs_more:
            return self._stream(made)
        if isinstance(outcome, Request):
            self._relay(outcome, made, found)
            return None
        if outcome.detail is ResponseDetail.CACHE_HIT and made.output:
            return self._stream(made)
        finish(self._front, self._incoming.serving, self._record(), outcome)
        return None

    def _failed(self) -> None:
        """Called while an exception is handled: a fault of ours."""
        log.exception("filters of request %r failed", self._front.request_id)
        finish(self._front, self._incoming.serving, self._record(), INTERNAL)

    def _record(self) -> "ExchangeRecord":
        """Of an exchange that ends here, with what filters had to say of it."""
        if self._call is not None:
            return self._call.record
        return record_of(self._front, self._incoming, self._ask.path, self._place)

    def _stream(self, made: Admitted | None) -> Stream:
        call = self._call_with(made) if self._call is None else replace(self._call, admitted=made)
        return Stream(self._front, self._incoming, call)

    def _call_with(self, made: Admitted | None) -> Call:
        return call_of(
            self._front,
            self._incoming,
            self._ask,
            self._place,
            self._context,
            self._request,
            made,
        )

    def _go_on_as(self, stream: Stream) -> None:
        self._front.replace_work(stream)
        stream.start_task()

    # -- as a relay

    def _relay(self, request: Request, made: Admitted, found: Peek | LocalReply) -> None:
        """Send what the filters have left of it."""
        front, ask, place = self._front, self._ask, self._place
        came = self._request
        incoming = self._incoming
        serving = incoming.serving
        tally = self._make(
            serving.name,
            "POST",
            ask.path,
            front.request_id,
            place,
            incoming.started,
            self._size,
        )
        self._tally = tally
        if self._call is not None:
            tally.heard(self._call.record)
        tally.principal = incoming.principal
        tally.aside_s = serving.now() - incoming.started
        if place[2]:
            tally.attributes = attributes_of(incoming)
        incoming = rewritten(incoming, came, request)
        orders = Orders(made.models) if made.models else None
        if request.body is not came.body:
            found = peek(request.body)
        peeked = found if isinstance(found, Peek) else None
        if peeked is not None:
            peeked.inline = False  # (nobody chooses any more)
        sieve = self._sieve(request, made) if made.output else None
        if sieve is None:
            relay = Relay(front, incoming, ask, tally, place[0], orders)
            front.replace_work(relay)
        else:
            incoming.drop(incoming.shape.accepts)
            deadline = incoming.started + serving.timeout_s
            filtered = Filtered(front, serving, sieve, deadline)
            relay = Relay(filtered, incoming, ask, tally, place[0], orders)
            relay.records = filtered.record
            front.replace_work(filtered)
            filtered.replace_work(relay)
        relay.run(peeked)

    def _sieve(self, request: Request, made: Admitted) -> Sieve | None:
        serving, context = self._incoming.serving, self._context
        chain = serving.chain(made.output).filters
        heard = stages(chain, request, context)
        if not heard:
            return None
        services = serving.services
        anew = partial(stages, chain, request, context)
        flow = AnswerFlow(heard, context.operation, context.stream, anew)
        return Sieve(flow, self.call, services.performer, services.clock.wall)

    def call(self) -> Call:
        """As the coroutine path sees it, for filters of the answer that ask for something."""
        if self._call is None:
            self._call = self._call_with(None)
            if self._tally is not None:
                self._tally.heard(self._call.record)
        return self._call

    # -- what the front tells, while a task has not begun

    @property
    def caller(self) -> "Hashable":
        """See Work."""
        return caller_of(self._incoming, self._front.peer)

    def pause(self) -> None:
        """See Work: nothing is written."""

    def resume(self) -> None:
        """See Work."""

    def cancel(self) -> None:
        """The client has left."""
        record = self._record()
        record.status, record.detail = CLIENT_CLOSED, ResponseDetail.DOWNSTREAM_GONE
        serving = self._incoming.serving
        serving.recorder.finish(record, serving.now())
        self._stop()

    def on_due(self, now: float) -> None:
        """The listener's timeout has passed."""
        serving = self._incoming.serving
        message = f"The answer took longer than the listener's timeout of {serving.timeout_s:g} s."
        reply = LocalReply(504, message, ResponseDetail.DEADLINE_EXCEEDED)
        finish(self._front, serving, self._record(), reply)
        self._stop()

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
