"""Limits, and Plano's ratelimits -> limit resources; where they are kept -> its one resource."""

from collections.abc import Iterator

from outriderpb.v1 import limit_pb2

from controlplane.config import schema, schema_auth, schema_limits, schema_plan
from controlplane.config.values import MAX_WINDOW_MS, duration_ms, window_ms
from controlplane.snapshot.resource import Named, ResourceType
from controlplane.translate.secrets import secret

STORAGE = "limits_storage"
NANO = 1_000_000_000
"""Cost is counted in billionths of a US dollar."""
RUN_GRACE_MS = 60_000
"""How long the budget of a run is known after its deadline: its agents may be calling models."""
UNITS_MS = {"second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
_COUNTS = {
    "requests": limit_pb2.MEASURE_REQUESTS,
    "tokens": limit_pb2.MEASURE_TOKENS,
    "input_tokens": limit_pb2.MEASURE_INPUT_TOKENS,
    "output_tokens": limit_pb2.MEASURE_OUTPUT_TOKENS,
}
_PARTS = {
    "key": limit_pb2.LIMIT_PART_KEY,
    "tenant": limit_pb2.LIMIT_PART_TENANT,
    "model": limit_pb2.LIMIT_PART_MODEL,
    "listener": limit_pb2.LIMIT_PART_LISTENER,
    "route": limit_pb2.LIMIT_PART_ROUTE,
    "header": limit_pb2.LIMIT_PART_HEADER,
}
_MODES = {"enforce": limit_pb2.LIMIT_MODE_ENFORCE, "shadow": limit_pb2.LIMIT_MODE_SHADOW}
_UNKNOWN = {"refuse": limit_pb2.UNKNOWN_PRICE_REFUSE, "free": limit_pb2.UNKNOWN_PRICE_FREE}
_FAILURES = {
    "share": limit_pb2.STORE_FAILURE_SHARE,
    "open": limit_pb2.STORE_FAILURE_OPEN,
    "closed": limit_pb2.STORE_FAILURE_CLOSED,
}


def limits(config: schema.Config) -> Iterator[Named]:
    """Every limit, and where they are kept when that is not here."""
    for limit in config.limits:
        yield Named(ResourceType.LIMIT, limit.name, _limit(limit))
    for key in config.api_keys:
        if key.limits is not None:
            name = f"api_keys[{key.name}]"
            yield Named(ResourceType.LIMIT, name, _of_key(name, key.name, key.limits))
    for index, old in enumerate(config.ratelimits):
        name = f"ratelimits[{index}]"
        yield Named(ResourceType.LIMIT, name, _plano(name, old))
    for listener in config.listeners:
        if listener.type == "agent" and listener.plan.budget != schema_plan.RunBudget():
            message = _of_runs(listener)
            yield Named(ResourceType.LIMIT, message.name, message)
    storage = config.limits_storage
    if storage is not None and storage.url is not None:
        where = limit_pb2.LimitsStorage(
            redis=secret(storage.url), on_failure=_FAILURES[storage.on_failure]
        )
        yield Named(ResourceType.LIMITS_STORAGE, STORAGE, where)


def _limit(limit: schema_limits.Limit) -> limit_pb2.Limit:
    scope = limit.scope
    return limit_pb2.Limit(
        name=limit.name,
        scope=limit_pb2.LimitScope(
            listeners=scope.listeners,
            models=scope.models,
            routes=scope.routes,
            keys=scope.keys,
            tenants=scope.tenants,
            headers={name.lower(): pattern for name, pattern in scope.headers.items()},
        ),
        per=[_per(part) for part in limit.per],
        amounts=_amounts(limit),
        mode=_MODES[limit.mode],
        tenant_header=(limit.tenant_header or "").lower(),
        default_output_tokens=limit.default_output_tokens,
        unknown_price=_UNKNOWN[limit.on_unknown_price],
    )


def _of_key(name: str, key: str, limits: schema_auth.KeyLimits) -> limit_pb2.Limit:
    return limit_pb2.Limit(
        name=name,
        scope=limit_pb2.LimitScope(keys=[key]),
        amounts=_amounts(limits),
        mode=limit_pb2.LIMIT_MODE_ENFORCE,
        default_output_tokens=1024,
        unknown_price=_UNKNOWN[limits.on_unknown_price],
    )


def _of_runs(listener: schema.Listener) -> limit_pb2.Limit:
    """The budget of each run of a listener: what is used of it does not come back in its time."""
    budget = listener.plan.budget
    limit = limit_pb2.Limit(
        name=f"run:{listener.name}",
        mode=limit_pb2.LIMIT_MODE_ENFORCE,
        default_output_tokens=1024,
        unknown_price=limit_pb2.UNKNOWN_PRICE_REFUSE,
        run_of=listener.name,
        forget_ms=duration_ms(listener.timeout) + RUN_GRACE_MS,
    )
    if budget.tokens:
        limit.amounts.add(
            measure=limit_pb2.MEASURE_TOKENS, limit=budget.tokens, window_ms=MAX_WINDOW_MS
        )
    if budget.cost:
        nano = max(round(budget.cost * NANO), 1)
        limit.amounts.add(measure=limit_pb2.MEASURE_COST, limit=nano, window_ms=MAX_WINDOW_MS)
    if budget.calls:
        limit.amounts.add(
            measure=limit_pb2.MEASURE_REQUESTS, limit=budget.calls, window_ms=MAX_WINDOW_MS
        )
    return limit


def _per(part: str) -> limit_pb2.LimitPer:
    kind, _, header = part.partition(":")
    return limit_pb2.LimitPer(part=_PARTS[kind], header=header.lower())


def _amounts(limit: schema_limits.Limit | schema_auth.KeyLimits) -> Iterator[limit_pb2.LimitAmount]:
    for word, measure in _COUNTS.items():
        count: schema_limits.LimitCount | None = getattr(limit, word)
        if count is not None:
            yield limit_pb2.LimitAmount(
                measure=measure,
                limit=count.limit,
                window_ms=window_ms(count.window),
                burst=count.burst or 0,
            )
    cost = limit.cost
    if cost is not None:
        yield limit_pb2.LimitAmount(
            measure=limit_pb2.MEASURE_COST,
            limit=max(round(cost.limit * NANO), 1),
            window_ms=window_ms(cost.window),
            burst=max(round(cost.burst * NANO), 1) if cost.burst is not None else 0,
        )
    if limit.concurrent is not None:
        yield limit_pb2.LimitAmount(measure=limit_pb2.MEASURE_CONCURRENT, limit=limit.concurrent)


def _plano(name: str, old: schema_limits.RateLimit) -> limit_pb2.Limit:
    """Tokens of prompts of one model, by a header."""
    header = old.selector.key.lower()
    amount = limit_pb2.LimitAmount(
        measure=limit_pb2.MEASURE_INPUT_TOKENS,
        limit=old.limit.tokens,
        window_ms=UNITS_MS[old.limit.unit],
    )
    by_value = limit_pb2.LimitPer(part=limit_pb2.LIMIT_PART_HEADER, header=header)
    return limit_pb2.Limit(
        name=name,
        scope=limit_pb2.LimitScope(models=[old.model], headers={header: old.selector.value or "*"}),
        per=[] if old.selector.value is not None else [by_value],
        amounts=[amount],
        mode=limit_pb2.LIMIT_MODE_ENFORCE,
        default_output_tokens=1024,
        unknown_price=limit_pb2.UNKNOWN_PRICE_REFUSE,
    )
