from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataplane.balancing.endpoint import EndpointState
from dataplane.balancing.hashing import hash64
from dataplane.balancing.ring_hash import RingHash

KEYS = [hash64(str(n).encode()) for n in range(2000)]


def endpoints(*weights: int) -> list[EndpointState]:
    return [EndpointState(f"10.0.0.{n}:80", weight) for n, weight in enumerate(weights)]


def ring(places: list[EndpointState], max_load_percent: float = 0.0) -> RingHash[EndpointState]:
    return RingHash(places, Random(1).random, max_load_percent)


def owners(places: list[EndpointState], keys: list[int] = KEYS) -> dict[int, str]:
    made = ring(places)
    picked = ((key, made.pick(0.0, (key,), ())) for key in keys)
    return {key: one.name for key, one in picked if one is not None}


def test_same_key_same_endpoint_in_whatever_order_they_are_given() -> None:
    places = endpoints(1, 1, 1, 1)
    assert owners(places) == owners(places[::-1])


def test_shares_are_by_weight() -> None:
    counts = Counter(owners(endpoints(1, 1, 2)).values())
    assert counts["10.0.0.2:80"] / len(KEYS) == pytest.approx(0.5, abs=0.08)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 3), min_size=2, max_size=8), st.data())
def test_endpoint_that_goes_moves_only_its_own_keys(
    weights: list[int], data: st.DataObject
) -> None:
    places = endpoints(*weights)
    gone = data.draw(st.sampled_from(places))
    before = owners(places, KEYS[:300])
    after = owners([one for one in places if one is not gone], KEYS[:300])
    assert all(after[key] == name for key, name in before.items() if name != gone.name)


def test_one_to_avoid_leaves_its_keys_to_the_next() -> None:
    places = endpoints(1, 1, 1)
    made = ring(places)
    for key in KEYS[:50]:
        first = made.pick(0.0, (key,), ())
        assert first is not None
        second = made.pick(0.0, (key,), [first])
        rest = [one for one in places if one is not first]
        assert second is ring(rest).pick(0.0, (key,), ())
    assert made.pick(0.0, (1,), places) is None


def test_one_with_too_much_to_do_is_passed_until_it_has_less() -> None:
    places = endpoints(1, 1, 1)
    made = ring(places, 125.0)
    first = made.pick(0.0, (7,), ())
    assert first is not None
    first.active = 3
    second = made.pick(0.0, (7,), ())
    assert second is not first
    first.active = 0
    assert made.pick(0.0, (7,), ()) is first


def test_without_a_key_all_are_asked() -> None:
    made = ring(endpoints(1, 1, 1))
    picked = {one.name for _ in range(100) if (one := made.pick(0.0, (), ()))}
    assert len(picked) == 3


def test_heavy_weights_do_not_make_a_large_ring() -> None:
    made = ring(endpoints(1000, 2000, 4000))
    assert len(made._points) <= 8192
