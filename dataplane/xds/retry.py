"""How hard requests are tried, of the wire -> dataplane/runtime/retry.py.

The rule: what is not said keeps the value of the level below, and what this data plane does not
know of a policy is refused, because a guess would try again what must not be.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from outriderpb.v1 import agent_pb2, model_pb2, retry_pb2, route_pb2

from dataplane.runtime.retry import DEFAULT, Changes, Recovery, RetryPolicy, laid_over
from dataplane.xds.fields import BadFieldError

RECOVERIES: Mapping[int, Recovery] = {
    retry_pb2.STREAM_RECOVERY_CONTINUE: Recovery.CONTINUE,
    retry_pb2.STREAM_RECOVERY_RESUME: Recovery.RESUME,
    retry_pb2.STREAM_RECOVERY_ERROR: Recovery.ERROR,
}
MOST_RETRIES = 100
"""Of one candidate: more is a mistake of whoever made the resource."""


def route_policy(m: route_pb2.Route) -> RetryPolicy:
    """What holds for a route. Raises BadFieldError."""
    if not m.HasField("retry"):
        return DEFAULT  # the same object: a thousand routes have one
    return laid_over(DEFAULT, tuple(_changes(m.retry)))


def changes(m: agent_pb2.Agent | model_pb2.ModelProvider) -> Changes:
    """What a provider or an agent says itself. Raises BadFieldError."""
    return tuple(_changes(m.retry)) if m.HasField("retry") else ()


def _changes(m: retry_pb2.RetryPolicy) -> Iterator[tuple[str, Any]]:
    if m.num_retries > MOST_RETRIES:
        raise BadFieldError(f"num_retries {m.num_retries} is more than {MOST_RETRIES}")
    if not 0.0 <= m.retry_budget.budget_percent <= 100.0:
        percent = m.retry_budget.budget_percent
        raise BadFieldError(f"budget_percent {percent} is not between 0 and 100")
    for part, names in _FIELDS:
        message = getattr(m, part) if part else m
        for field, name, scale in names:
            if message.HasField(field):
                value = getattr(message, field)
                yield name, value / scale if scale else value
    rate = m.min_throughput.WhichOneof("rate")
    if rate is not None:
        if not getattr(m.min_throughput, rate) >= 0.0:
            raise BadFieldError(f"min_throughput {getattr(m.min_throughput, rate)} is negative")
        in_bytes = rate == "bytes_per_second"
        yield "min_bytes_per_second", m.min_throughput.bytes_per_second if in_bytes else 0.0
        yield "min_tokens_per_second", 0.0 if in_bytes else m.min_throughput.tokens_per_second
    if m.stream_recovery != retry_pb2.STREAM_RECOVERY_UNSPECIFIED:
        recovery = RECOVERIES.get(m.stream_recovery)
        if recovery is None:
            raise BadFieldError(f"stream_recovery {m.stream_recovery} is not known here")
        yield "stream_recovery", recovery


# Part of the message, and of each of its fields: its name, that of ours, and by what to divide.
_FIELDS: tuple[tuple[str, tuple[tuple[str, str, int], ...]], ...] = (
    (
        "",
        (
            ("num_retries", "num_retries", 0),
            ("per_try_timeout_ms", "per_try_timeout_s", 1000),
            ("idle_timeout_ms", "idle_timeout_s", 1000),
            ("first_token_timeout_ms", "first_token_timeout_s", 1000),
            ("max_retry_after_ms", "max_retry_after_s", 1000),
        ),
    ),
    ("min_throughput", (("window_ms", "throughput_window_s", 1000),)),
    (
        "back_off",
        (
            ("base_interval_ms", "back_off_base_s", 1000),
            ("max_interval_ms", "back_off_max_s", 1000),
        ),
    ),
    (
        "retry_budget",
        (
            ("budget_percent", "budget_percent", 0),
            ("min_retry_concurrency", "min_retry_concurrency", 0),
        ),
    ),
    (
        "hedge",
        (
            ("after_ms", "hedge_after_s", 1000),
            ("max_tokens", "hedge_max_tokens", 0),
            ("tools", "hedge_tools", 0),
        ),
    ),
)
