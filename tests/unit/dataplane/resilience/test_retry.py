from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dataplane.resilience.outcome import Outcome, Stage
from dataplane.resilience.retry import Attempts, GiveUp, NextCandidate, Retry, Why
from dataplane.runtime.fault import Fault
from dataplane.runtime.retry import RetryPolicy
from tests.support.examples import share_of

NOW = 1000.0
POLICY = RetryPolicy(num_retries=2, back_off_base_s=0.1, back_off_max_s=1.0, max_retry_after_s=10.0)


class Longest:
    def uniform(self, a: float, b: float) -> float:
        return b


class Budget:
    def __init__(self, free: int = 1000) -> None:
        self.free = free
        self.taken = 0

    def take(self) -> bool:
        if self.taken >= self.free:
            return False
        self.taken += 1
        return True

    def give_back(self) -> None:
        assert self.taken > 0
        self.taken -= 1


def attempts(
    others: int = 0, deadline: float = NOW + 300, policy: RetryPolicy = POLICY, *budgets: Budget
) -> Attempts:
    return Attempts(policy, others, deadline, Longest(), budgets)


REFUSED = Outcome(Stage.CONNECT, Fault.CONNECTION)
RESET = Outcome(Stage.BEFORE_HEAD, Fault.CONNECTION)
ERROR_500 = Outcome(Stage.HEAD, Fault.SERVER, 500)
LIMITED = Outcome(Stage.HEAD, Fault.LIMITED, 429)
UNKNOWN_KEY = Outcome(Stage.HEAD, Fault.CREDENTIAL, 401)
SILENT = Outcome(Stage.BEFORE_CONTENT, Fault.SILENT, 200)


@pytest.mark.parametrize("outcome", [REFUSED, RESET, ERROR_500, LIMITED])
def test_what_may_pass_is_tried_again_with_longer_waits_and_then_elsewhere(
    outcome: Outcome,
) -> None:
    one = attempts(others=1)
    assert [one.next(outcome, NOW) for _ in range(3)] == [
        Retry(0.1, other_endpoint=False),
        Retry(0.2, other_endpoint=False),
        NextCandidate(),
    ]


def test_the_next_candidate_is_tried_as_often() -> None:
    one = attempts(others=1)
    for _ in range(3):
        one.next(ERROR_500, NOW)
    one.moved(POLICY, others=0)
    assert [one.next(ERROR_500, NOW) for _ in range(3)] == [
        Retry(0.1, other_endpoint=False),
        Retry(0.2, other_endpoint=False),
        GiveUp(Why.EXHAUSTED),
    ]


def test_a_second_machine_is_asked_at_once_when_the_first_is_not_there() -> None:
    found = attempts().next(replace(REFUSED, other_endpoints=1), NOW)
    assert found == Retry(0.0, other_endpoint=True)


def test_a_providers_wait_is_honoured() -> None:
    assert attempts().next(replace(LIMITED, retry_after_s=2.0), NOW) == Retry(2.1, False)


def test_a_wait_longer_than_the_cap_goes_to_the_next_candidate() -> None:
    assert attempts(others=1).next(replace(LIMITED, retry_after_s=11.0), NOW) == NextCandidate()


def test_a_wait_longer_than_the_cap_is_told_to_the_client_when_there_is_no_other() -> None:
    assert attempts().next(replace(LIMITED, retry_after_s=11.0), NOW) == GiveUp(Why.EXHAUSTED)


def test_a_wait_past_the_deadline_goes_to_the_next_candidate() -> None:
    one = attempts(1, NOW + 1.5)
    assert one.next(replace(LIMITED, retry_after_s=2.0), NOW) == NextCandidate()


def test_a_limited_key_is_changed_without_waiting_for_it() -> None:
    found = attempts().next(replace(LIMITED, retry_after_s=60.0, other_keys=1), NOW)
    assert found == Retry(0.1, other_endpoint=False, other_key=True)


def test_a_dead_key_is_changed_at_once_and_each_key_is_tried_once() -> None:
    one = attempts()
    assert [one.next(replace(UNKNOWN_KEY, other_keys=n), NOW) for n in (2, 1, 0)] == [
        Retry(0.0, other_endpoint=False, other_key=True),
        Retry(0.0, other_endpoint=False, other_key=True),
        GiveUp(Why.CREDENTIALS),
    ]


def test_keys_that_come_back_meanwhile_are_not_tried_for_ever() -> None:
    one = attempts()
    outcome = replace(UNKNOWN_KEY, other_keys=1)
    assert isinstance(one.next(outcome, NOW), Retry)
    assert one.next(outcome, NOW) == GiveUp(Why.CREDENTIALS)


def test_one_dead_key_goes_to_the_next_candidate() -> None:
    assert attempts(others=1).next(UNKNOWN_KEY, NOW) == NextCandidate()


def test_a_clients_own_dead_credential_is_passed_on() -> None:
    outcome = replace(UNKNOWN_KEY, own_key=False)
    assert attempts(others=1).next(outcome, NOW) == GiveUp(Why.NOT_RETRIABLE)


def test_an_open_breaker_sends_on_only_while_there_is_another() -> None:
    assert attempts(others=1).next(replace(ERROR_500, is_open=True), NOW) == NextCandidate()
    assert isinstance(attempts().next(replace(ERROR_500, is_open=True), NOW), Retry)


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.SLOW, Fault.UNFIT])
def test_what_will_not_change_here_goes_to_the_next_candidate(fault: Fault) -> None:
    assert attempts(others=1).next(Outcome(Stage.BEFORE_CONTENT, fault), NOW) == NextCandidate()


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.SLOW, Fault.UNFIT])
def test_what_will_not_change_here_is_never_asked_here_again(fault: Fault) -> None:
    assert isinstance(attempts().next(Outcome(Stage.BEFORE_CONTENT, fault), NOW), GiveUp)


@pytest.mark.parametrize("fault", [Fault.INVALID, Fault.FILTERED])
def test_a_refusal_for_what_is_asked_is_passed_on(fault: Fault) -> None:
    found = attempts(others=3).next(Outcome(Stage.HEAD, fault, 400), NOW)
    assert found == GiveUp(Why.NOT_RETRIABLE)


def test_a_provider_can_forbid_a_retry_but_not_another_candidate() -> None:
    assert attempts(others=1).next(replace(ERROR_500, may_retry=False), NOW) == NextCandidate()


@pytest.mark.parametrize("fault", list(Fault))
def test_nothing_is_tried_after_the_commit_point(fault: Fault) -> None:
    found = attempts(others=3).next(Outcome(Stage.CONTENT, fault), NOW)
    assert found == GiveUp(Why.COMMITTED)


def test_nothing_is_tried_after_the_deadline() -> None:
    assert attempts(3, NOW).next(ERROR_500, NOW) == GiveUp(Why.DEADLINE)


def test_a_spent_budget_allows_the_next_candidate_only() -> None:
    one = attempts(1, NOW + 300, POLICY, Budget(0))
    assert one.next(ERROR_500, NOW) == NextCandidate()
    one.moved(POLICY, 0, (Budget(0),))
    assert one.next(ERROR_500, NOW) == GiveUp(Why.BUDGET)


def test_a_retry_that_one_budget_denies_costs_the_others_nothing() -> None:
    wide = Budget()
    attempts(0, NOW + 300, POLICY, wide, Budget(0)).next(ERROR_500, NOW)
    assert wide.taken == 0


def test_a_retry_is_charged_until_it_ends() -> None:
    budget = Budget()
    one = attempts(0, NOW + 300, POLICY, budget)
    one.next(ERROR_500, NOW)
    assert budget.taken == 1
    one.close()
    one.close()
    assert budget.taken == 0


OUTCOMES = st.builds(
    Outcome,
    stage=st.sampled_from(list(Stage)),
    fault=st.sampled_from(list(Fault)),
    retry_after_s=st.none() | st.floats(0, 20),
    may_retry=st.booleans(),
    own_key=st.booleans(),
    other_keys=st.integers(0, 3),
    other_endpoints=st.integers(0, 2),
    is_open=st.booleans(),
)


class Requests(RuleBasedStateMachine):
    """One request whose attempts fail in every way there is."""

    @initialize(
        others=st.integers(0, 3),
        num_retries=st.integers(0, 3),
        free=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    )
    def begin(self, others: int, num_retries: int, free: tuple[int, int]) -> None:
        self.policy = replace(POLICY, num_retries=num_retries)
        self.caller, self.cluster = Budget(free[0]), Budget(free[1])
        self.candidates = others + 1
        self.now = NOW
        self.deadline = NOW + 60
        self.one = Attempts(
            self.policy, others, self.deadline, Longest(), (self.caller, self.cluster)
        )
        self.here = self.rotated = 0
        self.moves = 0
        self.over = self.committed = False

    @precondition(lambda self: not self.over)
    @rule(outcome=OUTCOMES, took=st.floats(0, 30))
    def fails(self, outcome: Outcome, took: float) -> None:
        self.now += took
        self.committed = self.committed or outcome.stage is Stage.CONTENT
        match self.one.next(outcome, self.now):
            case Retry() as retry:
                assert outcome.fault in (
                    Fault.CONNECTION,
                    Fault.SERVER,
                    Fault.LIMITED,
                    Fault.MALFORMED,
                    Fault.CREDENTIAL,
                )
                assert self.now + retry.after_s < self.deadline
                assert (
                    retry.other_key
                    or retry.after_s >= (outcome.retry_after_s or 0.0)
                    or (outcome.fault is Fault.CREDENTIAL)
                )
                assert retry.after_s <= 10.0 + POLICY.back_off_max_s
                self.here += 1
                self.rotated += outcome.fault is Fault.CREDENTIAL
            case NextCandidate():
                self.moves += 1
                self.here = self.rotated = 0
                self.one.moved(
                    self.policy, self.candidates - 1 - self.moves, (self.caller, self.cluster)
                )
            case GiveUp():
                self.over = True
        assert not self.committed or self.over

    @rule()
    def ends(self) -> None:
        self.one.close()
        self.over = True

    @invariant()
    def attempts_are_bounded(self) -> None:
        if not hasattr(self, "one"):
            return
        assert self.here - self.rotated <= self.policy.num_retries
        assert self.rotated <= 3
        assert self.moves < self.candidates

    @invariant()
    def budgets_are_neither_negative_nor_leaked(self) -> None:
        if not hasattr(self, "one"):
            return
        assert 0 <= self.caller.taken <= 1
        assert self.caller.taken == self.cluster.taken
        assert not (self.over and self.caller.taken)


Requests.TestCase.settings = settings(max_examples=share_of(100), stateful_step_count=25)
TestRequests = Requests.TestCase
