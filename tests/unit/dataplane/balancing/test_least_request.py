from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.balancing.endpoint import EndpointState
from dataplane.balancing.least_request import LeastRequest


def place(name: str, active: int = 0, weight: int = 1) -> EndpointState:
    one = EndpointState(name, weight)
    one.active = active
    return one


def pick(
    places: list[EndpointState], seed: int = 1, avoid: list[EndpointState] | None = None
) -> EndpointState | None:
    return LeastRequest(places, Random(seed).random).pick(0.0, (), avoid or [])


def test_nothing_to_pick_from() -> None:
    assert pick([]) is None
    only = place("a")
    assert pick([only], avoid=[only]) is None


def test_idle_one_of_two_is_picked() -> None:
    busy, idle = place("busy", 5), place("idle")
    assert all(pick([busy, idle], seed) is idle for seed in range(50))


def test_equal_ones_share_evenly() -> None:
    policy = LeastRequest([place(name) for name in "abcd"], Random(1).random)
    picked = Counter(p.name for _ in range(4000) if (p := policy.pick(0.0, (), ())))
    assert all(850 < count < 1150 for count in picked.values())


def test_load_counts_per_weight() -> None:
    heavy, light = place("heavy", 5, 4), place("light", 2, 1)
    assert all(pick([heavy, light], seed) is heavy for seed in range(20))


@pytest.mark.parametrize("weights", [(9, 1), (1, 2, 3), (5, 5, 1, 1)])
def test_idle_endpoints_get_their_weights(weights: tuple[int, ...]) -> None:
    places = [place(str(n), weight=weight) for n, weight in enumerate(weights)]
    policy = LeastRequest(places, Random(1).random)
    picked = Counter(p.name for _ in range(10_000) if (p := policy.pick(0.0, (), ())))
    for one in places:
        assert picked[one.name] / 10_000 == pytest.approx(one.weight / sum(weights), abs=0.02)


def test_busy_endpoints_get_their_weights_too() -> None:
    places = [place("heavy", weight=3), place("light")]
    policy = LeastRequest(places, Random(1).random)
    for _ in range(400):  # none of them ends
        one = policy.pick(0.0, (), ())
        assert one is not None
        one.active += 1
    assert places[0].active == pytest.approx(300, abs=6)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), min_size=1, max_size=6),
    st.sets(st.integers(0, 5)),
    st.integers(0, 1000),
)
def test_never_one_to_avoid_and_same_chance_same_pick(
    loads: list[tuple[int, int]], bad: set[int], seed: int
) -> None:
    places = [place(str(n), *load) for n, load in enumerate(loads)]
    avoid = [one for n, one in enumerate(places) if n in bad]
    picked = pick(places, seed, avoid)
    assert picked is pick(places, seed, avoid)
    if len(avoid) < len(places):
        assert picked is not None
        assert picked not in avoid
    else:
        assert picked is None


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), min_size=2, max_size=6),
    st.integers(0, 1000),
)
def test_the_busiest_of_all_is_never_picked(loads: list[tuple[int, int]], seed: int) -> None:
    places = [place(str(n), *load) for n, load in enumerate(loads)]
    ranked = sorted(places, key=lambda one: one.active / one.weight)
    if ranked[-1].active / ranked[-1].weight > ranked[-2].active / ranked[-2].weight:
        assert pick(places, seed) is not ranked[-1]
