"""Power of two choices: of two endpoints taken at random, the one with fewer requests under way.

It protects against the herd: with full knowledge every worker would send to the same "best"
endpoint at once. Endpoints of unequal weight are drawn in proportion to it and compared by load per
weight, so that weights hold when nothing is under way, too. (Envoy turns to a weighted round robin
on weight / (active + 1) then, which knows the loads but sends to a stuck endpoint all the same.)
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Generic

from dataplane.balancing.endpoint import E


class LeastRequest(Generic[E]):
    """Made anew whenever shares change."""

    __slots__ = ("_bounds", "_count", "_endpoints", "_random")

    def __init__(self, endpoints: Sequence[E], random: Callable[[], float]) -> None:
        """`random` returns floats in [0, 1)."""
        self._endpoints = endpoints
        self._random = random
        self._count = len(endpoints)
        shares = [one.share for one in endpoints]
        self._bounds = list(accumulate(shares)) if len(set(shares)) > 1 else None
        """Where the part of each endpoint ends; None when all have the same."""

    def pick(self, now: float, key: Sequence[int], avoid: Sequence[E]) -> E | None:
        """An endpoint that is not in `avoid`; None when there is none left."""
        if avoid:
            left = [one for one in self._endpoints if one not in avoid]
            if len(left) < self._count:
                return LeastRequest(left, self._random).pick(now, key, ())
        count = self._count
        if count < 2:
            return self._endpoints[0] if count else None
        if self._bounds is not None:
            return self._pick_by_share(self._bounds)
        draw = int(self._random() * count * (count - 1))
        first, second = divmod(draw, count - 1)
        one = self._endpoints[first]
        other = self._endpoints[second + 1 if second >= first else second]
        return one if one.active <= other.active else other

    def _pick_by_share(self, bounds: list[float]) -> E:
        last = self._count - 1
        whole = bounds[last]
        first = min(bisect_right(bounds, self._random() * whole), last)
        before = bounds[first - 1] if first else 0.0
        one = self._endpoints[first]
        # of the others: what lies behind the first one's part moves up to it
        draw = self._random() * (whole - (bounds[first] - before))
        if draw >= before:
            draw += bounds[first] - before
        second = min(bisect_right(bounds, draw), last)
        other = self._endpoints[second]
        return one if one.active * other.share <= other.active * one.share else other
