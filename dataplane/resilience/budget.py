"""How many retries may run at the same time, so that they never become the load.

The rule is Envoy's: retries running <= the larger of a minimum and a percentage of the requests
that are active (cluster.proto, CircuitBreakers.Thresholds.RetryBudget). There is one count for
each cluster and one for each caller; a retry needs room in both (retry.Attempts).
"""

from collections.abc import Callable, Hashable

from dataplane.runtime.retry import RetryPolicy


class RetryCount:
    """The retries of one cluster or caller that run now."""

    __slots__ = ("active", "denied", "running")

    def __init__(self, active: Callable[[], int]) -> None:
        """`active` tells how many requests of the cluster or caller run or wait, retries among
        them. It is asked only when something has failed.
        """
        self.active = active
        self.running = 0
        self.denied = 0
        """Retries that were not made for want of room: a metric."""


class RetryBudget:
    """What a policy allows of a count: an Allowance, made when a request's first attempt fails."""

    __slots__ = ("_count", "_policy", "_told")

    def __init__(
        self, count: RetryCount, policy: RetryPolicy, told: RetryCount | None = None
    ) -> None:
        """`told` counts what was denied in place of `count`: a caller's is its cluster's."""
        self._count = count
        self._policy = policy
        self._told = told or count

    def take(self) -> bool:
        """One more retry runs; False: there is no room."""
        count, policy = self._count, self._policy
        share = int(count.active() * policy.budget_percent / 100.0)
        if count.running >= max(policy.min_retry_concurrency, share):
            self._told.denied += 1
            return False
        count.running += 1
        return True

    def give_back(self) -> None:
        """A retry that was taken has ended."""
        assert self._count.running > 0
        self._count.running -= 1


class CallerCounts:
    """The counts of callers, kept while they have retries."""

    def __init__(self) -> None:
        self._counts: dict[Hashable, RetryCount] = {}

    def of(self, caller: Hashable, active: Callable[[], int]) -> RetryCount:
        """The count of a caller, by whatever tells callers apart."""
        count = self._counts.get(caller)
        if count is None:
            idle = [key for key, one in self._counts.items() if one.running == 0]
            for key in idle:
                del self._counts[key]
            count = self._counts[caller] = RetryCount(active)
        return count
