"""Hashes that every worker and every node computes alike, and who is passed for having too much."""

from collections.abc import Sequence
from hashlib import blake2b
from math import inf, log
from typing import Final

from dataplane.balancing.endpoint import EndpointState

MASK = (1 << 64) - 1
_NONE: Final = inf


def hash64(data: bytes) -> int:
    """64 bits of a text."""
    return int.from_bytes(blake2b(data, digest_size=8).digest())


def mixed(key: int, seed: int) -> int:
    """64 bits of two numbers: the finisher of splitmix64, which costs no call of a hash."""
    x = (key ^ seed) + 0x9E3779B97F4A7C15 & MASK
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


def score(key: int, seed: int, share: float) -> float:
    """Of weighted rendezvous hashing: the highest of all endpoints has the key, and each has a
    part of the keys as large as its share.
    """
    return -share / log((mixed(key, seed) + 1) / (MASK + 2))


def bound(endpoints: Sequence[EndpointState], max_load_percent: float) -> float:
    """How many requests an endpoint may have under way for each unit of its share and still get the
    next one (consistent hashing with bounded loads, as Envoy's hash_balance_factor): its share of
    all of them, and so much more.

    :param max_load_percent: of the mean; 0: no bound.
    """
    if max_load_percent <= 0.0:
        return _NONE
    active = 1
    share = 0.0
    for one in endpoints:
        active += one.active
        share += one.share
    return max_load_percent / 100.0 * active / share


def has_room(endpoint: EndpointState, unit: float) -> bool:
    """Whether it has less under way than a `bound` allows; one request always may be."""
    active = endpoint.active
    return active == 0 or active < unit * endpoint.share


def least_loaded(endpoints: Sequence[EndpointState]) -> int:
    """The place of the endpoint with the fewest requests for its share."""
    return min(range(len(endpoints)), key=lambda n: endpoints[n].active / endpoints[n].share)
