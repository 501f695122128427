"""What is tried after a failed attempt: made for the few requests that have one."""

from typing import TYPE_CHECKING

from dataplane.resilience.retry import Attempts
from dataplane.runtime.fault import Fault

if TYPE_CHECKING:
    from asyncio import TimerHandle
    from collections.abc import Sequence

    from dataplane.resilience.hedge import Hedge
    from dataplane.resilience.standing import Standing
    from dataplane.server.candidates import Candidate
    from dataplane.server.race import Race

MAX_TOLD = 16
"""Failures that the log tells of one request."""


class Trials:
    """The attempts of one request that has failed at least once."""

    __slots__ = ("_timer", "_waits_for", "attempts", "failures", "hedge", "race", "wasted_tokens")

    def __init__(self, attempts: Attempts, passed_over: "Sequence[str]") -> None:
        self.attempts = attempts
        self.failures = [*passed_over]
        """For log and trace: who failed, and how."""
        self.wasted_tokens = 0
        self._timer: TimerHandle | None = None
        """When the next attempt begins."""
        self._waits_for: Standing | None = None
        self.race: Race | None = None
        """While two attempts run."""
        self.hedge: Hedge | None = None
        """What allowed them."""

    def failed(self, candidate: "Candidate", fault: Fault, status: int, wasted: int) -> None:
        """Remember an attempt, and the tokens it has cost."""
        self.wasted_tokens += wasted
        if len(self.failures) < MAX_TOLD:
            self.failures.append(f"{candidate.name}: {status or fault.value}")

    def lost(self, told: str, wasted: int) -> None:
        """An attempt was not waited for."""
        self.failures.append(told)
        self.wasted_tokens += wasted

    def wait(self, timer: "TimerHandle", standing: "Standing") -> None:
        """The next attempt begins when a timer ends; its cluster counts the request until then."""
        self._timer = timer
        self._waits_for = standing
        standing.waiting += 1

    def waited(self) -> None:
        """The timer has ended, or nobody waits any more."""
        standing, self._waits_for = self._waits_for, None
        if standing is not None:
            standing.waiting -= 1

    def close(self) -> None:
        """The request is over."""
        if self._timer is not None:
            self._timer.cancel()
        self.waited()
        self.attempts.close()
        if self.hedge is not None:
            self.hedge.close()
