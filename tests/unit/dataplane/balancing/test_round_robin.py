from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dataplane.balancing.endpoint import EndpointState
from dataplane.balancing.round_robin import RoundRobin


def names(policy: RoundRobin[EndpointState], count: int) -> list[str]:
    picked = [policy.pick(0.0, (), ()) for _ in range(count)]
    return [one.name for one in picked if one is not None]


def test_more_weight_is_spread_among_the_others() -> None:
    policy = RoundRobin([EndpointState("a", 5), EndpointState("b"), EndpointState("c")])
    assert "".join(names(policy, 7)) == "aabacaa"


def test_the_turn_goes_on_after_a_change() -> None:
    places = [EndpointState(name) for name in "abc"]
    assert names(RoundRobin(places), 2) == ["a", "b"]
    assert names(RoundRobin(places), 2) == ["c", "a"]


def test_one_to_avoid_is_passed() -> None:
    a, b = EndpointState("a"), EndpointState("b")
    policy = RoundRobin([a, b])
    assert policy.pick(0.0, (), [a]) is b
    assert policy.pick(0.0, (), [a, b]) is None


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 4))
def test_every_round_holds_the_weights_exactly(weights: list[int], rounds: int) -> None:
    places = [EndpointState(str(n), weight) for n, weight in enumerate(weights)]
    picked = Counter(names(RoundRobin(places), sum(weights) * rounds))
    assert picked == {str(n): weight * rounds for n, weight in enumerate(weights)}
