"""A circuit breaker for one cluster: whoever fails too often is not asked for a while.

The rule: while it is not closed, one probe at a time is sent, and only a probe decides. Too many
failures in a row, or too large a share of them, open it for a time that doubles up to a cap; then
it is half-open. A 429 opens it just for its Retry-After: that is no failure, and no probe is
needed after it. Refusals of what was asked (4xx) say that the provider is well.

A closed breaker without a recent failure is `calm`, and costs a request one attribute test.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dataplane.resilience.backoff import Chance
from dataplane.runtime.fault import Fault

FAILURES = frozenset((Fault.CONNECTION, Fault.SERVER, Fault.SILENT, Fault.SLOW, Fault.MALFORMED))
LONGEST_LIMIT_S = 3600.0
"""Of a Retry-After that is believed."""


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When a breaker opens and for how long."""

    consecutive_failures: int = 5
    """Envoy's consecutive_5xx."""
    failure_ratio: float = 0.5
    """Of the requests in a window, when they are enough."""
    min_requests: int = 20
    window_s: float = 10.0
    """Envoy's interval of outlier detection."""
    open_s: float = 2.0
    """The first time; a share of 0.8 to 1 of it, so that workers do not probe as one."""
    open_max_s: float = 15.0
    """Short enough to be back 30 s after a recovery when a request comes every 4 s (S15)."""
    probe_lost_s: float = 120.0
    """A probe that says nothing for so long does not hinder the next one."""


class Breaker:
    """Whether a cluster is asked."""

    __slots__ = (
        "_chance",
        "_failures",
        "_in_a_row",
        "_opened",
        "_probe",
        "_probe_at",
        "_requests",
        "_rules",
        "_until",
        "_window_at",
        "calm",
        "is_limited",
        "is_open",
        "opened_total",
    )

    def __init__(self, rules: BreakerRules, chance: Chance) -> None:
        self.calm = True
        """Closed, and nothing to remember: then neither `admits` nor `succeeded` need be called."""
        self.is_open = False
        """Open or half-open for failures."""
        self.is_limited = False
        """Open until a Retry-After is over."""
        self.opened_total = 0
        """How often it opened for failures: a metric."""
        self._rules = rules
        self._chance = chance
        self._opened = 0
        self._until = 0.0
        self._probe: object | None = None
        self._probe_at = 0.0
        self._in_a_row = self._failures = self._requests = 0
        self._window_at = 0.0

    def admits(self, now: float) -> bool:
        """Whether a request may be sent; if one is, tell `sent`."""
        if self.calm:
            return True
        if self.is_limited and now >= self._until:
            self.is_limited = False
            self._calm_down()
        if self.is_limited:
            return False
        if not self.is_open:
            return True
        return now >= self._until and not self._is_probing(now)

    def sent(self, attempt: object, now: float) -> None:
        """An attempt was sent while the breaker was not calm, admitted or for want of anybody else;
        the first into an open one is its probe.
        """
        if self.is_open and not self._is_probing(now):
            self._probe = attempt
            self._probe_at = now

    def succeeded(self, attempt: object, now: float) -> None:
        """An answer has begun (its first content), or a refusal shows that the provider is well."""
        if self.calm:
            return
        if self.is_open:
            if attempt is self._probe:
                self._close()
            return
        self._in_a_row = 0
        self._count(now, failed=False)
        self._calm_down()

    def failed(
        self, attempt: object, fault: Fault, now: float, retry_after_s: float | None = None
    ) -> None:
        """An attempt has ended without an answer.

        :param retry_after_s: of a 429; only to be given when the cluster has no other key.
        """
        if fault is Fault.GONE:
            self.abandoned(attempt)
        elif fault is Fault.LIMITED:
            self._limit(attempt, now, retry_after_s)
        elif fault not in FAILURES:
            self.succeeded(attempt, now)
        elif self.is_open:
            if attempt is self._probe:
                self._open(now)
        else:
            self._in_a_row += 1
            self._count(now, failed=True)
            self.calm = False
            if self._is_too_much():
                self._open(now)

    def abandoned(self, attempt: object) -> None:
        """An attempt has ended and told nothing: its client left."""
        if attempt is self._probe:
            self._probe = None

    def wait_s(self, now: float) -> float:
        """How long until it may admit somebody; 0 when it does."""
        if self.calm or not (self.is_open or self.is_limited):
            return 0.0
        if self.is_open and now >= self._until and self._is_probing(now):
            return self._probe_at + self._rules.probe_lost_s - now
        return max(0.0, self._until - now)

    def _is_probing(self, now: float) -> bool:
        return self._probe is not None and now < self._probe_at + self._rules.probe_lost_s

    def _count(self, now: float, *, failed: bool) -> None:
        if now >= self._window_at + self._rules.window_s:
            self._window_at = now
            self._failures = self._requests = 0
        self._requests += 1
        self._failures += failed

    def _is_too_much(self) -> bool:
        rules = self._rules
        return self._in_a_row >= rules.consecutive_failures or (
            self._requests >= rules.min_requests
            and self._failures >= rules.failure_ratio * self._requests
        )

    def _open(self, now: float) -> None:
        rules = self._rules
        # an exponent of 30 is past every cap, and a float still holds it
        span = min(rules.open_max_s, rules.open_s * 2.0 ** min(self._opened, 30))
        until = now + self._chance.uniform(0.8 * span, span)
        self._until = max(self._until, until) if self.is_limited else until
        self._opened += 1
        self.opened_total += 1
        self._probe = None
        self.is_open = True
        self.is_limited = False
        self.calm = False

    def _close(self) -> None:
        self.is_open = False
        self._probe = None
        self._opened = 0
        self._in_a_row = self._failures = self._requests = 0
        self._calm_down()

    def _limit(self, attempt: object, now: float, retry_after_s: float | None) -> None:
        if self.is_open:
            if attempt is not self._probe:
                return
            self._close()  # it speaks
        if retry_after_s is None or retry_after_s <= 0.0:
            return
        until = now + min(retry_after_s, LONGEST_LIMIT_S)
        self._until = max(self._until, until) if self.is_limited else until
        self.is_limited = True
        self.calm = False

    def _calm_down(self) -> None:
        self.calm = not (self.is_open or self.is_limited or self._in_a_row or self._failures)


def in_order(breakers: Sequence[Breaker], now: float) -> list[int]:
    """Candidates as they are asked: those that are admitted in their own order, then the others,
    soonest first. Nobody is left out: to ask anybody is better than a refusal of ours.
    """
    waits = [0.0 if one.admits(now) else max(one.wait_s(now), 1e-9) for one in breakers]
    return sorted(range(len(waits)), key=waits.__getitem__)
