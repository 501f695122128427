"""How hard a request is tried: one policy for each route, and for providers that have their own.

The rule: a policy says how often and how long; what may be tried again at all is not configurable
(dataplane/resilience/retry.py), because that is a matter of being right.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any


class Recovery(Enum):
    """What becomes of a stream that breaks after the client has a part of it."""

    __hash__ = object.__hash__

    CONTINUE = "continue"
    """The next candidate goes on from what was delivered; where none can, as RESUME."""
    RESUME = "resume"
    """Asked afresh, and gone on with as long as it repeats what was delivered; else as ERROR."""
    ERROR = "error"
    """The protocol's own error event and no success terminator."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How hard a request is tried. Of durations, 0 means none."""

    num_retries: int = 2
    """Attempts after the first, on one candidate; then the next candidate. Envoy's default is 1."""
    per_try_timeout_s: float = 0.0
    """For an attempt to give its first content, from when it was sent."""
    idle_timeout_s: float = 60.0
    """Without a byte of the answer, at any time of it."""
    first_token_timeout_s: float = 0.0
    """Of streams: from the head of the answer to its first content."""
    min_bytes_per_second: float = 0.0
    """A stream that gives less over a window is given up; 0: any pace is good."""
    min_tokens_per_second: float = 0.0
    """The same, in tokens."""
    throughput_window_s: float = 10.0
    back_off_base_s: float = 0.1
    """The first wait is a random part of this; each later one of twice as much."""
    back_off_max_s: float = 2.0
    max_retry_after_s: float = 10.0
    """The longest that a provider's Retry-After is waited for; longer ones go to the next
    candidate.
    """
    budget_percent: float = 20.0
    """Retries at the same time, of the requests that are active. Envoy's default."""
    min_retry_concurrency: int = 3
    """Retries at the same time that are always allowed. Envoy's default."""
    hedge_after_s: float = 0.0
    """Without content for so long, a second attempt is made beside the first; 0: never."""
    hedge_max_tokens: int = 8192
    """Requests that may cost more (prompt and answer, estimated) are not hedged."""
    hedge_tools: bool = False
    """Whether requests with tools are hedged, too."""
    stream_recovery: Recovery = Recovery.CONTINUE


DEFAULT = RetryPolicy()

Changes = tuple[tuple[str, Any], ...]
"""Fields of a RetryPolicy that somebody says, with their values."""


def laid_over(policy: RetryPolicy, changes: Changes) -> RetryPolicy:
    """A policy with what a provider or an agent says itself."""
    return replace(policy, **dict(changes)) if changes else policy
