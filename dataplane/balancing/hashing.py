"""Hashes that every worker and every node computes alike, and who is passed for having too much."""

from collections.abc import Sequence
from hashlib import blake2b
from math import ceil, log

from dataplane.balancing.endpoint import E, EndpointState

MASK = (1 << 64) - 1


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


def bounds(endpoints: Sequence[E], max_load_percent: float) -> list[float]:
    """How many requests each may have under way and still get the next one (consistent hashing with
    bounded loads, as Envoy's hash_balance_factor): its share of all of them, and so much more.

    :param max_load_percent: of the mean; 0: no bound.
    """
    if max_load_percent <= 0.0:
        return [float("inf")] * len(endpoints)
    active = 1
    share = 0.0
    for one in endpoints:
        active += one.active
        share += one.share
    unit = max_load_percent / 100.0 * active / share
    return [max(ceil(unit * one.share), 1) for one in endpoints]


def least_loaded(endpoints: Sequence[EndpointState]) -> int:
    """The place of the endpoint with the fewest requests for its share."""
    return min(range(len(endpoints)), key=lambda n: endpoints[n].active / endpoints[n].share)
