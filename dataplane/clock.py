"""Time as a value: whoever needs it gets a Clock, so tests can hand out their own."""

import time
from typing import Protocol


class Clock(Protocol):
    """Where seconds come from."""

    def now(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""

    def wall(self) -> float:
        """Seconds since 1970, for records that people read."""


class MonotonicClock:
    """The real clock."""

    now = staticmethod(time.monotonic)  # in C: it is read three times per request
    """See Clock."""

    def wall(self) -> float:
        """See Clock."""
        return time.time()  # noqa: TID251 - the one place that reads the wall clock
