"""How long to wait before trying again, so that a fleet does not come back as one wave."""

from typing import Protocol


class Chance(Protocol):
    """The part of random.Random this needs."""

    def uniform(self, a: float, b: float) -> float:
        """A number between a and b."""


class Backoff:
    """Full jitter: a random part of a span that doubles with each failure, up to a limit."""

    def __init__(self, chance: Chance, first_s: float = 0.1, longest_s: float = 5.0) -> None:
        self._chance = chance
        self._first_s = first_s
        self._longest_s = longest_s
        self._span = first_s

    def next(self) -> float:
        """Seconds to wait after one more failure."""
        span = self._span
        self._span = min(self._longest_s, span * 2.0)
        return self._chance.uniform(0.0, span)

    def succeeded(self) -> None:
        """Start again at the shortest wait."""
        self._span = self._first_s
