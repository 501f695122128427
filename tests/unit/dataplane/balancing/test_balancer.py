from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.balancing.balancer import Balancer
from dataplane.balancing.endpoint import EndpointState
from dataplane.runtime.cluster import Balancing, PolicyKind


def balancer(
    places: list[EndpointState],
    balancing: Balancing | None = None,
    now: float = 0.0,
) -> Balancer[EndpointState]:
    balancing = balancing or Balancing()
    made: Balancer[EndpointState] = Balancer(balancing, Random(1).random)
    made.replace(places, balancing, now)
    return made


def endpoints(count: int, priority: int = 0) -> list[EndpointState]:
    return [EndpointState(f"{priority}.{n}", 1, priority) for n in range(count)]


def test_one_endpoint_is_the_only_one() -> None:
    (one,) = endpoints(1)
    made = balancer([one])
    assert made.only is one
    assert made.pick(0.0) is one
    assert made.pick(0.0, avoid=[one]) is None


def test_only_one_left_is_the_only_one() -> None:
    places = endpoints(2)
    made = balancer(places)
    assert made.only is None
    places[0].ejected = True
    made.refresh(0.0)
    assert made.only is places[1]
    assert made.available == 1


def test_no_endpoint() -> None:
    made = balancer([])
    assert (made.pick(0.0), made.only, made.available) == (None, None, 0)


@pytest.mark.parametrize("kind", PolicyKind)
def test_every_policy_spreads_requests_without_a_key(kind: PolicyKind) -> None:
    made = balancer(endpoints(3), Balancing(kind))
    picked = Counter(one.name for _ in range(300) if (one := made.pick(0.0)))
    assert all(70 <= count <= 130 for count in picked.values())


@pytest.mark.parametrize("kind", [PolicyKind.RING_HASH, PolicyKind.PREFIX_AFFINITY])
def test_a_key_keeps_its_endpoint_also_among_several_levels(kind: PolicyKind) -> None:
    places = [*endpoints(4), *endpoints(4, 1)]
    for one in places[:2]:
        one.healthy = False
    made = balancer(places, Balancing(kind, max_load_percent=0.0))
    assert len(made.levels) == 2
    for key in range(1, 40):
        found = {p.name for _ in range(10) if (p := made.pick(0.0, (key << 40,))) is not None}
        assert len(found) == 1


def test_levels_get_their_parts() -> None:
    places = [*endpoints(2), *endpoints(2, 1)]
    places[0].healthy = False
    made = balancer(places)
    picked = Counter(one.priority for _ in range(4000) if (one := made.pick(0.0)))
    assert picked[0] / 4000 == pytest.approx(0.7, abs=0.03)


def test_another_level_is_asked_when_one_has_only_those_to_avoid() -> None:
    first, other = [*endpoints(1), *endpoints(1, 1)]
    first.weight = 1
    down = EndpointState("0.down")
    down.healthy = False
    made = balancer([first, down, other])
    assert all(made.pick(0.0, avoid=[first]) is other for _ in range(20))


def test_next_priority_is_there_for_requests_that_have_tried_the_first() -> None:
    first, other = [*endpoints(1), *endpoints(1, 1)]
    made = balancer([first, other])
    assert all(made.pick(0.0) is first for _ in range(20))
    assert made.pick(0.0, avoid=[first]) is other
    assert made.pick(0.0, avoid=[first, other]) is None
    assert made.available == 2


def test_slow_start_grows_a_newcomers_part() -> None:
    places = endpoints(2)
    places[1].back_since = 0.0
    made = balancer(places, Balancing(slow_start_s=20.0), 0.0)

    def part(now: float) -> float:
        picked = Counter(one.name for _ in range(2000) if (one := made.pick(now)))
        return picked["0.1"] / 2000

    assert part(0.0) == pytest.approx(0.1 / 1.1, abs=0.03)
    assert part(10.5) == pytest.approx(1 / 3, abs=0.04)
    assert part(21.0) == pytest.approx(0.5, abs=0.04)
    assert made.pick(1e9) is not None


def test_panic_is_told() -> None:
    places = endpoints(3)
    for one in places[:2]:
        one.healthy = False
    made = balancer(places)
    assert made.panics
    assert made.available == 3


@given(
    st.sampled_from(list(PolicyKind)),
    st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(1, 3)), max_size=6),
    st.sets(st.integers(0, 5)),
    st.lists(st.integers(0, 1 << 63), max_size=2),
    st.sampled_from([0.0, 50.0]),
)
def test_somebody_who_may_be_asked_is_picked_while_there_is_one(
    kind: PolicyKind,
    drawn: list[tuple[int, bool, int]],
    bad: set[int],
    key: list[int],
    panic: float,
) -> None:
    places = []
    for number, (priority, usable, weight) in enumerate(drawn):
        places.append(EndpointState(str(number), weight, priority))
        places[-1].ejected = not usable
    made = balancer(places, Balancing(kind, panic_threshold_percent=panic))
    avoid = [one for n, one in enumerate(places) if n in bad]
    able = [one for level in made.levels for one in level.endpoints]
    picked = made.pick(0.0, key, avoid)
    assert (picked is None) == all(one in avoid for one in able)
    assert picked is None or (picked in able and picked not in avoid)
