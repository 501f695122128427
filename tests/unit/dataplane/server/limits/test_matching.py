"""Which limits a request has, and which bucket of each."""

from collections.abc import Mapping

import pytest

from dataplane.runtime.limits import Amount, Limit, Measure, Part, Per, Scope
from dataplane.runtime.principal import Principal
from dataplane.server.limits.limiter import of_all
from dataplane.server.limits.matching import Caller, Matcher, Place, bucket

FIVE = (Amount(Measure.REQUESTS, 5),)
PLACE = Place("models", "nick", "models/nick", ("openai/gpt-4o", "mine", "gpt-4o"))
ANNA = Principal("anna", "acme")


def _caller(principal: Principal | None = None, headers: Mapping[str, str] = {}) -> Caller:
    return Caller(principal, headers.get)


@pytest.mark.parametrize(
    ("scope", "fits"),
    [
        (Scope(), True),
        (Scope(listeners=("models",)), True),
        (Scope(listeners=("agents",)), False),
        (Scope(models=("nick",)), True),
        (Scope(models=("openai/*",)), True),
        (Scope(models=("gpt-4o",)), True),
        (Scope(models=("anthropic/*", "gpt-4")), False),
        (Scope(routes=("models/*",)), True),
        (Scope(routes=("other/*",)), False),
    ],
)
def test_a_limit_holds_where_its_scope_says(scope: Scope, fits: bool) -> None:
    limit = Limit("team", FIVE, scope)
    assert Matcher("models", [limit], of_all).of(PLACE) == ((limit,) if fits else ())


@pytest.mark.parametrize(
    ("scope", "caller", "fits"),
    [
        (Scope(keys=("anna",)), _caller(ANNA), True),
        (Scope(keys=("*",)), _caller(), False),
        (Scope(tenants=("*",)), _caller(ANNA), True),
        (Scope(tenants=("*",)), _caller(), False),
        (Scope(tenants=("acme",)), _caller(headers={"x-tenant": "acme"}), True),
        (Scope(headers=(("x-team", "*"),)), _caller(headers={"x-team": "red"}), True),
        (Scope(headers=(("x-team", "red"),)), _caller(headers={"x-team": "blue"}), False),
        (Scope(headers=(("x-team", "*"),)), _caller(), False),
    ],
)
def test_a_limit_holds_for_whom_its_scope_says(scope: Scope, caller: Caller, fits: bool) -> None:
    limit = Limit("team", FIVE, scope, tenant_header="x-tenant")
    assert (bucket(limit, PLACE, caller) is not None) == fits


def test_buckets_are_separated_by_what_the_limit_says() -> None:
    per = (
        *(Per(part) for part in (Part.KEY, Part.TENANT, Part.MODEL, Part.LISTENER, Part.ROUTE)),
        Per(Part.HEADER, "x-team"),
    )
    limit = Limit("team", FIVE, per=per)
    found = bucket(limit, PLACE, _caller(ANNA, {"x-team": "red"}))
    assert found == ("anna", "acme", "openai/gpt-4o", "models", "models/nick", "red")
    assert bucket(limit, PLACE, _caller()) == ("", "", *found[2:5], "")
    assert bucket(Limit("all", FIVE), PLACE, _caller(ANNA)) == ()


def test_a_tenant_of_a_credential_is_not_replaced_by_a_header() -> None:
    limit = Limit("team", FIVE, per=(Per(Part.TENANT),), tenant_header="x-tenant")
    assert bucket(limit, PLACE, _caller(ANNA, {"x-tenant": "other"})) == ("acme",)


def test_long_values_are_known_by_their_hash() -> None:
    limit = Limit("team", FIVE, per=(Per(Part.HEADER, "x-team"),))
    (one,) = bucket(limit, PLACE, _caller(headers={"x-team": "a" * 5000})) or ()
    (other,) = bucket(limit, PLACE, _caller(headers={"x-team": "a" * 5001})) or ()
    assert len(one) < 40
    assert one != other


def test_a_listener_without_limits_has_no_matcher_to_ask() -> None:
    assert not Matcher("models", [Limit("team", FIVE, Scope(listeners=("other",)))], of_all)
