from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dataplane.balancing.health import Health, is_good
from dataplane.runtime.cluster import HealthCheck


def test_first_answer_decides_alone() -> None:
    health = Health(HealthCheck(unhealthy_threshold=3))
    assert (health.failed(), health.healthy) == (True, False)
    health = Health(HealthCheck(healthy_threshold=5))
    assert (health.passed(), health.healthy) == (False, True)


def test_later_so_many_in_a_row_are_needed() -> None:
    health = Health(HealthCheck(healthy_threshold=2, unhealthy_threshold=3))
    health.passed()
    assert [health.failed(), health.failed(), health.passed()] == [False] * 3
    assert [health.failed(), health.failed(), health.failed()] == [False, False, True]
    assert [health.passed(), health.passed()] == [False, True]
    assert health.healthy


def test_other_rules_go_on_from_the_verdict() -> None:
    health = Health(HealthCheck())
    health.failed()
    health.judges(HealthCheck(healthy_threshold=1))
    assert (health.passed(), health.healthy) == (True, True)


@given(st.integers(100, 599))
def test_statuses_are_ranges_with_both_ends(status: int) -> None:
    rules = HealthCheck(statuses=((200, 204), (404, 404)))
    assert is_good(status, rules) == (200 <= status <= 204 or status == 404)


class Checks(RuleBasedStateMachine):
    """Against the sentence: the last N answers, all alike, are what it takes."""

    @initialize(good=st.integers(1, 4), bad=st.integers(1, 4))
    def begin(self, good: int, bad: int) -> None:
        self.check_rules = HealthCheck(healthy_threshold=good, unhealthy_threshold=bad)
        self.health = Health(self.check_rules)
        self.answers: list[bool] = []
        self.expected = True

    @rule(good=st.booleans())
    def answer(self, good: bool) -> None:
        before = self.health.healthy
        changed = self.health.passed() if good else self.health.failed()
        self.answers.append(good)
        rules = self.check_rules
        enough = rules.healthy_threshold if good else rules.unhealthy_threshold
        if len(self.answers) == 1 or self.answers[-enough:] == [good] * enough:
            self.expected = good
        assert changed == (before is not self.expected)

    @invariant()
    def verdict_is_as_expected(self) -> None:
        if hasattr(self, "health"):
            assert self.health.healthy is self.expected


TestChecks = Checks.TestCase
