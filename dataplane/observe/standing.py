"""The metrics of what a worker knows of its clusters."""

from dataplane.observe.metrics import Metrics
from dataplane.resilience.standing import Standing, Standings

_BY = ("cluster",)
_BY_REASON = ("cluster", "reason")


def lend(metrics: Metrics, standings: Standings) -> None:
    """Have metrics tell of breakers and retries."""
    metrics.gauge(
        "outrider_breaker_open",
        "1 while a cluster is not asked, or by one request only; each worker has its own breaker.",
        _BY,
        lambda: standings.each(_is_open),
    )
    metrics.counter(
        "outrider_breaker_opened_total",
        "Times that a cluster's failures opened its breaker.",
        _BY,
        lambda: standings.each(lambda one: one.breaker.opened_total),
    )
    metrics.gauge(
        "outrider_retries_active",
        "Retries under way, as budgets count them; 0 when nothing is.",
        _BY,
        lambda: standings.each(lambda one: one.retries.running),
    )
    metrics.counter(
        "outrider_retry_budget_denied_total",
        "Retries that were not made because too many were running, of the cluster or the caller.",
        _BY,
        lambda: standings.each(lambda one: one.retries.denied),
    )
    metrics.counter(
        "outrider_retries_total",
        "Attempts that failed for a reason and were followed by another one there.",
        _BY_REASON,
        lambda: standings.each_word(lambda one: one.retried),
    )
    metrics.counter(
        "outrider_failovers_total",
        "Attempts that failed for a reason and were followed by one of the next candidate.",
        _BY_REASON,
        lambda: standings.each_word(lambda one: one.failovers),
    )
    metrics.counter(
        "outrider_hedges_total",
        "Second attempts beside a first one, by which was heard: first, second or none of them.",
        ("cluster", "winner"),
        lambda: standings.each_word(lambda one: one.hedges),
    )
    metrics.counter(
        "outrider_wasted_tokens_total",
        "Tokens that attempts have cost which were thrown away, as estimated.",
        _BY,
        lambda: standings.each(lambda one: one.wasted_tokens),
    )


def open_breakers(standings: Standings) -> set[str]:
    """Clusters that are not asked now, or by one request only."""
    return {name for (name,), is_open in standings.each(_is_open).items() if is_open}


def _is_open(one: Standing) -> float:
    return one.breaker.is_open or one.breaker.is_limited
