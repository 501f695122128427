from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dataplane.resilience.breaker import FAILURES, Breaker, BreakerRules, in_order
from dataplane.runtime.fault import Fault
from tests.support.examples import share_of

NOW = 1000.0
RULES = BreakerRules(
    consecutive_failures=3, min_requests=10, window_s=10.0, open_s=2.0, open_max_s=5.0
)


class Longest:
    def uniform(self, a: float, b: float) -> float:
        return b


def breaker() -> Breaker:
    return Breaker(RULES, Longest())


def fail(one: Breaker, now: float = NOW, fault: Fault = Fault.SERVER) -> None:
    attempt = object()
    one.sent(attempt, now)
    one.failed(attempt, fault, now)


def opened() -> Breaker:
    one = breaker()
    for _ in range(3):
        fail(one)
    return one


def test_a_new_breaker_is_calm() -> None:
    assert breaker().calm


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault in FAILURES])
def test_failures_in_a_row_open_it(fault: Fault) -> None:
    one = breaker()
    fail(one, NOW, fault)
    fail(one, NOW, fault)
    assert one.admits(NOW)
    fail(one, NOW, fault)
    assert not one.admits(NOW)


def test_a_success_ends_a_row() -> None:
    one = breaker()
    for _ in range(5):
        fail(one)
        fail(one)
        one.succeeded(object(), NOW)
        one._failures = 0  # the share is another test
    assert one.admits(NOW)


def test_too_large_a_share_of_failures_opens_it() -> None:
    one = breaker()
    for _ in range(5):
        fail(one)
        one.succeeded(object(), NOW)
    assert one.admits(NOW)
    fail(one)
    assert not one.admits(NOW)


def test_failures_of_a_past_window_are_forgotten() -> None:
    one = breaker()
    fail(one)
    one.succeeded(object(), NOW + RULES.window_s)
    assert one.calm


@pytest.mark.parametrize("fault", [Fault.INVALID, Fault.UNFIT, Fault.FILTERED, Fault.CREDENTIAL])
def test_refusals_of_what_is_asked_do_not_open_it(fault: Fault) -> None:
    one = breaker()
    for _ in range(20):
        fail(one, NOW, fault)
    assert one.calm


def test_it_is_half_open_after_its_time_and_lets_one_probe() -> None:
    one = opened()
    assert not one.admits(NOW + 1.9)
    assert one.admits(NOW + 2.0)
    one.sent("probe", NOW + 2.0)
    assert not one.admits(NOW + 2.0)


def test_a_probe_that_succeeds_closes_it() -> None:
    one = opened()
    one.sent("probe", NOW + 2.0)
    one.succeeded("probe", NOW + 2.0)
    assert one.calm


def test_only_a_probe_decides() -> None:
    one = opened()
    one.sent("probe", NOW + 2.0)
    one.succeeded("an older attempt", NOW + 2.0)
    one.failed("an older attempt", Fault.SERVER, NOW + 2.0)
    assert one.is_open
    assert one.opened_total == 1


def test_each_probe_that_fails_opens_it_for_longer_up_to_a_cap() -> None:
    one = opened()
    now = NOW
    waits = []
    for probe in range(4):
        waits.append(one.wait_s(now))
        now += waits[-1]
        one.sent(probe, now)
        one.failed(probe, Fault.CONNECTION, now)
    assert waits == [2.0, 4.0, 5.0, 5.0]


def test_a_probe_whose_client_left_does_not_hinder_the_next() -> None:
    one = opened()
    one.sent("probe", NOW + 2.0)
    one.failed("probe", Fault.GONE, NOW + 2.0)
    assert one.admits(NOW + 2.0)


def test_a_probe_that_is_lost_does_not_keep_it_open_for_ever() -> None:
    one = opened()
    one.sent("probe", NOW + 2.0)
    assert not one.admits(NOW + 1.9 + RULES.probe_lost_s)
    assert one.admits(NOW + 2.0 + RULES.probe_lost_s)


def test_a_limit_opens_it_for_its_time_and_no_probe_is_needed_after() -> None:
    one = breaker()
    one.failed(object(), Fault.LIMITED, NOW, retry_after_s=7.0)
    assert not one.admits(NOW + 6.9)
    assert one.admits(NOW + 7.0)
    assert one.calm


def test_a_limit_without_a_time_does_not_open_it() -> None:
    one = breaker()
    one.failed(object(), Fault.LIMITED, NOW)
    assert one.calm


def test_a_limited_probe_shows_that_the_provider_is_back() -> None:
    one = opened()
    one.sent("probe", NOW + 2.0)
    one.failed("probe", Fault.LIMITED, NOW + 2.0, retry_after_s=1.0)
    assert not one.admits(NOW + 2.5)
    assert one.admits(NOW + 3.0)
    assert one.calm


def test_those_that_are_admitted_come_first() -> None:
    assert in_order([opened(), breaker(), breaker()], NOW) == [1, 2, 0]


def test_those_that_are_not_admitted_are_asked_soonest_first() -> None:
    late = breaker()
    late.failed(object(), Fault.LIMITED, NOW, retry_after_s=60.0)
    assert in_order([late, opened()], NOW) == [1, 0]


def test_an_outage_of_a_minute_is_over_within_half_a_minute() -> None:
    one = Breaker(BreakerRules(), Longest())
    back = None
    for request in range(40):  # one each 4 s, three attempts each, down for 60 s
        now = NOW + 4.0 * request
        for attempt in range(3):
            if not one.admits(now):
                break
            one.sent(attempt, now)
            if now >= NOW + 60.0:
                one.succeeded(attempt, now)
                back = back or now
                break
            one.failed(attempt, Fault.SERVER, now)
    assert back is not None
    assert back - (NOW + 60.0) <= 30.0


class Candidates(RuleBasedStateMachine):
    """Two candidates of one route, their requests in flight, and time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        # No probe is lost here: that has its own test.
        rules = replace(RULES, probe_lost_s=1e6)
        self.breakers = [Breaker(rules, Longest()), Breaker(rules, Longest())]
        self.flying: list[tuple[Breaker, object]] = []
        self.probes: dict[Breaker, list[object]] = {one: [] for one in self.breakers}

    @rule()
    def request(self) -> None:
        index = in_order(self.breakers, self.now)[0]
        one = self.breakers[index]
        admitted = [other.admits(self.now) for other in self.breakers]
        assert admitted[index] or not any(admitted)
        attempt = object()
        if not one.calm:
            probing = [p for p in self.probes[one] if (one, p) in self.flying]
            if one.is_open and admitted[index]:
                assert not probing
            if one.is_open and not probing:
                self.probes[one].append(attempt)
            one.sent(attempt, self.now)
        self.flying.append((one, attempt))

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), fault=st.sampled_from(list(Fault)), after=st.none() | st.floats(0, 20))
    def ends(self, data: st.DataObject, fault: Fault, after: float | None) -> None:
        one, attempt = self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1)))
        was_open = one.is_open
        if fault is Fault.NONE:
            one.succeeded(attempt, self.now)
        else:
            one.failed(attempt, fault, self.now, after)
        if was_open and attempt not in self.probes[one]:
            assert one.is_open

    @rule(seconds=st.floats(0, 8))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def a_calm_breaker_admits(self) -> None:
        for one in self.breakers:
            assert one.calm <= one.admits(self.now)
            assert not (one.calm and (one.is_open or one.is_limited))


Candidates.TestCase.settings = settings(max_examples=share_of(100), stateful_step_count=40)
TestCandidates = Candidates.TestCase
