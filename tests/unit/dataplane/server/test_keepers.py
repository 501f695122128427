"""Whom to ask for a response that is kept elsewhere, and on whose behalf."""

from dataclasses import replace
from typing import Any

import pytest

from dataplane.filters.builtin import Chains
from dataplane.observe.record import ExchangeRecord
from dataplane.runtime.auth import Auth
from dataplane.runtime.config import Api, Endpoint
from dataplane.runtime.dialect import PLAIN
from dataplane.runtime.messages import Request
from dataplane.runtime.principal import Principal
from dataplane.runtime.protocols import Operation
from dataplane.server.downstream import Call
from dataplane.server.keepers import keepers
from tests.support.gateway import model_config

KEEPER: dict[str, Any] = {
    "apis": (Api(Operation.RESPONSES, "/v1/responses"),),
    "dialect": replace(PLAIN, keeps_responses=True),
}


def call(principal: Principal | None = None, auth: Auth | None = None, **provider: Any) -> Call:
    config = model_config(Endpoint("127.0.0.1", 9), provider=KEEPER | provider)
    listener = replace(config.listeners["m"], auth=auth)
    headers = (("authorization", "Bearer of-the-client"),)
    request = Request("GET", "/v1/responses/resp_1", headers)
    record, chain = ExchangeRecord(), Chains({}).of
    return Call(config, listener, request, "id", "", 0.0, record, chain, principal=principal)


def shown(one: Call) -> list[str | None]:
    return [request.header("authorization") for _, request in keepers(one)]


def test_keeper_is_asked_with_our_key() -> None:
    assert shown(call()) == ["Bearer sk-provider"]


@pytest.mark.parametrize(("scope", "asked"), [("alias", 1), ("openai/*", 1), ("other", 0)])
def test_who_may_not_ask_a_model_may_not_read_its_answers(scope: str, asked: int) -> None:
    caller = Principal("bob", models=frozenset((scope,)))
    assert len(shown(call(caller))) == asked


def test_credential_that_was_for_us_is_not_passed_on() -> None:
    assert shown(call(passthrough_auth=True)) == ["Bearer of-the-client"]
    known = call(Principal("alice"), Auth(api_keys=True), passthrough_auth=True)
    assert shown(known) == [None]
    own = call(Principal("alice"), Auth(api_keys=True, own_header=True), passthrough_auth=True)
    assert shown(own) == ["Bearer of-the-client"]
