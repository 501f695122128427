from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dataplane.balancing.ejection import Cause, Change, Event
from dataplane.balancing.endpoint import EndpointState
from dataplane.balancing.outlier import Outlier
from dataplane.runtime.cluster import NO_OUTLIERS, OutlierDetection
from tests.support.examples import share_of

RULES = OutlierDetection(max_ejection_percent=100.0)


def watched(
    count: int, rules: OutlierDetection = RULES
) -> tuple[Outlier[EndpointState], list[EndpointState]]:
    places = [EndpointState(str(n)) for n in range(count)]
    outlier: Outlier[EndpointState] = Outlier(rules, lambda: 0.0)
    outlier.replace(places, rules)
    return outlier, places


def fail(
    outlier: Outlier[EndpointState], one: EndpointState, now: float = 0.0, times: int = 5
) -> list[Change]:
    told = [outlier.answered(one, 500, now) for _ in range(times)]
    return [event.change for event in told if event is not None]


def test_five_5xx_in_a_row_eject() -> None:
    outlier, (bad, _) = watched(2)
    events = [outlier.answered(bad, 503, 0.0) for _ in range(5)]
    assert events == [None] * 4 + [
        Event(bad, Change.EJECTED, Cause.CONSECUTIVE_5XX, 30.0),
    ]
    assert bad.ejected


@pytest.mark.parametrize("status", [200, 404, 429, 499])
def test_anything_else_in_between_does_not(status: int) -> None:
    outlier, (bad, _) = watched(2)
    for _ in range(10):
        fail(outlier, bad, times=4)
        outlier.answered(bad, status, 0.0)
    assert not bad.ejected


def test_answers_of_5xx_and_none_count_together() -> None:
    outlier, (bad, _) = watched(2)
    for _ in range(2):
        outlier.answered(bad, 500, 0.0)
        outlier.failed(bad, 0.0)
    event = outlier.failed(bad, 0.0)
    assert event is not None
    assert event.cause is Cause.CONSECUTIVE_5XX


def test_failures_to_connect_have_a_limit_of_their_own() -> None:
    rules = OutlierDetection(consecutive_5xx=0, consecutive_local_origin_failure=2)
    outlier, (bad, _) = watched(2, rules)
    outlier.failed(bad, 0.0)
    outlier.answered(bad, 500, 0.0)  # it speaks
    assert outlier.failed(bad, 0.0) is None
    event = outlier.failed(bad, 0.0)
    assert event is not None
    assert event.cause is Cause.CONSECUTIVE_LOCAL_ORIGIN_FAILURE


def test_who_is_out_comes_back_at_the_first_sweep_after_its_time() -> None:
    outlier, (bad, _) = watched(2)
    fail(outlier, bad, now=100.0)
    assert outlier.sweep(129.9) == []
    assert outlier.sweep(130.0) == [Event(bad, Change.UNEJECTED)]
    assert not bad.ejected


def test_each_time_out_is_longer_and_quiet_intervals_make_it_shorter() -> None:
    outlier, (bad, _) = watched(2)
    now, spans = 0.0, []
    for _ in range(12):
        spans += [outlier.answered(bad, 500, now) for _ in range(5)][-1:]
        now += 301.0
        outlier.sweep(now)
    assert [event.for_s for event in spans if event] == [30 * n for n in range(1, 11)] + [300, 300]
    for _ in range(50):
        outlier.sweep(now)
    assert (event := [outlier.answered(bad, 500, now) for _ in range(5)][-1])
    assert event.for_s == 30.0


def test_chance_makes_a_time_out_longer_by_a_tenth_at_most() -> None:
    places = [EndpointState("a"), EndpointState("b")]
    outlier: Outlier[EndpointState] = Outlier(RULES, lambda: 1.0)
    outlier.replace(places, RULES)
    assert (event := [outlier.answered(places[0], 500, 0.0) for _ in range(5)][-1])
    assert event.for_s == pytest.approx(33.0)


def test_one_may_be_out_whatever_the_percentage() -> None:
    rules = OutlierDetection(max_ejection_percent=10.0)
    outlier, (first, second, _) = watched(3, rules)
    assert fail(outlier, first) == [Change.EJECTED]
    assert fail(outlier, second) == [Change.KEPT_BY_PERCENT]
    assert outlier.counts[Change.KEPT_BY_PERCENT] == 1


def test_last_one_is_never_ejected_and_that_is_told_of_and_counted() -> None:
    outlier, (first, last) = watched(2)
    assert fail(outlier, first) == [Change.EJECTED]
    assert fail(outlier, last, times=12) == [Change.KEPT_AS_LAST, Change.KEPT_AS_LAST]
    assert not last.ejected
    assert outlier.counts[Change.KEPT_AS_LAST] == 2


def test_one_that_is_ill_is_not_another_that_is_left() -> None:
    outlier, (first, ill) = watched(2)
    ill.healthy = False
    assert fail(outlier, first) == [Change.KEPT_AS_LAST]


def test_good_health_check_brings_one_back_at_once() -> None:
    outlier, (bad, _) = watched(2)
    fail(outlier, bad)
    assert outlier.healthy_again(bad) == Event(bad, Change.UNEJECTED)
    assert outlier.healthy_again(bad) is None


def ask(outlier: Outlier[EndpointState], one: EndpointState, good: int, bad: int) -> None:
    """Failures spread among good answers, so that never many come in a row."""
    for n in range(good + bad):
        failing = n * bad // (good + bad) != (n + 1) * bad // (good + bad)
        outlier.answered(one, 500 if failing else 200, 0.0)


def test_one_that_is_far_worse_than_all_is_ejected_by_success_rate() -> None:
    outlier, places = watched(6)
    for one in places[:-1]:
        ask(outlier, one, 100, 0)
    ask(outlier, places[-1], 60, 40)
    (event,) = outlier.sweep(0.0)
    assert (event.endpoint, event.cause) == (places[-1], Cause.SUCCESS_RATE)


@pytest.mark.parametrize(("hosts", "requests"), [(4, 100), (6, 90)], ids=["hosts", "requests"])
def test_success_rate_needs_enough_of(hosts: int, requests: int) -> None:
    outlier, places = watched(hosts)
    for one in places[:-1]:
        ask(outlier, one, requests, 0)
    ask(outlier, places[-1], requests * 6 // 10, requests * 4 // 10)
    assert outlier.sweep(0.0) == []


def test_failure_percentage_is_off_unless_said() -> None:
    rules = OutlierDetection(
        success_rate_stdev_factor=0.0, failure_percentage_threshold=85.0, max_ejection_percent=50.0
    )
    for threshold, expected in ((rules, 3), (RULES, 0)):
        outlier, places = watched(6, threshold)
        for one in places:
            ask(outlier, one, 5, 95)
        # (5xx in a row are not what this is about)
        for one in places:
            one.ejected = False
        events = [e for e in outlier.sweep(0.0) if e.cause is Cause.FAILURE_PERCENTAGE]
        assert len([e for e in events if e.change is Change.EJECTED]) == expected


def test_requests_of_one_interval_do_not_count_in_the_next() -> None:
    outlier, places = watched(6)
    for one in places[:-1]:
        ask(outlier, one, 60, 0)
    ask(outlier, places[-1], 30, 30)
    outlier.sweep(0.0)
    for one in places:
        ask(outlier, one, 60, 0)
    assert outlier.sweep(10.0) == []


def test_endpoints_that_stay_keep_what_is_known_of_them() -> None:
    outlier, (bad, other) = watched(2)
    fail(outlier, bad, times=4)
    outlier.replace([bad, other, EndpointState("new")], RULES)
    assert fail(outlier, bad, times=1) == [Change.EJECTED]


def test_switching_it_off_brings_everybody_back() -> None:
    outlier, (bad, other) = watched(2)
    fail(outlier, bad)
    outlier.replace([bad, other], NO_OUTLIERS)
    outlier.stop()
    assert not bad.ejected
    assert fail(outlier, bad, times=50) == []


def test_what_an_endpoint_that_is_gone_does_is_nobodys_business() -> None:
    outlier, (bad, other) = watched(2)
    outlier.replace([other], RULES)
    assert fail(outlier, bad, times=9) == []
    assert outlier.failed(bad, 0.0) is None
    assert outlier.healthy_again(bad) is None


class OutlierMachine(RuleBasedStateMachine):
    """Whatever happens: the percentage holds but for one, the last stays, all come back."""

    @initialize(
        count=st.integers(1, 6),
        percent=st.sampled_from([0.0, 10.0, 34.0, 50.0, 100.0]),
        in_a_row=st.integers(1, 3),
        seed=st.integers(0, 99),
    )
    def begin(self, count: int, percent: float, in_a_row: int, seed: int) -> None:
        self.detection = OutlierDetection(
            consecutive_5xx=in_a_row,
            consecutive_local_origin_failure=in_a_row + 1,
            max_ejection_percent=percent,
            success_rate_minimum_hosts=2,
            success_rate_request_volume=3,
            failure_percentage_threshold=80.0,
            failure_percentage_minimum_hosts=1,
            failure_percentage_request_volume=2,
        )
        self.places = [EndpointState(str(n)) for n in range(count)]
        self.outlier: Outlier[EndpointState] = Outlier(self.detection, Random(seed).random)
        self.outlier.replace(self.places, self.detection)
        self.now = 0.0
        self.seen = dict.fromkeys(Change, 0)
        self.names = count

    def note(self, *events: Event[EndpointState] | None) -> None:
        for event in events:
            if event is None:
                continue
            self.seen[event.change] += 1
            if event.change is Change.EJECTED:
                assert event.endpoint.ejected
                assert any(one.usable for one in self.places)
                out = sum(one.ejected for one in self.places)
                most = self.detection.max_ejection_percent / 100.0 * len(self.places)
                assert out == 1 or out <= most
            else:
                assert not event.endpoint.ejected

    @rule(data=st.data(), status=st.sampled_from([200, 429, 500, 503, 0]))
    def end_request(self, data: st.DataObject, status: int) -> None:
        one = data.draw(st.sampled_from(self.places))
        if status:
            self.note(self.outlier.answered(one, status, self.now))
        else:
            self.note(self.outlier.failed(one, self.now))

    @rule(seconds=st.sampled_from([0.1, 10.0, 100.0]))
    def wait_and_sweep(self, seconds: float) -> None:
        self.now += seconds
        self.note(*self.outlier.sweep(self.now))

    @rule(data=st.data(), healthy=st.booleans())
    def check(self, data: st.DataObject, healthy: bool) -> None:
        one = data.draw(st.sampled_from(self.places))
        one.healthy = healthy
        if healthy:
            self.note(self.outlier.healthy_again(one))

    @rule(data=st.data(), add=st.booleans())
    def change_endpoints(self, data: st.DataObject, add: bool) -> None:
        if add:
            self.places.append(EndpointState(str(self.names)))
            self.names += 1
        elif len(self.places) > 1:
            self.places.remove(data.draw(st.sampled_from(self.places)))
        self.outlier.replace(self.places, self.detection)

    @rule()
    def everything_ejected_comes_back(self) -> None:
        self.now += self.detection.max_ejection_time_s * 1.1 + 0.001
        was_out = [one for one in self.places if one.ejected]
        events = self.outlier.sweep(self.now)
        self.note(*events)
        back = [one.endpoint for one in events if one.change is Change.UNEJECTED]
        assert back == was_out

    @invariant()
    def counts_say_what_happened(self) -> None:
        if hasattr(self, "outlier"):
            assert self.outlier.counts == self.seen
            assert sum(self.outlier.causes.values()) == self.seen[Change.EJECTED]


TestOutlierMachine = OutlierMachine.TestCase
TestOutlierMachine.settings = settings(max_examples=share_of(60), stateful_step_count=40)
