from collections import Counter
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.balancing.endpoint import EndpointState
from dataplane.balancing.hashing import MASK, bound, has_room, hash64, least_loaded, mixed, score


def loaded(*actives: int, weight: int = 1) -> list[EndpointState]:
    places = [EndpointState(str(n), weight) for n in range(len(actives))]
    for one, active in zip(places, actives, strict=True):
        one.active = active
    return places


def test_hash_is_the_same_in_every_process() -> None:
    assert hash64(b"outrider") == 0xF289AED80D9B492B


@given(st.integers(0, MASK), st.integers(0, MASK))
def test_mixed_is_64_bits(key: int, seed: int) -> None:
    assert 0 <= mixed(key, seed) <= MASK


def test_rendezvous_gives_shares_their_part() -> None:
    shares = {hash64(b"a"): 3.0, hash64(b"b"): 1.0}
    won = Counter(
        max(shares, key=lambda seed: score(hash64(str(key).encode()), seed, shares[seed]))
        for key in range(8000)
    )
    assert won[hash64(b"a")] / 8000 == pytest.approx(0.75, abs=0.02)


def test_bound_is_so_much_more_than_the_mean() -> None:
    assert bound(loaded(0, 0, 0, 0), 125.0) == pytest.approx(1.25 / 4)
    assert bound(loaded(10, 9, 10, 10), 125.0) == 12.5
    assert bound(loaded(1, 1), 0.0) == float("inf")


@pytest.mark.parametrize(
    ("active", "unit", "has"),
    [(0, 0.3, True), (1, 0.3, False), (12, 12.5, True), (13, 12.5, False), (999, inf, True)],
)
def test_who_is_below_the_bound_gets_the_next_request(active: int, unit: float, has: bool) -> None:
    assert has_room(loaded(active)[0], unit) == has


def test_larger_share_has_more_room() -> None:
    assert has_room(loaded(30, weight=3)[0], 12.5)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8), st.floats(100, 300))
def test_somebody_is_always_below_the_bound(actives: list[int], percent: float) -> None:
    places = loaded(*actives)
    unit = bound(places, percent)
    assert any(has_room(one, unit) for one in places)


def test_least_loaded_counts_by_share() -> None:
    places = [EndpointState("a", 4), EndpointState("b", 1)]
    places[0].active, places[1].active = 3, 1
    assert least_loaded(places) == 0
