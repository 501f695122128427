"""How fast providers have been lately, as this worker has seen it.

Rule: what was seen long ago says nothing, so that a provider that was slow once is tried again.
"""

from collections.abc import Callable

WEIGHT = 0.2
"""Of the newest value: after ten the first one counts a tenth."""
FRESH_S = 300.0


class Latencies:
    """Seconds to the first byte by provider, streams apart from answers in one piece."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.wanted = False
        """Whether anybody ranks by it; else nobody need measure."""
        self._seen: dict[tuple[str, bool], tuple[float, float]] = {}

    def saw(self, provider: str, stream: bool, seconds: float) -> None:
        """One good answer."""
        key = (provider, stream)
        now = self._now()
        mean, when = self._seen.get(key, (seconds, now))
        if now - when > FRESH_S:
            mean = seconds
        self._seen[key] = (mean + WEIGHT * (seconds - mean), now)

    def table(self, stream: bool) -> dict[str, float]:
        """Providers that have answered lately."""
        oldest = self._now() - FRESH_S
        return {
            provider: mean
            for (provider, streamed), (mean, when) in self._seen.items()
            if streamed is stream and when >= oldest
        }

    def keep(self, providers: frozenset[str]) -> None:
        """Forget all others: they are gone from the configuration."""
        self._seen = {key: value for key, value in self._seen.items() if key[0] in providers}
