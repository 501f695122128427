"""What chooses a model, of the wire -> the values of dataplane/runtime/choosing.py."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from outriderpb.v1 import model_metrics_pb2, model_routing_pb2, preference_pb2

from dataplane.runtime.choosing import (
    Budget,
    ModelRouting,
    Prefer,
    Preference,
    Price,
    PromptCaching,
    SessionRules,
)
from dataplane.xds.fields import BadFieldError, given, same, seconds, secret
from dataplane.xds.orchestrator import routing_model
from dataplane.xds.resource import ResourceKind, Resources
from dataplane.xds.secrets import SecretReader

KINDS = (ResourceKind.MODEL_METRICS, ResourceKind.PREFERENCE, ResourceKind.MODEL_ROUTING)
PREFER: Mapping[int, Prefer] = {
    preference_pb2.PREFER_NONE: Prefer.NONE,
    preference_pb2.PREFER_CHEAPEST: Prefer.CHEAPEST,
    preference_pb2.PREFER_FASTEST: Prefer.FASTEST,
}


@dataclass(frozen=True, slots=True)
class ModelMetrics:
    """One table of metrics."""

    prices: Mapping[str, Price]
    latencies: Mapping[str, float]


def preference(name: str, m: preference_pb2.RoutingPreference, _: SecretReader) -> Preference:
    """A routing preference. Raises BadFieldError."""
    same(name, m.name, "name")
    prefer = PREFER.get(m.prefer)
    if prefer is None:
        raise BadFieldError(f"prefer {m.prefer} is not known here")
    if not m.models:
        raise BadFieldError("has no models")
    return Preference(name, m.description, tuple(m.models), prefer, m.position, tuple(m.examples))


def model_routing(_: str, m: model_routing_pb2.ModelRouting, secrets: SecretReader) -> ModelRouting:
    """The settings; preferences and metrics come by themselves. Raises BadFieldError."""
    default = ModelRouting()
    rules = m.sessions
    return ModelRouting(
        min_confidence=m.min_confidence,
        routing_model=routing_model(
            m.routing_model, m.routing_form, m.context_tokens, m.routing_timeout_ms
        )
        if m.routing_model
        else None,
        sessions=SessionRules(
            seconds(rules.ttl_ms, default.sessions.ttl_s),
            rules.max_entries or default.sessions.max_entries,
            secret(rules.redis, secrets) if rules.HasField("redis") else None,
            rules.tenant_header.lower(),
            secret(rules.postgres, secrets) if rules.HasField("postgres") else None,
        ),
        budget=_budget(m.budget) if m.HasField("budget") else None,
        route_on_user_only=m.route_on_user_only,
        caching=_caching(m.caching) if m.HasField("caching") else None,
        own_latency=m.own_latency,
        configured=True,
    )


def _budget(m: model_routing_pb2.RoutingBudget) -> Budget:
    if not 0.0 <= m.max_switch_spend_pct <= 100.0 or not 0.0 <= m.cache_read_discount <= 1.0:
        raise BadFieldError("its routing budget is out of range")
    return Budget(
        m.max_switch_spend_pct,
        m.replenish_on_rebind,
        m.cache_read_discount,
        m.record_counterfactual,
    )


def _caching(m: model_routing_pb2.PromptCaching) -> PromptCaching:
    return PromptCaching(m.session_affinity, m.inject_cache_control, m.min_prefix_tokens)


def model_metrics(name: str, m: model_metrics_pb2.ModelMetrics, _: SecretReader) -> ModelMetrics:
    """A table of prices or latencies. Raises BadFieldError."""
    same(name, given(m.name, "name"), "name")
    prices = {
        model: Price(p.input, p.output, p.cached if p.HasField("cached") else None)
        for model, p in m.prices.items()
    }
    for model, price in prices.items():
        if not all(0 <= n < math.inf for n in (price.input, price.output, price.cached or 0.0)):
            raise BadFieldError(f"the price of {model!r} is no amount")
    for model, latency in m.latencies.items():
        if not 0 <= latency < math.inf:
            raise BadFieldError(f"the latency of {model!r} is no duration")
    return ModelMetrics(prices, dict(m.latencies))


def joined(resources: Resources, before: Resources, old: ModelRouting) -> ModelRouting:
    """Settings, preferences and metrics as one value; the old one when nothing has changed."""
    if all(resources.of(kind) is before.of(kind) for kind in KINDS):
        return old
    settings = resources.values(ResourceKind.MODEL_ROUTING, ModelRouting)
    preferences = resources.values(ResourceKind.PREFERENCE, Preference).values()
    prices: dict[str, Price] = {}
    latencies: dict[str, float] = {}
    for one in resources.of(ResourceKind.MODEL_METRICS).values():
        table = cast(ModelMetrics, one.value)
        prices |= table.prices
        latencies |= table.latencies
    return replace(
        next(iter(settings.values()), ModelRouting()),
        preferences=tuple(sorted(preferences, key=lambda one: (one.position, one.name))),
        prices=prices,
        latencies=latencies,
    )
