"""Limits, of the wire -> dataplane/runtime/limits.py.

The rule: what this data plane does not know of a limit is refused, because to leave it out would
let through what the operator forbade.
"""

from collections.abc import Mapping

from outriderpb.v1 import limit_pb2

from dataplane.runtime.limits import (
    Amount,
    Limit,
    LimitsStorage,
    Measure,
    Part,
    Per,
    Scope,
    StoreFailure,
    UnknownPrice,
)
from dataplane.xds.fields import BadFieldError, given, header_name, same, secret
from dataplane.xds.secrets import SecretReader

MEASURES: Mapping[int, Measure] = {
    limit_pb2.MEASURE_REQUESTS: Measure.REQUESTS,
    limit_pb2.MEASURE_TOKENS: Measure.TOKENS,
    limit_pb2.MEASURE_INPUT_TOKENS: Measure.INPUT_TOKENS,
    limit_pb2.MEASURE_OUTPUT_TOKENS: Measure.OUTPUT_TOKENS,
    limit_pb2.MEASURE_COST: Measure.COST,
    limit_pb2.MEASURE_CONCURRENT: Measure.CONCURRENT,
}
PARTS: Mapping[int, Part] = {
    limit_pb2.LIMIT_PART_KEY: Part.KEY,
    limit_pb2.LIMIT_PART_TENANT: Part.TENANT,
    limit_pb2.LIMIT_PART_MODEL: Part.MODEL,
    limit_pb2.LIMIT_PART_LISTENER: Part.LISTENER,
    limit_pb2.LIMIT_PART_ROUTE: Part.ROUTE,
    limit_pb2.LIMIT_PART_HEADER: Part.HEADER,
}
MODES: Mapping[int, bool] = {
    limit_pb2.LIMIT_MODE_ENFORCE: False,
    limit_pb2.LIMIT_MODE_SHADOW: True,
}
UNKNOWN_PRICES: Mapping[int, UnknownPrice] = {
    limit_pb2.UNKNOWN_PRICE_UNSPECIFIED: UnknownPrice.REFUSE,
    limit_pb2.UNKNOWN_PRICE_REFUSE: UnknownPrice.REFUSE,
    limit_pb2.UNKNOWN_PRICE_FREE: UnknownPrice.FREE,
}
FAILURES: Mapping[int, StoreFailure] = {
    limit_pb2.STORE_FAILURE_UNSPECIFIED: StoreFailure.SHARE,
    limit_pb2.STORE_FAILURE_SHARE: StoreFailure.SHARE,
    limit_pb2.STORE_FAILURE_OPEN: StoreFailure.OPEN,
    limit_pb2.STORE_FAILURE_CLOSED: StoreFailure.CLOSED,
}
_SCHEMES = ("redis://", "rediss://", "unix://")


def limit(name: str, m: limit_pb2.Limit, _: SecretReader) -> Limit:
    """A limit. Raises BadFieldError."""
    same(name, m.name, "name")
    shadow = MODES.get(m.mode)
    if shadow is None:
        raise BadFieldError(f"mode {m.mode} is not known here")
    unknown = UNKNOWN_PRICES.get(m.unknown_price)
    if unknown is None:
        raise BadFieldError(f"unknown_price {m.unknown_price} is not known here")
    if not m.amounts:
        raise BadFieldError("limits nothing")
    amounts = tuple(_amount(one) for one in m.amounts)
    if len({amount.measure for amount in amounts}) != len(amounts):
        raise BadFieldError("limits the same thing twice")
    scope = m.scope
    return Limit(
        name=name,
        amounts=amounts,
        scope=Scope(
            listeners=tuple(scope.listeners),
            models=tuple(scope.models),
            routes=tuple(scope.routes),
            keys=tuple(scope.keys),
            tenants=tuple(scope.tenants),
            headers=tuple(sorted((header_name(n).lower(), p) for n, p in scope.headers.items())),
        ),
        per=tuple(_per(one) for one in m.per),
        shadow=shadow,
        tenant_header=m.tenant_header.lower(),
        default_output_tokens=m.default_output_tokens or 1024,
        unknown_price=unknown,
        run_of=m.run_of,
        forget_s=m.forget_ms / 1000,
    )


def _amount(m: limit_pb2.LimitAmount) -> Amount:
    measure = MEASURES.get(m.measure)
    if measure is None:
        raise BadFieldError(f"measure {m.measure} is not known here")
    if not m.limit:
        raise BadFieldError(f"its {measure.value} is 0")
    if measure is Measure.CONCURRENT:
        return Amount(measure, m.limit)
    if not m.window_ms:
        raise BadFieldError(f"its {measure.value} has no window")
    return Amount(measure, m.limit, m.window_ms / 1000, m.burst)


def _per(m: limit_pb2.LimitPer) -> Per:
    part = PARTS.get(m.part)
    if part is None:
        raise BadFieldError(f"part {m.part} is not known here")
    if part is Part.HEADER:
        return Per(part, header_name(given(m.header, "header")).lower())
    return Per(part)


def limits_storage(_: str, m: limit_pb2.LimitsStorage, secrets: SecretReader) -> LimitsStorage:
    """Where limits are kept. Raises BadFieldError."""
    failure = FAILURES.get(m.on_failure)
    if failure is None:
        raise BadFieldError(f"on_failure {m.on_failure} is not known here")
    url = secret(m.redis, secrets) if m.HasField("redis") else None
    if url is not None and not url.reveal().startswith(_SCHEMES):
        # the text may hold a password, so it is not shown
        raise BadFieldError(f"its URL does not begin with {' or '.join(_SCHEMES)}")
    return LimitsStorage(url, failure)
