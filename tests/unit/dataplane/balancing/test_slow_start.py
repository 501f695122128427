from hypothesis import given
from hypothesis import strategies as st

from dataplane.balancing.slow_start import share


def test_share_grows_from_its_minimum_to_the_whole_weight() -> None:
    grown = [share(10, 100.0, 100.0 + after, 20.0, 10.0) for after in (0, 1, 2, 10, 19, 20, 99)]
    assert grown == [1.0, 1.0, 1.0, 5.0, 9.5, 10, 10]


def test_without_a_window_it_is_whole_at_once() -> None:
    assert share(3, 100.0, 100.0, 0.0, 10.0) == 3


@given(
    st.floats(1, 100),
    st.floats(0, 1000),
    st.floats(0, 1000),
    st.floats(0, 100),
    st.floats(0, 100),
)
def test_it_is_never_nothing_and_never_more_than_the_weight(
    weight: float, since: float, later: float, window: float, least: float
) -> None:
    assert 0 < share(weight, since, since + later, window, least) <= weight
