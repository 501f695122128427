import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dataplane.balancing.thresholds import Overflow, Usage
from dataplane.runtime.cluster import Thresholds


@pytest.mark.parametrize(
    ("limits", "asked", "refused"),
    [
        (Thresholds(max_requests=0), {"retry": False}, Overflow.REQUESTS),
        (Thresholds(max_connections=2), {"retry": False, "fresh": True, "connections": 1}, None),
        (
            Thresholds(max_connections=2),
            {"retry": False, "fresh": True, "connections": 2},
            Overflow.CONNECTIONS,
        ),
        (Thresholds(max_connections=2), {"retry": False, "connections": 2}, None),
        (
            Thresholds(max_pending_requests=1),
            {"retry": False, "fresh": True, "connections": 1, "pending": 1},
            Overflow.PENDING,
        ),
        (Thresholds(max_retries=0), {"retry": True}, None),
    ],
    ids=["requests", "room", "connections", "kept", "pending", "budget_alone"],
)
def test_what_is_used_up_is_refused_and_counted(
    limits: Thresholds, asked: dict[str, int], refused: Overflow | None
) -> None:
    usage = Usage(limits)
    assert usage.overflow(**asked) is refused  # type: ignore[arg-type]  # a table's shorthand
    assert sum(usage.overflows.values()) == (refused is not None)


def test_smaller_limits_hold_for_what_comes() -> None:
    usage = Usage(Thresholds())
    usage.begin(retry=False)
    usage.limits(Thresholds(max_requests=1))
    assert usage.overflow(retry=False) is Overflow.REQUESTS
    usage.end(retry=False)
    assert usage.overflow(retry=False) is None


class UsageMachine(RuleBasedStateMachine):
    """Never more than the limits, never less than nothing, nothing lost."""

    @initialize(requests=st.integers(0, 5), retries=st.integers(0, 3))
    def begin(self, requests: int, retries: int) -> None:
        self.limits = Thresholds(max_requests=requests, max_retries=retries)
        self.usage = Usage(self.limits)
        self.running: list[bool] = []
        self.refused = 0

    @rule(retry=st.booleans())
    def ask(self, retry: bool) -> None:
        if self.usage.overflow(retry=retry) is None:
            self.usage.begin(retry=retry)
            self.running.append(retry)
        else:
            self.refused += 1

    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        if self.running:
            at = data.draw(st.integers(0, len(self.running) - 1))
            self.usage.end(retry=self.running.pop(at))

    @invariant()
    def counts_are_right(self) -> None:
        if not hasattr(self, "usage"):
            return
        assert self.usage.requests == len(self.running) <= self.limits.max_requests
        assert self.usage.retries == sum(self.running)
        assert not self.limits.max_retries or self.usage.retries <= self.limits.max_retries
        assert sum(self.usage.overflows.values()) == self.refused


TestUsage = UsageMachine.TestCase
