"""How limits come over the wire."""

from types import SimpleNamespace

import pytest
from outriderpb.v1 import limit_pb2, secret_pb2

from dataplane.runtime.limits import (
    Amount,
    Limit,
    LimitsStorage,
    Measure,
    Part,
    Per,
    Scope,
    StoreFailure,
)
from dataplane.xds.fields import BadFieldError
from dataplane.xds.limits import limit, limits_storage

SECRETS = SimpleNamespace(variable=lambda name: f"{name} of the environment", file=None)
FIVE = limit_pb2.LimitAmount(measure=limit_pb2.MEASURE_REQUESTS, limit=5, window_ms=1000)


def _limit(**fields: object) -> Limit:
    named = {"name": "team", "mode": limit_pb2.LIMIT_MODE_ENFORCE, "amounts": [FIVE], **fields}
    return limit("team", limit_pb2.Limit(**named), SECRETS)  # type: ignore[arg-type] # by name


def test_what_is_said_is_taken() -> None:
    header = limit_pb2.LimitPer(part=limit_pb2.LIMIT_PART_HEADER, header="X-Team")
    tenant = limit_pb2.LimitPer(part=limit_pb2.LIMIT_PART_TENANT)
    streams = limit_pb2.LimitAmount(measure=limit_pb2.MEASURE_CONCURRENT, limit=3)
    scope = limit_pb2.LimitScope(listeners=["models"], headers={"X-Team": "*"})
    read = _limit(per=[tenant, header], amounts=[FIVE, streams], scope=scope, tenant_header="X-T")
    assert read.per == (Per(Part.TENANT), Per(Part.HEADER, "x-team"))
    assert read.amounts[0] == Amount(Measure.REQUESTS, 5, 1.0)
    assert (read.amounts[0].capacity, read.amounts[0].rate) == (5, 5.0)
    assert (read.amounts[1].capacity, read.amounts[1].rate) == (3, 0.0)
    assert read.scope == Scope(("models",), headers=(("x-team", "*"),))
    assert (read.tenant_header, read.default_output_tokens, read.shadow) == ("x-t", 1024, False)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"mode": 9}, "mode 9"),
        ({"mode": 0}, "mode 0"),
        ({"unknown_price": 9}, "unknown_price 9"),
        ({"amounts": []}, "limits nothing"),
        ({"amounts": [FIVE, FIVE]}, "twice"),
        ({"amounts": [limit_pb2.LimitAmount(measure=99, limit=1)]}, "measure 99"),  # type: ignore[arg-type]
        ({"amounts": [limit_pb2.LimitAmount(measure=limit_pb2.MEASURE_COST)]}, "is 0"),
        ({"amounts": [limit_pb2.LimitAmount(measure=limit_pb2.MEASURE_COST, limit=1)]}, "window"),
        ({"per": [limit_pb2.LimitPer(part=99)]}, "part 99"),  # type: ignore[arg-type]
        ({"per": [limit_pb2.LimitPer(part=limit_pb2.LIMIT_PART_HEADER)]}, "no header"),
        ({"scope": limit_pb2.LimitScope(headers={"a b": "c"})}, "not a header name"),
    ],
)
def test_what_is_not_understood_is_refused(fields: dict[str, object], why: str) -> None:
    with pytest.raises(BadFieldError, match=why):
        _limit(**fields)


def test_a_store_and_what_holds_without_it() -> None:
    url = secret_pb2.SecretText(parts=[secret_pb2.SecretText.Part(literal="redis://h/1")])
    message = limit_pb2.LimitsStorage(redis=url, on_failure=limit_pb2.STORE_FAILURE_OPEN)
    read = limits_storage("limits_storage", message, SECRETS)
    assert read.on_failure is StoreFailure.OPEN
    assert read.redis is not None
    assert read.redis.reveal() == "redis://h/1"
    assert limits_storage("", limit_pb2.LimitsStorage(), SECRETS) == LimitsStorage()


def test_another_kind_of_url_is_refused_without_showing_it() -> None:
    url = secret_pb2.SecretText(parts=[secret_pb2.SecretText.Part(literal="http://:secret@h")])
    with pytest.raises(BadFieldError, match="does not begin with redis://") as raised:
        limits_storage("", limit_pb2.LimitsStorage(redis=url), SECRETS)
    assert "secret" not in str(raised.value)
