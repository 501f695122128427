"""`retry` blocks: what no single key shows."""

from collections.abc import Iterator

from controlplane.config import schema
from controlplane.config.problem import Path
from controlplane.config.rules.findings import Findings
from controlplane.config.schema_retry import Retry
from controlplane.config.values import duration_ms

LONGEST_BACK_OFF = "2s"
"""When a block says nothing (RetryPolicy.back_off_max_s)."""


def check(config: schema.Config, findings: Findings) -> None:
    """Every `retry` block."""
    for path, block in blocks(config):
        _check(path, block, findings)
    for at, one in enumerate(config.agents):
        _check_hedge(("agents", at), one.retry, findings)
    for index, listener in enumerate(config.listeners):
        if listener.type == "agent":
            _check_hedge(("listeners", index), listener.retry, findings)
        own = listener.retry.num_retries if listener.retry is not None else None
        if own is not None and listener.max_retries is not None:
            path = ("listeners", index, "max_retries")
            findings.add(path, "retry.num_retries says the same", "give only one of them")


def blocks(config: schema.Config) -> Iterator[tuple[Path, Retry]]:
    """Every `retry` block and where it stands."""
    entries: list[tuple[Path, Retry | None]] = []
    if config.defaults is not None:
        entries.append((("defaults",), config.defaults.retry))
    entries += [(("listeners", i), one.retry) for i, one in enumerate(config.listeners)]
    entries += [(("agents", i), one.retry) for i, one in enumerate(config.agents)]
    entries += [(("model_providers", i), one.retry) for i, one in enumerate(config.model_providers)]
    entries += [(("model_aliases", name), one.retry) for name, one in config.model_aliases.items()]
    for path, block in entries:
        if block is not None:
            yield (*path, "retry"), block


def _check_hedge(path: Path, block: Retry | None, findings: Findings) -> None:
    if block is not None and block.hedge is not None:
        told = "agents are never asked twice at the same time, as they may act"
        findings.add((*path, "retry", "hedge"), told, "leave it out")


def _check(path: Path, block: Retry, findings: Findings) -> None:
    pace = block.min_throughput
    if (
        pace is not None
        and pace.bytes_per_second is not None
        and pace.tokens_per_second is not None
    ):
        hint = "give only one of them"
        findings.add((*path, "min_throughput"), "is given in bytes and in tokens", hint)
    back_off = block.back_off
    if back_off is not None and back_off.base_interval is not None:
        longest = back_off.max_interval or LONGEST_BACK_OFF
        if duration_ms(back_off.base_interval) > duration_ms(longest):
            told = f"{back_off.base_interval!r} is longer than the longest span, {longest!r}"
            where = (*path, "back_off", "base_interval")
            findings.add(where, told, "raise max_interval")
    if block.first_token_timeout is not None and block.hedge is not None and block.hedge.after:
        limit = block.first_token_timeout
        if duration_ms(block.hedge.after) >= duration_ms(limit):
            told = f"{block.hedge.after!r} never comes: first_token_timeout ends it at {limit!r}"
            findings.add((*path, "hedge", "after"), told, "make it shorter than that")
