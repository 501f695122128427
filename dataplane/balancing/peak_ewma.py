"""Of two endpoints taken at random, the one that is expected to be through sooner: how long a
typical answer takes it, times the requests under way and this one.

An endpoint that nobody has heard of is taken for the mean of the cluster, so it is neither starved
nor stampeded; what is known of the others fades (latency.py), so a slow one gets its second chance.
"""

from collections.abc import Callable, Sequence
from typing import Generic

from dataplane.balancing.endpoint import E
from dataplane.balancing.latency import Latencies


class PeakEwma(Generic[E]):
    """Made anew whenever shares change."""

    __slots__ = ("_endpoints", "_latencies", "_random")

    def __init__(
        self, endpoints: Sequence[E], random: Callable[[], float], latencies: Latencies
    ) -> None:
        self._endpoints = endpoints
        self._random = random
        self._latencies = latencies

    def pick(self, now: float, key: Sequence[int], avoid: Sequence[E]) -> E | None:
        """An endpoint that is not in `avoid`; None when there is none left."""
        endpoints = self._endpoints
        if avoid:
            endpoints = [one for one in endpoints if one not in avoid]
        count = len(endpoints)
        if count < 2:
            return endpoints[0] if count else None
        draw = int(self._random() * count * (count - 1))
        first, second = divmod(draw, count - 1)
        one = endpoints[first]
        other = endpoints[second + 1 if second >= first else second]
        return one if self.cost(one, now) <= self.cost(other, now) else other

    def cost(self, endpoint: E, now: float) -> float:
        """Seconds, by unit of weight."""
        expected_s = self._latencies.expected_s(endpoint.latency, now)
        return expected_s * (endpoint.active + 1) / endpoint.share
