"""Of two endpoints taken at random, the one that is expected to be through sooner: how long a
typical answer takes it, times the requests under way and this one.

An endpoint that nobody has heard of is taken for the mean of the cluster, so it is neither starved
nor stampeded; what is known of the others fades (latency.py), so a slow one gets its second chance.
Endpoints of unequal shares are drawn in proportion to them, and one may be drawn twice: so a light
one, or one that is new, gets its part although a heavy one is expected to be through sooner.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Generic

from dataplane.balancing.endpoint import E
from dataplane.balancing.latency import Latencies


class PeakEwma(Generic[E]):
    """Made anew whenever shares change."""

    __slots__ = ("_bounds", "_endpoints", "_latencies", "_mean", "_random")

    def __init__(
        self, endpoints: Sequence[E], random: Callable[[], float], latencies: Latencies
    ) -> None:
        self._endpoints = endpoints
        self._random = random
        self._latencies = latencies
        shares = [one.share for one in endpoints]
        self._mean = sum(shares) / len(shares) if shares else 1.0
        self._bounds = list(accumulate(shares)) if len(set(shares)) > 1 else None
        """Where the part of each endpoint ends; None when all have the same."""

    def pick(self, now: float, key: Sequence[int], avoid: Sequence[E]) -> E | None:
        """An endpoint that is not in `avoid`; None when there is none left."""
        endpoints = self._endpoints
        if avoid:
            left = [one for one in endpoints if one not in avoid]
            if len(left) < len(endpoints):
                return PeakEwma(left, self._random, self._latencies).pick(now, key, ())
        count = len(endpoints)
        if count < 2:
            return endpoints[0] if count else None
        if self._bounds is not None:
            one, other = self._draw(self._bounds), self._draw(self._bounds)
        else:
            draw = int(self._random() * count * (count - 1))
            first, second = divmod(draw, count - 1)
            one = endpoints[first]
            other = endpoints[second + 1 if second >= first else second]
        return one if self.cost(one, now) <= self.cost(other, now) else other

    def cost(self, endpoint: E, now: float) -> float:
        """Seconds until this request would be through; requests under way weigh less on an endpoint
        of a large share.
        """
        expected_s = self._latencies.expected_s(endpoint.latency, now)
        return expected_s * (endpoint.active * self._mean / endpoint.share + 1.0)

    def _draw(self, bounds: list[float]) -> E:
        place = bisect_right(bounds, self._random() * bounds[-1])
        return self._endpoints[min(place, len(bounds) - 1)]
