"""What a worker knows of a cluster from the requests it has sent there: whether it is well, and how
many retries it can bear.

The rule: it is known by the cluster's name, so every listener goes by it and a new configuration
does not forget an outage.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Protocol

from dataplane.resilience.backoff import Chance
from dataplane.resilience.breaker import Breaker, BreakerRules
from dataplane.resilience.budget import RetryCount
from dataplane.runtime.fault import Fault


class Load(Protocol):
    """An endpoint, as far as a budget must know it."""

    @property
    def active(self) -> int:
        """Requests under way."""


class Standing:
    """What is known of one cluster."""

    __slots__ = (
        "breaker",
        "failovers",
        "hedges",
        "loads",
        "retried",
        "retries",
        "waiting",
        "wasted_tokens",
    )

    def __init__(self, chance: Chance) -> None:
        self.breaker = Breaker(BreakerRules(), chance)
        self.loads: Iterable[Load] = ()
        """Its endpoints, as whoever sends there last has them."""
        self.waiting = 0
        """Requests that wait for their next attempt here."""
        self.retries = RetryCount(self._active)
        self.retried: Counter[Fault] = Counter()
        """Attempts that failed here and were followed by another one here."""
        self.failovers: Counter[Fault] = Counter()
        """The same, where the next candidate followed."""

        self.hedges: Counter[str] = Counter()
        """Second attempts beside a first one here, by which of the two was heard (or none)."""
        self.wasted_tokens = 0
        """What thrown-away attempts have cost, as estimated."""

    def _active(self) -> int:
        return self.waiting + sum(load.active for load in self.loads)


class Standings:
    """Those of all clusters of a worker."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._standings: dict[str, Standing] = {}

    def of(self, cluster: str) -> Standing:
        """That of a cluster; keep it, do not ask per request."""
        found = self._standings.get(cluster)
        if found is None:
            found = self._standings[cluster] = Standing(self._chance)
        return found

    def keep(self, clusters: Container[str]) -> None:
        """Forget the clusters that a new configuration does not have."""
        for name in [name for name in self._standings if name not in clusters]:
            del self._standings[name]

    def each(self, read: Callable[[Standing], float]) -> Mapping[tuple[str, ...], float]:
        """One number of each cluster."""
        return {(name,): float(read(one)) for name, one in self._standings.items()}

    def each_word(
        self, read: Callable[[Standing], Mapping[Fault, int] | Mapping[str, int]]
    ) -> Mapping[tuple[str, ...], float]:
        """One number of each cluster and word."""
        return {
            (name, word.value if isinstance(word, Fault) else word): float(count)
            for name, one in self._standings.items()
            for word, count in read(one).items()
        }
