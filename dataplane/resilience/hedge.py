"""A second attempt beside one that is slow to begin.

The rule: at most one more, only while neither has content, only where the waste is bounded (a limit
of tokens, the retry budgets), and not for requests with tools unless the operator says so, because
a model may act through them. The first with content wins and the other is cancelled at once.
"""

from collections.abc import Sequence
from enum import Enum

from dataplane.resilience.allowance import Allowance, Charged
from dataplane.runtime.retry import RetryPolicy


class Racer(Enum):
    """Which of the two attempts."""

    __hash__ = object.__hash__

    FIRST = "first"
    SECOND = "second"


class Hedge:
    """The race of one request. Made when its first attempt is sent, if `wanted`; `close` it."""

    __slots__ = ("_budgets", "_charged", "_running", "due_at", "winner")

    def __init__(
        self, policy: RetryPolicy, sent_at: float, budgets: Sequence[Allowance] = ()
    ) -> None:
        self.due_at = sent_at + policy.hedge_after_s
        """When to call `fire`."""
        self.winner: Racer | None = None
        self._budgets = budgets
        self._charged = Charged()
        self._running = {Racer.FIRST}

    @staticmethod
    def wanted(policy: RetryPolicy, tokens: int, *, has_tools: bool) -> bool:
        """Whether a request may be hedged.

        :param tokens: what its answer may cost at most, prompt and answer, as estimated.
        """
        if policy.hedge_after_s <= 0.0 or tokens > policy.hedge_max_tokens:
            return False
        return policy.hedge_tools or not has_tools

    def fire(self, now: float) -> bool:
        """Whether to send the second attempt now. Asked when due; True only once."""
        if now < self.due_at or self.winner is not None or self._running != {Racer.FIRST}:
            return False
        if not self._charged.take(self._budgets):
            return False
        self._budgets = ()
        self._running.add(Racer.SECOND)
        self.due_at = float("inf")
        return True

    def content(self, racer: Racer) -> Racer | None:
        """An attempt has its first content; returns the one to cancel, if it runs.

        The tokens of that one are wasted: whoever cancels it counts them.
        """
        assert self.winner is None
        assert racer in self._running
        self.winner = racer
        losers = self._running - {racer}
        self.close()
        return next(iter(losers), None)

    def failed(self, racer: Racer) -> bool:
        """An attempt has ended without content. True: the other still runs, so nothing is to be
        retried; False: there is no race any more.
        """
        self._running.discard(racer)
        if not self._running or racer is Racer.SECOND:
            self._charged.give_back()
        return bool(self._running)

    def close(self) -> None:
        """The race is over, however. May be called more than once."""
        self._running = set()
        self._charged.give_back()
