"""The same key, the same endpoint: points of every endpoint on a ring, as ketama has it.

The rule: an endpoint's points depend on its name and weight only. So one that goes takes nothing
but its own keys with it, one that is left out for a while gets them back, and all workers agree.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Generic

from dataplane.balancing.endpoint import E
from dataplane.balancing.hashing import bound, has_room, least_loaded
from dataplane.balancing.least_request import LeastRequest

POINTS = 160
"""Of an endpoint of weight 1: ketama's number; a share is then off by 8 % of itself."""
MAX_POINTS = 8192
"""Of all together; from there on weights are halved: 4 ms to sort, and that happens on the loop."""
_A_DIGEST = 8
"""Points that one digest of 64 bytes gives."""


class RingHash(Generic[E]):
    """Made anew whenever endpoints come or go."""

    __slots__ = ("_endpoints", "_keyless", "_max_load_percent", "_owners", "_points")

    def __init__(
        self, endpoints: Sequence[E], random: Callable[[], float], max_load_percent: float
    ) -> None:
        self._endpoints = endpoints
        self._keyless = LeastRequest(endpoints, random)
        self._max_load_percent = max_load_percent
        whole = sum(one.weight for one in endpoints) * POINTS
        scale = 1
        while whole > MAX_POINTS * scale:
            scale *= 2
        ring = sorted(
            (point, place)
            for place, one in enumerate(endpoints)
            for point in _points(one.name, max(one.weight * POINTS // scale, 1))
        )
        self._points = [point for point, _ in ring]
        self._owners = [place for _, place in ring]

    def pick(self, now: float, key: Sequence[int], avoid: Sequence[E]) -> E | None:
        """The first endpoint from the key on that is not in `avoid` and has not too much to do;
        without a key any.
        """
        if not key:
            return self._keyless.pick(now, key, avoid)
        endpoints = self._endpoints
        passed = {place for place, one in enumerate(endpoints) if one in avoid} if avoid else set()
        count = len(endpoints)
        if len(passed) == count:
            return None
        unit = bound(endpoints, self._max_load_percent)
        owners = self._owners
        at = bisect_right(self._points, key[0])
        for step in range(len(owners)):
            place = owners[(at + step) % len(owners)]
            if place in passed:
                continue
            if has_room(endpoints[place], unit):
                return endpoints[place]
            passed.add(place)
            if len(passed) == count:
                break
        left = [one for one in endpoints if one not in avoid]
        return left[least_loaded(left)]


@lru_cache(maxsize=4096)
def _points(name: str, count: int) -> tuple[int, ...]:
    """Places of an endpoint on the ring: those of a smaller count are among those of a larger."""
    points: list[int] = []
    for number in range(-(-count // _A_DIGEST)):
        digest = blake2b(f"{name}_{number}".encode()).digest()
        points += (int.from_bytes(digest[n : n + 8]) for n in range(0, 64, 8))
    return tuple(points[:count])
