import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dataplane.balancing.thresholds import Overflow, RetryLimit, Usage
from dataplane.runtime.cluster import Thresholds


@pytest.mark.parametrize(
    ("limits", "asked", "refused"),
    [
        (Thresholds(max_requests=0), {}, Overflow.REQUESTS),
        (Thresholds(max_connections=2), {"fresh": True, "connections": 1}, None),
        (Thresholds(max_connections=2), {"fresh": True, "connections": 2}, Overflow.CONNECTIONS),
        (Thresholds(max_connections=2), {"connections": 2}, None),
        (
            Thresholds(max_pending_requests=1),
            {"fresh": True, "connections": 1, "pending": 1},
            Overflow.PENDING,
        ),
    ],
    ids=["requests", "room", "connections", "kept", "pending"],
)
def test_what_is_used_up_is_refused_and_counted(
    limits: Thresholds, asked: dict[str, int], refused: Overflow | None
) -> None:
    usage = Usage(limits)
    assert usage.overflow(**asked) is refused  # type: ignore[arg-type]  # a table's shorthand
    assert sum(usage.overflows.values()) == (refused is not None)


def test_smaller_limits_hold_for_what_comes() -> None:
    usage = Usage(Thresholds())
    usage.begin()
    usage.limits = Thresholds(max_requests=1)
    assert usage.overflow() is Overflow.REQUESTS
    usage.end()
    assert usage.overflow() is None


class UsageMachine(RuleBasedStateMachine):
    """Never more than the limits, never less than nothing, nothing lost."""

    @initialize(requests=st.integers(0, 5), retries=st.integers(1, 3))
    def begin(self, requests: int, retries: int) -> None:
        self.limits = Thresholds(max_requests=requests, max_retries=retries)
        self.usage = Usage(self.limits)
        self.running = 0
        self.retrying: list[RetryLimit] = []
        self.refused = 0

    @rule()
    def ask(self) -> None:
        if self.usage.overflow() is None:
            self.usage.begin()
            self.running += 1
        else:
            self.refused += 1

    @rule()
    def end(self) -> None:
        if self.running:
            self.usage.end()
            self.running -= 1

    @rule()
    def retry(self) -> None:
        limit = RetryLimit(self.usage)
        if limit.take():
            self.retrying.append(limit)
        else:
            self.refused += 1

    @rule(data=st.data())
    def end_retry(self, data: st.DataObject) -> None:
        if self.retrying:
            self.retrying.pop(data.draw(st.integers(0, len(self.retrying) - 1))).give_back()

    @invariant()
    def counts_are_right(self) -> None:
        if not hasattr(self, "usage"):
            return
        assert self.usage.requests == self.running <= self.limits.max_requests
        assert self.usage.retries == len(self.retrying) <= self.limits.max_retries
        assert sum(self.usage.overflows.values()) == self.refused


TestUsage = UsageMachine.TestCase
