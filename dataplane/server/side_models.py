"""Models that are asked on our own account: to choose agents or models, or to fill in parameters.

Rule: who waits for a decision does not wait for a model that is down: after some failures its
breaker is open, the same that requests to it go by, and it is not asked until that lets a probe
through. What such calls use up is the client's: of its limits, and of its run's budget.
"""

from collections import Counter
from typing import TYPE_CHECKING

from dataplane.llm.usage import usage_of_json
from dataplane.observe.record import ExchangeRecord
from dataplane.resilience.advice import advice
from dataplane.runtime.effects import CallFailed, CallModel
from dataplane.runtime.fault import Fault, fault_of_status
from dataplane.runtime.messages import HttpReply, ResponseDetail
from dataplane.server import budgeting
from dataplane.server.limits.sizes import spent_usd

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dataplane.clock import Clock
    from dataplane.observe.metrics import Metrics
    from dataplane.resilience.standing import Standings
    from dataplane.server.downstream import Call

    Send = Callable[[], Awaitable[HttpReply | CallFailed]]

OPEN = "it has failed too often lately, and is not asked for a while"


class SideModels:
    """One per worker."""

    def __init__(self, standings: "Standings", clock: "Clock") -> None:
        self._standings = standings
        self._clock = clock
        self.tokens: Counter[tuple[str, str]] = Counter()
        """By provider, and "input" or "output"."""

    def measure(self, metrics: "Metrics") -> None:
        """Have it told what they use up."""
        metrics.gauge(
            "outrider_side_model_tokens",
            "Tokens of models that chose agents or models, or filled in parameters, since the"
            " start. Those of the exchange that they were asked for count them, too.",
            ("provider", "direction"),
            lambda: {names: float(count) for names, count in self.tokens.items()},
        )

    async def ask(self, effect: CallModel, call: "Call", send: "Send") -> HttpReply | CallFailed:
        """What a model answers; not asked when it is down, or its run may use up nothing more."""
        breaker = self._standings.of(effect.provider.cluster).breaker
        if not breaker.calm and not breaker.admits(self._clock.now()):
            return CallFailed(ResponseDetail.NO_USABLE_ENDPOINT, OPEN)
        taken = await budgeting.taken_aside(call)
        if isinstance(taken, CallFailed):
            return taken
        attempt = object()
        if not breaker.calm:
            breaker.sent(attempt, self._clock.now())
        spent = ExchangeRecord(provider=effect.provider.name, upstream_model=effect.provider.model)
        try:
            reply = await send()
            self._judge(effect, attempt, reply)
            self._count(effect, reply, spent)
        except BaseException:
            breaker.abandoned(attempt)
            raise
        finally:
            call.record.spend(spent, spent_usd(call.config, spent))
            if taken is not None:
                taken.settle(spent)
        return reply

    def _judge(self, effect: CallModel, attempt: object, reply: HttpReply | CallFailed) -> None:
        breaker = self._standings.of(effect.provider.cluster).breaker
        now = self._clock.now()
        if isinstance(reply, CallFailed):
            breaker.failed(attempt, Fault.SILENT if reply.timed_out else Fault.CONNECTION, now)
        elif reply.status >= 400:
            pairs = ((name.encode(), value.encode()) for name, value in reply.headers)
            after_s = advice(pairs, self._clock.wall()).retry_after_s
            breaker.failed(attempt, fault_of_status(reply.status), now, after_s)
        elif not breaker.calm:
            breaker.succeeded(attempt, now)

    def _count(
        self, effect: CallModel, reply: HttpReply | CallFailed, spent: ExchangeRecord
    ) -> None:
        usage = None
        if isinstance(reply, HttpReply) and reply.status < 400:
            spent.status = reply.status
            usage = usage_of_json(reply.body)
        if usage is None:
            return
        spent.input_tokens, spent.output_tokens = usage.input, usage.output
        spent.input_cached_tokens = usage.cache_read
        name = effect.provider.name
        self.tokens[name, "input"] += usage.input
        self.tokens[name, "output"] += usage.output
