"""When an attempt has been waited for long enough.

The rule: one deadline for the whole request, and within it limits of the attempt. Whoever waits
sets one timer, to the earliest of them; what it means when it comes is told with it. An answer that
is not a stream has nothing to show before it is whole, so silence before its head is no sign.
"""

from dataclasses import dataclass

from dataplane.runtime.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class Limit:
    """When to stop waiting."""

    at: float
    """On the clock that the facts were told by."""
    is_deadline: bool
    """The whole request is over; else this attempt was silent (Fault.SILENT)."""


def before_head(policy: RetryPolicy, sent_at: float, deadline: float, *, stream: bool) -> Limit:
    """While nothing of an answer has come."""
    at = sent_at + policy.idle_timeout_s if stream and policy.idle_timeout_s else deadline
    if policy.per_try_timeout_s:
        at = min(at, sent_at + policy.per_try_timeout_s)
    return _earlier(at, deadline)


def before_content(
    policy: RetryPolicy, sent_at: float, head_at: float, read_at: float, deadline: float
) -> Limit:
    """While a stream has a head and no content; `read_at` is when its last bytes came."""
    at = deadline
    if policy.per_try_timeout_s:
        at = min(at, sent_at + policy.per_try_timeout_s)
    if policy.first_token_timeout_s:
        at = min(at, head_at + policy.first_token_timeout_s)
    if policy.idle_timeout_s:
        at = min(at, read_at + policy.idle_timeout_s)
    return _earlier(at, deadline)


def in_content(policy: RetryPolicy, read_at: float, deadline: float) -> Limit:
    """While content flows."""
    return _earlier(
        read_at + policy.idle_timeout_s if policy.idle_timeout_s else deadline, deadline
    )


def _earlier(at: float, deadline: float) -> Limit:
    return Limit(at, is_deadline=False) if at < deadline else Limit(deadline, is_deadline=True)
