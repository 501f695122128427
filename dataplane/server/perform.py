"""Carries out what pure code asks for: the one place where an Effect becomes I/O."""

from dataclasses import replace
from typing import Protocol, TypeVar

from dataplane.clock import Clock
from dataplane.observe import spans
from dataplane.observe.record import ExchangeRecord
from dataplane.observe.tracing import Tracer
from dataplane.runtime.config import Listener, RuntimeConfig
from dataplane.runtime.decision import Decision, Turn
from dataplane.runtime.effects import CallFailed, CallHttp, Decide, Effect, Reply, Steps
from dataplane.runtime.messages import HttpReply, Request
from dataplane.server.downstream import Call
from dataplane.upstream.client import UpstreamClient

T = TypeVar("T")


class Decider(Protocol):
    """Whoever knows which agents fit."""

    async def decide(self, listener: Listener, conversation: tuple[Turn, ...]) -> Decision:
        """The agents of the listener that should answer."""
        ...

    def configure(self, config: RuntimeConfig) -> None:
        """Get ready to decide for these listeners."""
        ...

    async def close(self) -> None:
        """Stop; nothing is decided any more."""
        ...


class Performer:
    """Drives generators of effects on behalf of exchanges."""

    def __init__(
        self, client: UpstreamClient, decider: Decider, tracer: Tracer, clock: Clock
    ) -> None:
        self._client = client
        self._decider = decider
        self._tracer = tracer
        self._clock = clock

    async def run(self, steps: Steps[T], call: Call) -> T:
        """What the steps return in the end."""
        try:
            effect = next(steps)
            while True:
                reply = await self._perform(effect, call)
                effect = steps.send(reply)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()

    def new_span_id(self, record: ExchangeRecord) -> str:
        """The id of a call's own span; empty when nobody will see it."""
        return self._tracer.new_span_id() if record.sampled else ""

    def told(self, record: ExchangeRecord, span: spans.Span, span_id: str = "") -> None:
        """Add a span to a sampled exchange."""
        if record.sampled:
            self._tracer.child(record, span, span_id)

    async def _perform(self, effect: Effect, call: Call) -> Reply:
        match effect:
            case CallHttp():
                return await self._call(effect, call)
            case Decide():
                return await self._decide(effect, call)

    async def _decide(self, effect: Decide, call: Call) -> Decision:
        started = self._clock.now()
        decision = await self._decider.decide(call.listener, effect.conversation)
        ended = self._clock.now()
        call.record.decision_s = round(ended - started, 6)
        self.told(call.record, spans.of_decision(decision, started, ended))
        return decision

    async def _call(self, effect: CallHttp, call: Call) -> HttpReply | CallFailed:
        record = call.record
        span_id = self.new_span_id(record)
        started = self._clock.now()
        cluster = call.config.clusters[effect.cluster]
        request = identified(effect.request, call, span_id)
        reply = await self._client.call(cluster, request, effect.timeout_s)
        ended = self._clock.now()
        kind, _, name = effect.cluster.partition(":")
        if kind == "agent":
            record.upstream_s = round(record.upstream_s + ended - started, 6)
        if record.sampled:
            make = spans.of_agent if kind == "agent" else spans.of_filter
            match reply:
                case HttpReply(status=status):
                    self.told(record, make(name, started, ended, status, ""), span_id)
                case CallFailed(detail=detail):
                    self.told(record, make(name, started, ended, 0, detail.value), span_id)
        return reply


def identified(request: Request, call: Call, span_id: str) -> Request:
    """The request as it leaves: with our request id and its place in the trace."""
    trace = call.traceparent
    if span_id:
        trace = f"00-{call.record.trace_id}-{span_id}-01"
    ours = (("traceparent", trace), ("x-request-id", call.request_id))
    return replace(request, headers=(*request.headers, *ours))
