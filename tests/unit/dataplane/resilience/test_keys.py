import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.resilience.keys import COOLING_S, LONGEST_S, PROBE_S, RETIRED_S, Keys

NOW = 1000.0


def picks(keys: Keys, count: int, now: float = NOW) -> list[int]:
    return [keys.pick(now) for _ in range(count)]


def test_keys_are_used_in_turn() -> None:
    assert picks(Keys(3), 7) == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_dead_key_is_not_used_again(status: int) -> None:
    keys = Keys(3)
    keys.outcome(1, status, None, NOW)
    assert picks(keys, 4) == [0, 2, 0, 2]


def test_a_dead_key_is_tried_again_by_one_request() -> None:
    keys = Keys(2)
    keys.outcome(0, 401, None, NOW)
    later = NOW + RETIRED_S
    assert picks(keys, 4, later) == [0, 1, 1, 1]


def test_a_dead_key_whose_trial_fails_is_retired_again() -> None:
    keys = Keys(2)
    keys.outcome(0, 401, None, NOW)
    later = NOW + RETIRED_S
    keys.pick(later)
    keys.outcome(0, 401, None, later)
    assert picks(keys, 2, later + PROBE_S) == [1, 1]


@pytest.mark.parametrize("status", [200, 400, 404])
def test_a_dead_key_that_works_again_takes_its_turn(status: int) -> None:
    keys = Keys(2)
    keys.outcome(0, 401, None, NOW)
    later = NOW + RETIRED_S
    keys.pick(later)
    keys.outcome(0, status, None, later)
    assert sorted(picks(keys, 2, later)) == [0, 1]


def test_a_server_error_says_nothing_about_a_key() -> None:
    keys = Keys(2)
    keys.outcome(0, 401, None, NOW)
    keys.outcome(0, 503, None, NOW)
    keys.outcome(1, 503, None, NOW)
    assert picks(keys, 2) == [1, 1]


def test_a_limited_key_rests_for_as_long_as_its_provider_says() -> None:
    keys = Keys(2)
    keys.outcome(0, 429, 20.0, NOW)
    assert picks(keys, 2, NOW + 19.9) == [1, 1]
    assert sorted(picks(keys, 2, NOW + 20.0)) == [0, 1]


def test_a_limited_key_rests_a_while_when_nobody_says_how_long() -> None:
    keys = Keys(2)
    keys.outcome(0, 429, None, NOW)
    assert keys.resting(NOW + COOLING_S - 0.1) == 1
    assert keys.resting(NOW + COOLING_S) == 0


@pytest.mark.parametrize(
    ("said", "rest"), [(0.0, 1.0), (-5.0, 1.0), (float("nan"), 1.0), (1e9, LONGEST_S)]
)
def test_a_senseless_wait_is_bounded(said: float, rest: float) -> None:
    keys = Keys(2)
    keys.outcome(0, 429, said, NOW)
    assert (keys.resting(NOW + rest - 0.1), keys.resting(NOW + rest)) == (1, 0)


def test_a_late_short_wait_does_not_shorten_a_long_one() -> None:
    keys = Keys(2)
    keys.outcome(0, 429, 60.0, NOW)
    keys.outcome(0, 429, 1.0, NOW)
    assert keys.resting(NOW + 59.0) == 1


def test_a_success_that_was_under_way_does_not_end_a_rest() -> None:
    keys = Keys(2)
    keys.outcome(0, 429, 60.0, NOW)
    keys.outcome(0, 200, None, NOW)
    assert keys.resting(NOW) == 1


def test_when_all_rest_the_one_that_is_free_soonest_is_used() -> None:
    keys = Keys(3)
    for index, wait in enumerate((30.0, 5.0, 20.0)):
        keys.outcome(index, 429, wait, NOW)
    assert picks(keys, 2) == [1, 1]


FACTS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from([200, 400, 401, 403, 429, 500]),
        st.none() | st.floats(-10, 1e6),
        st.floats(0, 2000),
    ),
    max_size=30,
)


@given(FACTS)
def test_there_is_always_a_key_and_a_free_one_when_one_is_free(
    facts: list[tuple[int, int, float | None, float]],
) -> None:
    keys, now = Keys(3), 0.0
    for index, status, retry_after, passed in facts:
        keys.outcome(index, status, retry_after, now)
        now += passed
        resting = [i for i in range(3) if keys._free_at[i] > now]
        picked = keys.pick(now)
        assert picked in range(3)
        assert picked not in resting or len(resting) == 3


def test_others_are_those_that_do_not_rest() -> None:
    keys = Keys(3)
    assert keys.others(0, NOW) == 2
    keys.outcome(0, 401, None, NOW)
    assert keys.others(0, NOW) == 2
    keys.outcome(1, 429, 5.0, NOW)
    assert keys.others(0, NOW) == 1
