from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dataplane.resilience.budget import CallerCounts, RetryBudget, RetryCount
from dataplane.runtime.retry import RetryPolicy
from tests.support.examples import share_of

POLICY = RetryPolicy(budget_percent=20.0, min_retry_concurrency=3)


def taken(active: int, policy: RetryPolicy = POLICY) -> int:
    budget = RetryBudget(RetryCount(lambda: active), policy)
    return sum(budget.take() for _ in range(1000))


def test_some_retries_are_always_allowed() -> None:
    assert taken(0) == 3


def test_more_are_allowed_by_the_share_of_what_is_active() -> None:
    assert taken(100) == 20


def test_no_minimum_and_no_share_allow_none() -> None:
    assert taken(100, replace(POLICY, budget_percent=0.0, min_retry_concurrency=0)) == 0


def test_what_is_given_back_can_be_taken_again() -> None:
    budget = RetryBudget(RetryCount(lambda: 0), POLICY)
    for _ in range(10):
        assert budget.take()
        budget.give_back()


def test_a_denied_retry_is_counted() -> None:
    count = RetryCount(lambda: 0)
    assert not RetryBudget(count, replace(POLICY, min_retry_concurrency=0)).take()
    assert count.denied == 1


def test_what_a_caller_was_denied_is_counted_for_the_cluster() -> None:
    caller, cluster = RetryCount(lambda: 0), RetryCount(lambda: 0)
    budget = RetryBudget(caller, replace(POLICY, min_retry_concurrency=0), told=cluster)
    assert not budget.take()
    assert (caller.denied, cluster.denied) == (0, 1)


def test_a_caller_has_one_count_while_it_has_retries() -> None:
    counts = CallerCounts()
    count = counts.of("a", lambda: 0)
    RetryBudget(count, POLICY).take()
    counts.of("b", lambda: 0)
    assert counts.of("a", lambda: 0) is count


def test_a_caller_without_retries_is_forgotten() -> None:
    counts = CallerCounts()
    count = counts.of("a", lambda: 0)
    counts.of("b", lambda: 0)
    assert counts.of("a", lambda: 0) is not count


class Budgets(RuleBasedStateMachine):
    """Requests come and go, and policies differ, over one count."""

    def __init__(self) -> None:
        super().__init__()
        self.active = 0
        self.count = RetryCount(lambda: self.active)
        self.held: list[RetryBudget] = []

    @rule(active=st.integers(0, 200))
    def load_changes(self, active: int) -> None:
        self.active = active

    @rule(percent=st.floats(0, 100), least=st.integers(0, 5))
    def retries(self, percent: float, least: int) -> None:
        policy = RetryPolicy(budget_percent=percent, min_retry_concurrency=least)
        budget = RetryBudget(self.count, policy)
        room = max(least, int(self.active * percent / 100))
        assert budget.take() is (len(self.held) < room)
        if self.count.running > len(self.held):
            self.held.append(budget)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def ends(self, data: st.DataObject) -> None:
        self.held.pop(data.draw(st.integers(0, len(self.held) - 1))).give_back()

    @invariant()
    def nothing_is_negative_or_leaked(self) -> None:
        assert self.count.running == len(self.held)


Budgets.TestCase.settings = settings(max_examples=share_of(50))
TestBudgets = Budgets.TestCase
