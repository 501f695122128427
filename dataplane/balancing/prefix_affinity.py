"""The same beginning of a conversation, the same endpoint: its cache may hold it.

A key is the hashes of a conversation's beginning, each one longer than the one before. The endpoint
that is known to have the longest of them is asked; if nobody is known to, rendezvous hashing of the
shortest decides, so that all workers agree. Either way one that has too much to do is passed: a
popular prefix spills to the next one, which then has it too.
"""

from collections.abc import Callable, Sequence
from typing import Generic

from dataplane.balancing.endpoint import E
from dataplane.balancing.hashing import bound, has_room, hash64, least_loaded, score
from dataplane.balancing.least_request import LeastRequest
from dataplane.balancing.prefixes import Prefixes


class PrefixAffinity(Generic[E]):
    """Made anew whenever shares change; what is known of prefixes is not."""

    __slots__ = ("_by_name", "_endpoints", "_keyless", "_max_load_percent", "_prefixes", "_seeds")

    def __init__(
        self,
        endpoints: Sequence[E],
        random: Callable[[], float],
        max_load_percent: float,
        prefixes: Prefixes,
    ) -> None:
        self._endpoints = endpoints
        self._keyless = LeastRequest(endpoints, random)
        self._max_load_percent = max_load_percent
        self._prefixes = prefixes
        self._seeds = [hash64(one.name.encode()) for one in endpoints]
        self._by_name = {one.name: place for place, one in enumerate(endpoints)}

    def pick(self, now: float, key: Sequence[int], avoid: Sequence[E]) -> E | None:
        """An endpoint that is not in `avoid`; without a key any."""
        if not key:
            return self._keyless.pick(now, key, avoid)
        endpoints = self._endpoints
        unit = bound(endpoints, self._max_load_percent)
        for block in reversed(key):
            name = self._prefixes.holder(block)
            place = self._by_name.get(name, -1) if name else -1
            if place >= 0:
                one = endpoints[place]
                if has_room(one, unit) and one not in avoid:
                    return one
        return self._pick_by_hash(key[0], unit, avoid)

    def _pick_by_hash(self, block: int, unit: float, avoid: Sequence[E]) -> E | None:
        seeds = self._seeds
        lost = self._prefixes.lost(block)
        best: E | None = None
        best_score = -1.0
        for place, one in enumerate(self._endpoints):
            if not has_room(one, unit) or one.name in lost or one in avoid:
                continue
            its_score = score(block, seeds[place], one.share)
            if its_score > best_score:
                best, best_score = one, its_score
        if best is not None:
            return best
        left = [one for one in self._endpoints if one not in avoid]
        return left[least_loaded(left)] if left else None
