"""Which of a provider's several keys is used next, known to all listeners of a worker."""

from dataplane.resilience.keys import Keys
from dataplane.runtime.config import ModelProvider


class KeyRings:
    """Keeps what is known of keys as long as their provider says the same."""

    def __init__(self) -> None:
        self._rings: dict[str, tuple[ModelProvider, Keys]] = {}

    def of(self, provider: ModelProvider) -> Keys | None:
        """The keys of a provider that has several; else None."""
        if len(provider.access_keys) < 2 or provider.passthrough_auth:
            return None
        before, keys = self._rings.get(provider.name, (None, None))
        if keys is None or before != provider:
            keys = Keys(len(provider.access_keys))
        self._rings[provider.name] = provider, keys
        return keys

    def resting(self, now: float) -> dict[tuple[str, ...], float]:
        """How many keys are not used now, by name of the provider: a metric."""
        return {(name,): float(keys.resting(now)) for name, (_, keys) in self._rings.items()}


def seconds_of(retry_after: bytes) -> float | None:
    """The seconds of a Retry-After; None for dates and nonsense."""
    try:
        seconds = float(retry_after)
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
