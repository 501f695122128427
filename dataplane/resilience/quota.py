"""A token bucket: what comes back at a steady rate, up to what it holds.

The rule: `take` never makes it negative. `owe` may: what was used beyond what was taken is paid
back before anything is given again.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Granted:
    """It was taken."""


@dataclass(frozen=True, slots=True)
class Wait:
    """It was not; it will be there after so long if nobody else takes it. Infinite: never."""

    seconds: float


GRANTED = Granted()
NEVER = Wait(float("inf"))


class Bucket:
    """Times are on one clock that never goes back, in seconds."""

    __slots__ = ("_at", "_level", "capacity", "rate")

    def __init__(
        self, capacity: float, rate: float, now: float, level: float | None = None
    ) -> None:
        """Full, unless its `level` is told; `rate` is what comes back in a second."""
        self.capacity = capacity
        self.rate = rate
        self._at = now
        self._level = capacity if level is None else min(level, capacity)

    def level(self, now: float) -> float:
        """What is there; negative: owed."""
        if now > self._at:
            self._level = min(self.capacity, self._level + self.rate * (now - self._at))
            self._at = now
        return self._level

    def take(self, n: float, now: float) -> Granted | Wait:
        """Take it all or nothing."""
        if n > self.capacity:
            return NEVER
        level = self.level(now)
        if level >= n:
            self._level = level - n
            return GRANTED
        return Wait((n - level) / self.rate) if self.rate > 0 else NEVER

    def give_back(self, n: float) -> None:
        """What was taken and not used; what does not fit any more is gone."""
        self._level = min(self.capacity, self._level + n)

    def owe(self, n: float) -> None:
        """What was used without having been taken."""
        self._level -= n
