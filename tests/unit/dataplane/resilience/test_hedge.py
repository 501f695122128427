from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dataplane.resilience.budget import RetryBudget, RetryCount
from dataplane.resilience.hedge import Hedge, Racer
from dataplane.runtime.retry import RetryPolicy
from tests.support.examples import share_of

NOW = 1000.0
POLICY = RetryPolicy(hedge_after_s=2.0, hedge_max_tokens=1000, min_retry_concurrency=1)
DUE = NOW + 2.0


def hedge(count: RetryCount | None = None) -> Hedge:
    return Hedge(POLICY, NOW, (RetryBudget(count or RetryCount(lambda: 0), POLICY),))


def test_nothing_is_hedged_unless_the_policy_says_when() -> None:
    assert not Hedge.wanted(RetryPolicy(), 10, has_tools=False)
    assert Hedge.wanted(POLICY, 10, has_tools=False)


def test_what_may_cost_too_much_is_not_hedged() -> None:
    assert not Hedge.wanted(POLICY, 1001, has_tools=False)


def test_requests_with_tools_are_hedged_only_when_that_is_said() -> None:
    assert not Hedge.wanted(POLICY, 10, has_tools=True)
    assert Hedge.wanted(replace(POLICY, hedge_tools=True), 10, has_tools=True)


def test_the_second_is_sent_once_and_when_due() -> None:
    one = hedge()
    assert [one.fire(DUE - 0.1), one.fire(DUE), one.fire(DUE + 1)] == [False, True, False]


def test_the_second_is_not_sent_without_room_for_a_retry() -> None:
    count = RetryCount(lambda: 0)
    count.running = 1
    assert not hedge(count).fire(DUE)


def test_the_second_is_not_sent_when_the_first_is_over() -> None:
    one = hedge()
    assert not one.failed(Racer.FIRST)
    assert not one.fire(DUE)


def test_the_first_with_content_wins_and_the_other_is_cancelled() -> None:
    one = hedge()
    one.fire(DUE)
    assert one.content(Racer.SECOND) is Racer.FIRST
    assert one.winner is Racer.SECOND


def test_a_winner_without_a_rival_cancels_nobody() -> None:
    assert hedge().content(Racer.FIRST) is None


def test_one_that_fails_leaves_the_race_to_the_other() -> None:
    one = hedge()
    one.fire(DUE)
    assert one.failed(Racer.FIRST)
    assert one.content(Racer.SECOND) is None


class Race(RuleBasedStateMachine):
    """One race in every order of its events."""

    def __init__(self) -> None:
        super().__init__()
        self.count = RetryCount(lambda: 0)
        self.one = hedge(self.count)
        self.now = NOW
        self.running = {Racer.FIRST}
        self.fired = 0
        self.over = False

    @precondition(lambda self: not self.over)
    @rule(seconds=st.floats(0, 3))
    def waits(self, seconds: float) -> None:
        self.now += seconds
        if self.one.fire(self.now):
            self.fired += 1
            self.running.add(Racer.SECOND)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def fails(self, data: st.DataObject) -> None:
        racer = data.draw(st.sampled_from(sorted(self.running, key=str)))
        self.running.discard(racer)
        assert self.one.failed(racer) is bool(self.running)
        self.over = not self.running

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def speaks(self, data: st.DataObject) -> None:
        racer = data.draw(st.sampled_from(sorted(self.running, key=str)))
        loser = self.one.content(racer)
        assert ({loser} if loser else set()) == self.running - {racer}
        self.running = set()
        self.over = True

    @rule()
    def client_leaves(self) -> None:
        self.one.close()
        self.running = set()
        self.over = True

    @invariant()
    def there_is_at_most_one_more_and_it_is_paid_for(self) -> None:
        assert self.fired <= 1
        assert self.count.running == (Racer.SECOND in self.running)


Race.TestCase.settings = settings(max_examples=share_of(60))
TestRace = Race.TestCase
