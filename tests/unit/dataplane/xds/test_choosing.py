"""What chooses a model, from the wire."""

from typing import Any

import pytest
from outriderpb.v1 import model_metrics_pb2, model_routing_pb2, orchestrator_pb2, preference_pb2
from outriderpb.xds.v3 import ads_pb2

from dataplane.runtime.choosing import (
    Budget,
    ModelRouting,
    Prefer,
    Preference,
    Price,
    PromptCaching,
    SessionRules,
)
from dataplane.runtime.config import Secret
from dataplane.runtime.orchestrator import PromptForm, RoutingModel
from dataplane.xds.choosing import joined, model_metrics, model_routing, preference
from dataplane.xds.decode import decode
from dataplane.xds.fields import BadFieldError
from dataplane.xds.resource import NOTHING, Decoded, ResourceKind, Resources
from dataplane.xds.secrets import Secrets

SECRETS = Secrets({"REDIS": "redis://h"})


def resource(kind: ResourceKind, name: str, message: Any) -> Decoded:
    wire = ads_pb2.Resource(name=name, version="1")
    wire.resource.type_url, wire.resource.value = kind.url, message.SerializeToString()
    return decode(kind, wire, NOTHING, SECRETS)


def wish(name: str, position: int = 0) -> preference_pb2.RoutingPreference:
    return preference_pb2.RoutingPreference(
        name=name, description="d", models=["a"], position=position
    )


def test_preference_comes_with_its_models_and_ranking() -> None:
    m = wish("code", 3)
    m.prefer = preference_pb2.PREFER_CHEAPEST
    m.examples.append("write")
    made = preference("code", m, SECRETS)
    assert made == Preference("code", "d", ("a",), Prefer.CHEAPEST, 3, ("write",))


def test_preference_that_cannot_be_followed_is_refused() -> None:
    odd = wish("code")
    odd.prefer = 9  # type: ignore[assignment]  # what a newer control plane may say
    empty = preference_pb2.RoutingPreference(name="code")
    for m in (odd, empty, wish("other")):
        with pytest.raises(BadFieldError):
            preference("code", m, SECRETS)


def test_settings_come_whole() -> None:
    m = model_routing_pb2.ModelRouting(
        min_confidence=0.7, routing_model="r", context_tokens=99, route_on_user_only=True
    )
    m.routing_form, m.routing_timeout_ms = orchestrator_pb2.PROMPT_FORM_PLANO, 1500
    m.sessions.ttl_ms, m.sessions.max_entries = 5000, 7
    m.sessions.tenant_header = "X-Tenant"
    m.sessions.redis.parts.add(env="REDIS")
    m.budget.max_switch_spend_pct, m.budget.cache_read_discount = 12.5, 0.2
    m.caching.min_prefix_tokens, m.caching.inject_cache_control = 2048, True
    made = model_routing("model_routing", m, SECRETS)
    assert made == ModelRouting(
        min_confidence=0.7,
        routing_model=RoutingModel("r", PromptForm.PLANO, 99, 1.5),
        sessions=SessionRules(5.0, 7, Secret("redis://h"), "x-tenant"),
        budget=Budget(12.5, False, 0.2, False),
        route_on_user_only=True,
        caching=PromptCaching(False, True, 2048),
        configured=True,
    )


def test_what_is_not_said_is_the_default() -> None:
    made = model_routing("model_routing", model_routing_pb2.ModelRouting(), SECRETS)
    assert made.sessions == SessionRules()
    assert (made.budget, made.caching, made.routing_model) == (None, None, None)


@pytest.mark.parametrize(("percent", "discount"), [(101.0, 0.1), (-1.0, 0.1), (10.0, 2.0)])
def test_budget_out_of_range_is_refused(percent: float, discount: float) -> None:
    m = model_routing_pb2.ModelRouting()
    m.budget.max_switch_spend_pct, m.budget.cache_read_discount = percent, discount
    with pytest.raises(BadFieldError):
        model_routing("model_routing", m, SECRETS)


def test_table_tells_a_cached_price_only_where_it_is_known() -> None:
    m = model_metrics_pb2.ModelMetrics(name="cost")
    m.prices["a"].input, m.prices["a"].cached = 2.0, 0.0
    m.prices["b"].output = 3.0
    made = model_metrics("cost", m, SECRETS)
    assert made.prices == {"a": Price(2.0, 0.0, 0.0), "b": Price(0.0, 3.0)}


@pytest.mark.parametrize("number", [-1.0, float("nan"), float("inf")])
def test_number_that_is_none_is_refused(number: float) -> None:
    cost = model_metrics_pb2.ModelMetrics(name="cost")
    cost.prices["a"].input = number
    latency = model_metrics_pb2.ModelMetrics(name="latency", latencies={"a": number})
    for m in (cost, latency):
        with pytest.raises(BadFieldError):
            model_metrics(m.name, m, SECRETS)


def test_all_kinds_become_one_value() -> None:
    latency = model_metrics_pb2.ModelMetrics(name="latency", latencies={"a": 0.5})
    cost = model_metrics_pb2.ModelMetrics(name="cost")
    cost.prices["a"].input = 1.0
    settings = model_routing_pb2.ModelRouting(min_confidence=0.7)
    resources = Resources()
    for kind, name, message in (
        (ResourceKind.MODEL_METRICS, "cost", cost),
        (ResourceKind.MODEL_METRICS, "latency", latency),
        (ResourceKind.PREFERENCE, "b", wish("b", 0)),
        (ResourceKind.PREFERENCE, "a", wish("a", 1)),
        (ResourceKind.MODEL_ROUTING, "model_routing", settings),
    ):
        resources = resources.with_changes(kind, [resource(kind, name, message)], ())
    made = joined(resources, Resources(), ModelRouting())
    assert [one.name for one in made.preferences] == ["b", "a"]
    assert (made.prices, made.latencies) == ({"a": Price(1.0, 0.0)}, {"a": 0.5})
    assert made.min_confidence == 0.7
    assert joined(resources, resources, made) is made
    gone = resources.with_changes(ResourceKind.MODEL_ROUTING, (), ["model_routing"])
    assert joined(gone, resources, made).min_confidence == 0.5
