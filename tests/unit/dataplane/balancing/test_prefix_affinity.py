from random import Random

from hypothesis import given
from hypothesis import strategies as st

from dataplane.balancing.endpoint import EndpointState
from dataplane.balancing.hashing import hash64
from dataplane.balancing.prefix_affinity import PrefixAffinity
from dataplane.balancing.prefixes import MAX_MISSES, Prefixes

LONG = 2000


def endpoints(count: int) -> list[EndpointState]:
    return [EndpointState(f"10.0.0.{n}:80") for n in range(count)]


def policy(
    places: list[EndpointState], prefixes: Prefixes | None = None, percent: float = 125.0
) -> PrefixAffinity[EndpointState]:
    return PrefixAffinity(places, Random(1).random, percent, prefixes or Prefixes())


def other_than(one: EndpointState | None, places: list[EndpointState]) -> EndpointState:
    return next(place for place in places if place is not one)


def test_unknown_beginning_goes_where_its_hash_says() -> None:
    places = endpoints(4)
    picked = [policy(places).pick(0.0, (key,), ()) for key in range(20)]
    assert picked == [policy(places[::-1]).pick(0.0, (key,), ()) for key in range(20)]
    assert len({one.name for one in picked if one}) == 4


def test_longest_known_beginning_wins() -> None:
    places, prefixes = endpoints(4), Prefixes()
    here = policy(places, prefixes)
    first = here.pick(0.0, (1, 2, 3), ())
    other = other_than(first, places)
    prefixes.answered((1, 2), other.name, LONG, 900)
    assert here.pick(0.0, (1, 2, 3), ()) is other


def test_busy_one_is_passed_and_the_next_is_always_the_same() -> None:
    places = endpoints(4)
    here = policy(places)
    first = here.pick(0.0, (1,), ())
    assert first is not None
    first.active = 5
    spilt = {one.name for _ in range(20) if (one := here.pick(0.0, (1,), ()))}
    assert len(spilt) == 1
    assert first.name not in spilt
    first.active = 0
    assert here.pick(0.0, (1,), ()) is first


def test_who_never_has_it_in_its_cache_loses_the_affinity() -> None:
    places, prefixes = endpoints(3), Prefixes()
    here = policy(places, prefixes)
    prefixes.answered((9,), places[0].name, LONG, 900)
    first = here.pick(0.0, (1,), ())
    assert first is not None
    for _ in range(MAX_MISSES + 1):
        assert here.pick(0.0, (1,), ()) is first
        prefixes.answered((1,), first.name, LONG, 0)
    second = here.pick(0.0, (1,), ())
    assert second is not first


def test_endpoint_that_is_gone_holds_nothing() -> None:
    places, prefixes = endpoints(3), Prefixes()
    prefixes.answered((1,), "10.9.9.9:80", LONG, 900)
    assert policy(places, prefixes).pick(0.0, (1,), ()) in places


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=6),
    st.lists(st.integers(0, 1 << 63), max_size=4),
    st.sets(st.integers(0, 5)),
)
def test_somebody_is_picked_while_anybody_is_left(
    actives: list[int], key: list[int], bad: set[int]
) -> None:
    places = endpoints(len(actives))
    for one, active in zip(places, actives, strict=True):
        one.active = active
    avoid = [one for n, one in enumerate(places) if n in bad]
    picked = policy(places).pick(0.0, key, avoid)
    assert (picked is None) == (len(avoid) == len(places))
    assert picked not in avoid


@given(st.lists(st.integers(0, 40), min_size=2, max_size=6), st.integers(0, 1 << 63))
def test_nobody_gets_more_than_its_bound(actives: list[int], key: int) -> None:
    places = endpoints(len(actives))
    for one, active in zip(places, actives, strict=True):
        one.active = active
    picked = policy(places).pick(0.0, (key,), ())
    assert picked is not None
    assert picked.active + 1 <= 1.25 * (sum(actives) + 1) / len(actives) + 1


def test_keys_of_an_endpoint_that_goes_are_spread() -> None:
    places = endpoints(4)
    keys = [hash64(str(n).encode()) for n in range(400)]
    before = {key: policy(places).pick(0.0, (key,), ()) for key in keys}
    after = {key: policy(places[1:]).pick(0.0, (key,), ()) for key in keys}
    assert all(after[key] is one for key, one in before.items() if one is not places[0])
    heirs = {one.name for key, one in after.items() if one and before[key] is places[0]}
    assert len(heirs) == 3
