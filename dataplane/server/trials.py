"""What is tried after a failed attempt: made for the few requests that have one."""

from typing import TYPE_CHECKING

from dataplane.resilience.retry import Attempts
from dataplane.runtime.fault import Fault

if TYPE_CHECKING:
    from asyncio import TimerHandle

    from dataplane.server.candidates import Candidate

MAX_TOLD = 16
"""Failures that the log tells of one request."""


class Trials:
    """The attempts of one request that has failed at least once."""

    __slots__ = ("attempts", "failures", "timer")

    def __init__(self, attempts: Attempts) -> None:
        self.attempts = attempts
        self.failures: list[str] = []
        """For log and trace: who failed, and how."""
        self.timer: TimerHandle | None = None
        """When the next attempt begins."""

    def failed(self, candidate: "Candidate", fault: Fault, status: int) -> None:
        """Remember an attempt."""
        if len(self.failures) < MAX_TOLD:
            self.failures.append(f"{candidate.name}: {status or fault.value}")

    def close(self) -> None:
        """The request is over."""
        if self.timer is not None:
            self.timer.cancel()
        self.attempts.close()
