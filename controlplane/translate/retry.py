"""`retry` blocks -> messages of what they say; levels are laid over one another by MergeFrom."""

from outriderpb.v1 import retry_pb2

from controlplane.config import schema
from controlplane.config.schema_retry import Retry
from controlplane.config.values import duration_ms

RECOVERIES = {
    "continue": retry_pb2.STREAM_RECOVERY_CONTINUE,
    "resume": retry_pb2.STREAM_RECOVERY_RESUME,
    "error": retry_pb2.STREAM_RECOVERY_ERROR,
}


def route_retry(
    config: schema.Config, listener: schema.Listener, alias: Retry | None = None
) -> retry_pb2.RetryPolicy | None:
    """What holds for a route: the defaults, under the listener's, under the alias's own."""
    policy = retry_pb2.RetryPolicy()
    if config.defaults is not None:
        policy.MergeFrom(retry(config.defaults.retry))
    if listener.max_retries is not None:
        policy.num_retries = listener.max_retries
    policy.MergeFrom(retry(listener.retry))
    policy.MergeFrom(retry(alias))
    return policy if policy.ByteSize() else None


def own_retry(block: Retry | None) -> retry_pb2.RetryPolicy | None:
    """What a provider or an agent says itself: data planes lay it over that of the route."""
    policy = retry(block)
    return policy if policy.ByteSize() else None


def retry(block: Retry | None) -> retry_pb2.RetryPolicy:
    """What one block says and nothing else."""
    if block is None:
        return retry_pb2.RetryPolicy()
    policy = retry_pb2.RetryPolicy(
        num_retries=block.num_retries,
        per_try_timeout_ms=_ms(block.per_try_timeout),
        idle_timeout_ms=_ms(block.idle_timeout),
        first_token_timeout_ms=_ms(block.first_token_timeout),
        max_retry_after_ms=_ms(block.max_retry_after),
    )
    if block.stream_recovery is not None:
        policy.stream_recovery = RECOVERIES[block.stream_recovery]
    _nested(block, policy)
    return policy


def _nested(block: Retry, policy: retry_pb2.RetryPolicy) -> None:
    pace, back_off, budget, hedge = (
        block.min_throughput,
        block.back_off,
        block.retry_budget,
        block.hedge,
    )
    if pace is not None:
        policy.min_throughput.MergeFrom(
            retry_pb2.MinThroughput(
                bytes_per_second=pace.bytes_per_second,
                tokens_per_second=pace.tokens_per_second,
                window_ms=_ms(pace.window),
            )
        )
    if back_off is not None:
        policy.back_off.MergeFrom(
            retry_pb2.BackOff(
                base_interval_ms=_ms(back_off.base_interval),
                max_interval_ms=_ms(back_off.max_interval),
            )
        )
    if budget is not None:
        policy.retry_budget.MergeFrom(
            retry_pb2.RetryBudget(
                budget_percent=budget.budget_percent,
                min_retry_concurrency=budget.min_retry_concurrency,
            )
        )
    if hedge is not None:
        policy.hedge.MergeFrom(
            retry_pb2.Hedge(
                after_ms=_ms(hedge.after), max_tokens=hedge.max_tokens, tools=hedge.tools
            )
        )


def _ms(text: str | None) -> int | None:
    return duration_ms(text) if text is not None else None
