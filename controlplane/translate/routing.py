"""What chooses models -> preferences and one resource of settings."""

from collections.abc import Iterator

from outriderpb.v1 import model_routing_pb2, preference_pb2

from controlplane.config import schema, schema_routing
from controlplane.config.rules import orchestrator, preferences
from controlplane.config.rules.routing import ttl_s_of
from controlplane.config.values import duration_ms
from controlplane.snapshot.resource import Named, ResourceType
from controlplane.translate.orchestrator import routing_model
from controlplane.translate.secrets import secret

NAME = "model_routing"
_PREFER = {
    "none": preference_pb2.PREFER_NONE,
    "cheapest": preference_pb2.PREFER_CHEAPEST,
    "fastest": preference_pb2.PREFER_FASTEST,
}


def routing(config: schema.Config) -> Iterator[Named]:
    """Nothing when the config does not choose."""
    found = preferences.preferences_of(config)
    for position, one in enumerate(found):
        message = preference_pb2.RoutingPreference(
            name=one.name,
            description=one.description,
            models=one.models,
            prefer=_PREFER[preferences.prefer_of(one)],
            position=position,
            examples=one.examples,
        )
        yield Named(ResourceType.PREFERENCE, one.name, message)
    caching = config.prompt_caching
    if found or config.routing is not None or (caching is not None and caching.enabled):
        yield Named(ResourceType.MODEL_ROUTING, NAME, _settings(config))


def _settings(config: schema.Config) -> model_routing_pb2.ModelRouting:
    given = config.routing or schema_routing.Routing()
    overrides = config.overrides or schema_routing.Overrides()
    own = any(source.provider == "outrider" for source in config.model_metrics_sources)
    message = model_routing_pb2.ModelRouting(
        min_confidence=given.min_confidence,
        context_tokens=overrides.orchestrator_model_context_length,
        sessions=model_routing_pb2.SessionRules(
            ttl_ms=ttl_s_of(config) * 1000,
            max_entries=given.session_max_entries,
            tenant_header=(given.session_cache.tenant_header or "").lower(),
        ),
        route_on_user_only=given.route_on_user_only,
        own_latency=own,
    )
    model = orchestrator.preference_model(config)
    if model is not None:
        asked = routing_model(config, model, None, 0, duration_ms(given.timeout))
        message.routing_model = asked.provider
        message.routing_form = asked.form
        message.routing_timeout_ms = asked.timeout_ms
    if given.session_cache.url is not None:
        stores = {"redis": message.sessions.redis, "postgres": message.sessions.postgres}
        stores[given.session_cache.type].CopyFrom(secret(given.session_cache.url))
    if given.routing_budget is not None:
        budget = given.routing_budget
        message.budget.max_switch_spend_pct = budget.max_switch_spend_pct
        message.budget.replenish_on_rebind = budget.replenish_on_rebind
        message.budget.cache_read_discount = budget.cache_read_discount
        message.budget.record_counterfactual = budget.record_counterfactual
    caching = config.prompt_caching
    if caching is not None and caching.enabled:
        message.caching.session_affinity = caching.session_affinity
        message.caching.inject_cache_control = caching.inject_cache_control
        message.caching.min_prefix_tokens = caching.min_prefix_tokens
    return message
