"""The endpoints of a cluster, compiled: one call gives the endpoint of a request.

The rule: what changes seldom (who is well, who is new, who is there) is worked out in `refresh`;
`pick` reads the result. With one endpoint there is nothing to pick, and `only` says so.
"""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol

from dataplane.balancing.availability import Level, levels
from dataplane.balancing.endpoint import NEVER, E
from dataplane.balancing.hashing import MASK, mixed
from dataplane.balancing.latency import Latencies
from dataplane.balancing.least_request import LeastRequest
from dataplane.balancing.peak_ewma import PeakEwma
from dataplane.balancing.prefix_affinity import PrefixAffinity
from dataplane.balancing.prefixes import Prefixes
from dataplane.balancing.ring_hash import RingHash
from dataplane.balancing.round_robin import RoundRobin
from dataplane.balancing.slow_start import share
from dataplane.runtime.cluster import Balancing, PolicyKind

STEPS = 20
"""Of a slow start: a share is worked out anew so often."""
_LEVEL = 0x6C6576656C
"""So that the level of a key says nothing of its endpoint there."""


class Policy(Protocol[E]):
    """Picks among endpoints that may all be picked."""

    def pick(self, now: float, key: Sequence[int], avoid: Sequence[E]) -> E | None:
        """An endpoint that is not in `avoid`; None when there is none left.

        :param key: what hashing goes by; empty: nothing.
        """


class Balancer(Generic[E]):
    """Which endpoint is asked next. `refresh` it after any change."""

    __slots__ = (
        "_balancing",
        "_endpoints",
        "_policies",
        "_random",
        "_refresh_at",
        "_single",
        "_zone",
        "available",
        "latencies",
        "levels",
        "only",
        "panics",
        "prefixes",
    )

    def __init__(self, balancing: Balancing, random: Callable[[], float], zone: str = "") -> None:
        """`random` returns floats in [0, 1); `zone` is this node's."""
        self._balancing = balancing
        self._random = random
        self._zone = zone
        self._endpoints: Sequence[E] = ()
        self._policies: tuple[Policy[E], ...] = ()
        self._single: Policy[E] | None = None
        self._refresh_at = NEVER
        self.latencies = Latencies(balancing.ewma_decay_s)
        self.prefixes = Prefixes()
        self.levels: tuple[Level[E], ...] = ()
        self.available = 0
        """How many endpoints may be picked now."""
        self.only: E | None = None
        """The endpoint, when just one may be picked."""
        self.panics = False
        """Whether health is ignored anywhere, because too few are well."""

    def replace(self, endpoints: Sequence[E], balancing: Balancing, now: float) -> None:
        """Other endpoints, or others of their weights and priorities, from now on."""
        self._endpoints = endpoints
        self._balancing = balancing
        self.latencies.decay_s = balancing.ewma_decay_s
        self.refresh(now)

    def refresh(self, now: float) -> None:
        """Work out anew who may be picked."""
        balancing = self._balancing
        self._refresh_at = NEVER
        window_s = balancing.slow_start_s
        for one in self._endpoints:
            one.share = share(
                one.weight, one.back_since, now, window_s, balancing.slow_start_min_percent
            )
            if one.share < one.weight:
                self._refresh_at = now + window_s / STEPS
        found = levels(self._endpoints, balancing.panic_threshold_percent, self._zone)
        self.levels = found
        self.panics = any(level.panics for level in found)
        self.available = len({one for level in found for one in level.endpoints})
        self._policies = tuple(self._policy(level.endpoints) for level in found)
        loaded = [place for place, level in enumerate(found) if level.percent > 0.0]
        self._single = self._policies[loaded[0]] if len(loaded) == 1 else None
        self.only = found[0].endpoints[0] if self.available == 1 else None

    def pick(self, now: float, key: Sequence[int] = (), avoid: Sequence[E] = ()) -> E | None:
        """The endpoint that gets the next request, none of those in `avoid`; None: there is none.

        :param key: of hashing policies.
        """
        if now >= self._refresh_at:
            self.refresh(now)
        policy = self._single
        if policy is None:
            if not self.levels:
                return None
            policy = self._drawn(key)
        found = policy.pick(now, key, avoid)
        if found is None and len(self._policies) > 1:
            for other in self._policies:
                if other is not policy and (found := other.pick(now, key, avoid)) is not None:
                    break
        return found

    def _drawn(self, key: Sequence[int]) -> Policy[E]:
        """That of the level whose turn it is."""
        # by the key, so that all its requests go to the same level
        part = mixed(key[0], _LEVEL) / MASK if key else self._random()
        draw = part * 100.0
        drawn = 0
        for place, level in enumerate(self.levels):
            if level.percent <= 0.0:
                continue
            drawn = place
            draw -= level.percent
            if draw < 0.0:
                break
        return self._policies[drawn]

    def _policy(self, endpoints: Sequence[E]) -> Policy[E]:
        balancing = self._balancing
        match balancing.kind:
            case PolicyKind.ROUND_ROBIN:
                return RoundRobin(endpoints)
            case PolicyKind.LEAST_REQUEST:
                return LeastRequest(endpoints, self._random)
            case PolicyKind.PEAK_EWMA:
                return PeakEwma(endpoints, self._random, self.latencies)
            case PolicyKind.RING_HASH:
                return RingHash(endpoints, self._random, balancing.max_load_percent)
            case PolicyKind.PREFIX_AFFINITY:
                return PrefixAffinity(
                    endpoints, self._random, balancing.max_load_percent, self.prefixes
                )
