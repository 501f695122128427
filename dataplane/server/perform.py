"""Carries out what pure code asks for: the one place where an Effect becomes I/O."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from random import Random
from typing import Protocol, TypeVar

from dataplane.clock import Clock
from dataplane.observe import spans
from dataplane.observe.decisions import Decisions
from dataplane.observe.record import ExchangeRecord
from dataplane.observe.tracing import Tracer
from dataplane.resilience.standing import Standings
from dataplane.runtime.config import AgentTarget, RuntimeConfig
from dataplane.runtime.decision import Decision, Turn
from dataplane.runtime.effects import (
    AskAgain,
    AskAgent,
    AtOnce,
    Await,
    CallFailed,
    CallHttp,
    CallModel,
    Decide,
    DecideAmong,
    Effect,
    Embed,
    Embedded,
    Emit,
    FindAlike,
    Flag,
    ForFilters,
    FoundAlike,
    Keep,
    LookUp,
    PassOn,
    Recall,
    Recalled,
    Remember,
    Reply,
    Steps,
    Tell,
)
from dataplane.runtime.messages import HttpReply, Request, ResponseDetail
from dataplane.server import coroutines
from dataplane.server.downstream import Call
from dataplane.server.orchestrating import decide
from dataplane.server.outside.outside import Outside
from dataplane.server.side_models import SideModels
from dataplane.upstream.client import UpstreamClient

log = logging.getLogger(__name__)

T = TypeVar("T")


class Decider(Protocol):
    """Whoever knows which agents fit."""

    async def decide_among(
        self,
        agents: tuple[AgentTarget, ...],
        min_confidence: float,
        conversation: tuple[Turn, ...],
    ) -> Decision:
        """Which of these fit."""
        ...

    async def embed(self, text: str) -> tuple[float, ...] | None:
        """What a text means, if there is an encoder."""
        ...

    def configure(self, config: RuntimeConfig) -> None:
        """Get ready to decide for these listeners."""
        ...

    async def close(self) -> None:
        """Stop; nothing is decided any more."""
        ...


class Memory(Protocol):
    """The store of sessions; never fails, but may forget."""

    async def recall(self, key: str) -> bytes | None:
        """What is kept there."""
        ...

    async def remember(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep it."""
        ...

    async def note(self, book: str, name: str, line: bytes, ttl_s: float) -> None:
        """Write a line into a book, in place of what it says of `name`."""
        ...

    async def lines(self, book: str) -> list[bytes] | None:
        """What a book says, in no order; None: nobody can tell."""
        ...


class Performer:
    """Drives generators of effects on behalf of exchanges."""

    def __init__(
        self,
        client: UpstreamClient,
        decider: Decider,
        tracer: Tracer,
        clock: Clock,
        memory: Memory | None = None,
        outside: Outside | None = None,
        standings: Standings | None = None,
    ) -> None:
        """:param standings: which clusters are well, as requests have found it."""
        self.side_models = SideModels(standings or Standings(Random()), clock)
        self._memory = memory
        self._outside = outside
        self._client = client
        self._decider = decider
        self._tracer = tracer
        self._clock = clock
        self.decisions = Decisions()
        """What has been decided on agent listeners."""

    async def run(self, steps: Steps[T], call: Call) -> T:
        """What the steps return in the end."""
        try:
            effect = next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        return await self.go_on(steps, effect, call)

    async def go_on(self, steps: Steps[T], effect: Effect, call: Call) -> T:
        """The same of steps that somebody has begun, and that ask for this."""

        async def perform(effect: Effect) -> Reply:
            return await self.perform(effect, call)

        return await drive_on(steps, effect, perform)

    def new_span_id(self, record: ExchangeRecord) -> str:
        """The id of a call's own span; empty when nobody will see it."""
        return self._tracer.new_span_id() if record.sampled else ""

    def told(self, record: ExchangeRecord, span: spans.Span, span_id: str = "") -> None:
        """Add a span to a sampled exchange."""
        if record.sampled:
            self._tracer.child(record, span, span_id)

    async def perform(self, effect: Effect, call: Call) -> Reply:
        """Carry out one effect; those of a run of agents are not known here (conducting.py)."""
        match effect:
            case CallHttp():
                return await self._call(effect, call)
            case CallModel():
                return await self._call_model(effect, call)
            case Decide():
                return await self._decide(effect, call)
            case DecideAmong():
                return await self._decide_among(effect, call)
            case Embed():
                return Embedded(await self._decider.embed(effect.text))
            case Recall():
                memory = self._memory
                return Recalled(await memory.recall(effect.key) if memory else None)
            case Await():
                return await coroutines.run(effect)
            case Remember():
                if self._memory is not None:
                    await self._memory.remember(effect.key, effect.value, effect.ttl_s)
                return Recalled()
            case Emit() | Flag() | LookUp() | Keep() | FindAlike():
                return await self._for_filter(effect, call)
            case AskAgain():  # (sieve.py knows those who can be)
                message = "nobody can be asked again"
                return CallFailed(ResponseDetail.UNTRANSLATABLE, message)
            case AskAgent() | PassOn() | AtOnce() | Tell():
                raise AssertionError(effect)

    async def _for_filter(self, effect: ForFilters, call: Call) -> Recalled | FoundAlike:
        if isinstance(effect, Flag):
            call.record.flags += (f"{effect.filter};{effect.word}",)
        if self._outside is None:
            return FoundAlike() if isinstance(effect, FindAlike) else Recalled()
        reply = await self._outside.perform(effect)
        found = isinstance(reply, Recalled) and reply.value is not None
        if isinstance(effect, LookUp) and effect.similarity and found:
            call.record.similarity = effect.similarity
        return reply

    async def _decide(self, effect: Decide, call: Call) -> Decision:
        record = call.record
        started, spent_s = self._clock.now(), record.decision_s
        steps = decide(call.listener, call.config, effect.conversation, effect.said, effect.among)
        decision = await self.run(steps, call)
        ended = self._clock.now()
        record.decision_s = round(spent_s + ended - started, 6)
        self.decisions.count(call.listener, decision)
        self.told(record, spans.of_decision(decision, started, ended))
        return decision

    async def _decide_among(self, effect: DecideAmong, call: Call) -> Decision | CallFailed:
        """A router that breaks must not break requests that can do without it."""
        started = self._clock.now()
        try:
            async with asyncio.timeout(effect.timeout_s):
                reply = await self._decider.decide_among(
                    effect.agents, effect.min_confidence, effect.conversation
                )
        except TimeoutError:
            message = f"the embedded router took more than {effect.timeout_s:g} s"
            return CallFailed(ResponseDetail.DEADLINE_EXCEEDED, message, timed_out=True)
        except Exception:
            log.exception("the router failed for request %s", call.request_id)
            return CallFailed(ResponseDetail.INTERNAL, "the embedded router failed")
        ended = self._clock.now()
        call.record.decision_s = round(call.record.decision_s + ended - started, 6)
        self.told(call.record, spans.of_router(reply, started, ended))
        return reply

    async def _call(self, effect: CallHttp, call: Call) -> HttpReply | CallFailed:
        record = call.record
        span_id = self.new_span_id(record)
        started = self._clock.now()
        cluster = call.config.clusters[effect.cluster]
        request = identified(effect.request, call, span_id)
        kind, _, name = effect.cluster.partition(":")
        reply = await self._client.call(cluster, request, effect.timeout_s)
        make = spans.of_api if kind == "endpoint" else spans.of_filter
        self._tell_call(make, name, call, span_id, started, reply)
        return reply

    async def _call_model(self, effect: CallModel, call: Call) -> HttpReply | CallFailed:
        """Asking takes time of the decision, whatever comes of it."""
        record, started = call.record, self._clock.now()
        span_id = self.new_span_id(record)
        cluster = call.config.clusters[effect.provider.cluster]
        request = identified(effect.request, call, span_id)

        async def send() -> HttpReply | CallFailed:
            return await self._client.call(cluster, request, effect.timeout_s)

        reply = await self.side_models.ask(effect, call, send)
        record.decision_s = round(record.decision_s + self._clock.now() - started, 6)
        name = effect.provider.name
        self._tell_call(spans.of_routing_model, name, call, span_id, started, reply)
        return reply

    def _tell_call(
        self,
        make: Callable[[str, float, float, int, str], spans.Span],
        name: str,
        call: Call,
        span_id: str,
        started: float,
        reply: HttpReply | CallFailed,
    ) -> None:
        record, ended = call.record, self._clock.now()
        if record.sampled:
            match reply:
                case HttpReply(status=status):
                    self.told(record, make(name, started, ended, status, ""), span_id)
                case CallFailed(detail=detail):
                    self.told(record, make(name, started, ended, 0, detail.value), span_id)


def identified(request: Request, call: Call, span_id: str) -> Request:
    """The request as it leaves: with our request id and its place in the trace."""
    trace = call.traceparent
    if span_id:
        trace = f"00-{call.record.trace_id}-{span_id}-01"
    ours = (("traceparent", trace), ("x-request-id", call.request_id))
    return replace(request, headers=(*request.headers, *ours))


async def drive(steps: Steps[T], perform: Callable[[Effect], Awaitable[Reply]]) -> T:
    """What the steps return in the end, once all that they ask for was carried out."""
    try:
        effect = next(steps)
    except StopIteration as end:
        result: T = end.value
        return result
    return await drive_on(steps, effect, perform)


async def drive_on(
    steps: Steps[T], effect: Effect, perform: Callable[[Effect], Awaitable[Reply]]
) -> T:
    """The same of steps that were begun, and ask for this."""
    try:
        while True:
            effect = steps.send(await perform(effect))
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        steps.close()
