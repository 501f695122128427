import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.balancing.availability import levels
from dataplane.balancing.endpoint import EndpointState

PANIC = 50.0


def group(priority: int, usable: int, not_usable: int = 0, zone: str = "") -> list[EndpointState]:
    places = [
        EndpointState(f"{priority}{zone}.{n}", 1, priority, zone)
        for n in range(usable + not_usable)
    ]
    for one in places[usable:]:
        one.ejected = True
    return places


def loads(*places: EndpointState, panic: float = PANIC, zone: str = "") -> list[tuple[int, float]]:
    """Endpoints and percent of every level."""
    found = levels(places, panic, zone)
    return [(len(one.endpoints), round(one.percent)) for one in found if one.percent]


def test_first_priority_takes_everything_while_it_is_well() -> None:
    assert loads(*group(1, 5), *group(0, 5)) == [(5, 100)]


@pytest.mark.parametrize(
    ("well", "expected"),
    [  # the table of Envoy's documentation, with 100 endpoints in each priority
        (100, [(100, 100)]),
        (72, [(72, 100)]),
        (71, [(71, 99), (100, 1)]),
        (50, [(50, 70), (100, 30)]),
        (25, [(25, 35), (100, 65)]),
        (0, [(100, 100)]),
    ],
)
def test_what_the_first_cannot_take_spills(well: int, expected: list[tuple[int, float]]) -> None:
    assert loads(*group(0, well, 100 - well), *group(1, 100)) == expected


def test_others_are_there_for_whoever_has_tried_the_first() -> None:
    found = levels([*group(0, 2, 1), *group(1, 2, 1)], PANIC)
    assert [(len(one.endpoints), round(one.percent)) for one in found] == [(2, 93), (2, 7)]
    found = levels([*group(0, 3), *group(1, 2, 1)], PANIC)
    assert [(len(one.endpoints), round(one.percent)) for one in found] == [(3, 100), (2, 0)]


def test_together_too_few_are_well_but_nobody_panics() -> None:
    assert loads(*group(0, 25, 75), *group(1, 25, 75), panic=20.0) == [(25, 50), (25, 50)]


def test_panic_asks_those_that_are_not_well_too() -> None:
    found = levels(group(0, 1, 3), PANIC)
    assert [(len(one.endpoints), one.panics) for one in found] == [(4, True)]
    assert loads(*group(0, 1, 3), panic=20.0) == [(1, 100)]


def test_half_of_them_is_not_yet_panic() -> None:
    assert loads(*group(0, 1, 1)) == [(1, 100)]


def test_nobody_panics_while_another_priority_can_take_it() -> None:
    found = levels([*group(0, 1, 9), *group(1, 10)], PANIC)
    assert not any(one.panics for one in found)


def test_nobody_is_well_and_health_is_ignored() -> None:
    assert loads(*group(0, 0, 3), *group(1, 0, 1)) == [(3, 75), (1, 25)]


def test_nobody_is_well_and_panic_is_off() -> None:
    assert loads(*group(0, 0, 3), panic=0.0) == []
    assert loads() == []


def test_own_zone_comes_first() -> None:
    here, there = group(0, 2, zone="a"), group(0, 4, zone="b")
    assert loads(*here, *there, zone="a") == [(2, 100)]
    assert loads(*here, *there) == [(6, 100)]
    assert loads(*here, *there, zone="c") == [(6, 100)]


def test_own_zone_spills_what_it_cannot_take() -> None:
    here, there = group(0, 1, 1, zone="a"), group(0, 4, zone="b")
    assert loads(*here, *there, zone="a") == [(1, 70), (4, 30)]
    assert loads(*group(0, 0, 2, zone="a"), *there, zone="a") == [(4, 100)]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.booleans(), st.sampled_from(["", "a", "b"])), max_size=12
    ),
    st.floats(0, 100),
    st.sampled_from(["", "a"]),
)
def test_parts_make_a_whole_and_the_ill_are_asked_in_panic_only(
    drawn: list[tuple[int, bool, str]], panic: float, zone: str
) -> None:
    places = []
    for number, (priority, usable, where) in enumerate(drawn):
        places.append(EndpointState(str(number), 1, priority, where))
        places[-1].healthy = usable
    found = levels(places, panic, zone)
    if any(one.usable for one in places) or (places and panic > 0):
        assert sum(one.percent for one in found) == pytest.approx(100.0)
    else:
        assert found == ()
    for level in found:
        assert level.endpoints
        assert level.panics or all(one.usable for one in level.endpoints)
    named = [one.name for level in found for one in level.endpoints]
    assert len(named) == len(set(named))
