from collections import Counter
from dataclasses import dataclass
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from dataplane.balancing.least_request import pick


@dataclass
class Place:
    """An endpoint."""

    name: str
    active: int = 0
    weight: int = 1


def test_nothing_to_pick_from() -> None:
    assert pick([], Random(1).random) is None
    only = Place("a")
    assert pick([only], Random(1).random, [only]) is None


def test_idle_one_of_two_is_picked() -> None:
    busy, idle = Place("busy", 5), Place("idle")
    assert all(pick([busy, idle], Random(seed).random) is idle for seed in range(50))


def test_equal_ones_share_evenly() -> None:
    places = [Place(name) for name in "abcd"]
    random = Random(1)
    picked = Counter(p.name for _ in range(4000) if (p := pick(places, random.random)))
    assert all(850 < count < 1150 for count in picked.values())


def test_load_counts_per_weight() -> None:
    heavy, light = Place("heavy", 5, 4), Place("light", 2, 1)
    assert pick([heavy, light], Random(1).random) is heavy


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=6),
    st.sets(st.integers(0, 5)),
    st.integers(0, 1000),
)
def test_never_one_to_avoid_and_same_chance_same_pick(
    loads: list[int], bad: set[int], seed: int
) -> None:
    places = [Place(str(n), load) for n, load in enumerate(loads)]
    avoid = [place for n, place in enumerate(places) if n in bad]
    picked = pick(places, Random(seed).random, avoid)
    assert picked is pick(places, Random(seed).random, avoid)
    if len(avoid) < len(places):
        assert picked is not None
        assert picked not in avoid
    else:
        assert picked is None
