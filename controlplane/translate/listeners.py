"""Listeners -> listener resources and their routes.

Every route is a resource of its own, so that one changed alias is one small message however many
there are. A route names its listener, never the other way round.
"""

from collections.abc import Iterator

from outriderpb.v1 import listener_pb2, retry_pb2, route_pb2

from controlplane.config import schema, schema_models
from controlplane.config.providers.resolve import is_wildcard
from controlplane.config.rules import listeners as ports
from controlplane.config.rules import models as names
from controlplane.config.values import duration_ms
from controlplane.snapshot.resource import Named, ResourceType
from controlplane.translate import prompts
from controlplane.translate.auth import auth, card_signing, tls
from controlplane.translate.mcp import members
from controlplane.translate.orchestrator import orchestrator
from controlplane.translate.plans import is_chosen, on_failure, plan
from controlplane.translate.retry import route_retry

_KINDS = {
    "agent": listener_pb2.LISTENER_KIND_AGENT,
    "model": listener_pb2.LISTENER_KIND_MODEL,
    "prompt": listener_pb2.LISTENER_KIND_PROMPT,
    "mcp": listener_pb2.LISTENER_KIND_MCP,
}
_PRIORITIES = {"default": route_pb2.PRIORITY_UNSPECIFIED, "high": route_pb2.PRIORITY_HIGH}


_PRECEDENCES = {
    "default": listener_pb2.PRECEDENCE_DEFAULT,
    "low": listener_pb2.PRECEDENCE_LOW,
    "high": listener_pb2.PRECEDENCE_HIGH,
}


def listeners(config: schema.Config) -> Iterator[Named]:
    """Every listener with its routes."""
    for listener in config.listeners:
        message = _listener(config, listener)
        if listener.type == "agent":
            message.drop_untranslatable = config.on_untranslatable == "drop"
        yield Named(ResourceType.LISTENER, listener.name, message)
        for route in _routes(listener, config):
            yield Named(ResourceType.ROUTE, route.name, route)


def _routes(listener: schema.Listener, config: schema.Config) -> Iterator[route_pb2.Route]:
    match listener.type:
        case "agent":
            yield from _agent_routes(listener, config)
        case "model":
            yield from _model_routes(listener, config)
        case "prompt":
            yield from _model_routes(listener, config)
            yield from prompts.targets(config, listener)
        case "mcp":  # names of tools lead to servers, and only these know them
            return


def _listener(config: schema.Config, listener: schema.Listener) -> listener_pb2.Listener:
    limits = listener.limits
    kind = _KINDS[listener.type]
    guarded = listener.auth is not None or listener.tls is not None
    return listener_pb2.Listener(
        name=listener.name,
        kind=listener_pb2.LISTENER_KIND_GUARDED if guarded else kind,
        guarded=kind if guarded else None,
        auth=auth(listener),
        tls=tls(listener),
        address="127.0.0.1" if listener.address == "localhost" else listener.address,
        port=ports.port_of(listener),
        timeout_ms=duration_ms(listener.timeout),
        limits=listener_pb2.Limits(
            max_header_bytes=limits.max_header_bytes,
            max_body_bytes=limits.max_body_bytes,
            max_requests=limits.max_requests,
            receive_timeout_ms=duration_ms(limits.receive_timeout),
            idle_timeout_ms=duration_ms(limits.idle_timeout),
            max_queue=limits.max_queue,
            queue_timeout_ms=duration_ms(limits.queue_timeout),
            max_buffered_bytes=limits.max_buffered_bytes,
            precedence=_PRECEDENCES[limits.precedence],
        ),
        input_filters=listener.input_filters,
        output_filters=listener.output_filters,
        min_confidence=prompts.min_confidence(config, listener),
        prompt=prompts.prompt_rules(config, listener),
        plan=plan(listener),
        mcp_servers=members(config, listener),
        allowed_origins=listener.allowed_origins,
        public_url=(listener.public_url or "").rstrip("/"),
        card_signing=card_signing(listener),
        orchestrator=orchestrator(config, listener) if listener.type == "agent" else None,
    )


def _agent_routes(listener: schema.Listener, config: schema.Config) -> Iterator[route_pb2.Route]:
    retry = route_retry(config, listener)
    for position, agent in enumerate(listener.agents):
        yield route_pb2.Route(
            name=f"{listener.name}/{agent.id}",
            listener=listener.name,
            agent=route_pb2.AgentTarget(
                agent=agent.id,
                description=agent.description or "",
                is_default=agent.default,
                input_filters=agent.input_filters,
                output_filters=agent.output_filters,
                position=position,
                examples=agent.examples,
                unchosen=not is_chosen(listener, agent),
                on_failure=on_failure(agent),
            ),
            retry=retry,
            priority=_PRIORITIES[listener.priority],
        )


def _model_routes(listener: schema.Listener, config: schema.Config) -> Iterator[route_pb2.Route]:
    """All routes; whatever may lead to a provider passes that provider's filters."""
    filtered = {
        names.name_of(one): one
        for one in config.model_providers
        if one.input_filters or one.output_filters
    }
    for route in _unfiltered_routes(listener, config):
        alias = config.model_aliases.get(route.model_id)
        if alias is not None:
            _filtered(route, listener, alias)
        for name in route.model.providers if filtered else ():
            if name in filtered:
                _filtered(route, listener, filtered[name])
        yield route


def _unfiltered_routes(
    listener: schema.Listener, config: schema.Config
) -> Iterator[route_pb2.Route]:
    """One route for each provider, each word that several share, and each alias."""
    known = names.models_of(config)
    retry = route_retry(config, listener)
    own: dict[str, list[str]] = {}
    for word, providers in known.items():
        # An alias is the operator's explicit word, so it wins.
        if word in config.model_aliases:
            continue
        if len(providers) == 1:
            own.setdefault(providers[0], []).append(word)
        else:
            yield _model_route(listener, word, [word], providers, retry)
    for provider in config.model_providers:
        name = names.name_of(provider)
        # What a wildcard serves is not known here, so there is nothing to list.
        listed = "" if is_wildcard(provider) else name
        route = _model_route(listener, name, own[name], (name,), retry, listed)
        route.is_default = provider.default
        yield route
    for alias, target in config.model_aliases.items():
        serving = dict.fromkeys(name for one in names.targets_of(target) for name in known[one])
        over = route_retry(config, listener, target.retry) if target.retry is not None else retry
        route = _model_route(listener, alias, [alias], tuple(serving), over, alias)
        if target.priority is not None:
            route.priority = _PRIORITIES[target.priority]
        yield route


def _filtered(
    route: route_pb2.Route,
    listener: schema.Listener,
    one: schema_models.ModelAlias | schema_models.ModelProvider,
) -> None:
    """Add filters, each once, and none that the listener has already."""
    for name in one.input_filters:
        if name not in route.input_filters and name not in listener.input_filters:
            route.input_filters.append(name)
    for name in one.output_filters:
        if name not in route.output_filters and name not in listener.output_filters:
            route.output_filters.append(name)


def _model_route(
    listener: schema.Listener,
    name: str,
    words: list[str],
    providers: tuple[str, ...],
    retry: retry_pb2.RetryPolicy | None,
    listed: str = "",
) -> route_pb2.Route:
    """:param listed: the name it has in the list of models."""
    return route_pb2.Route(
        name=f"{listener.name}/{name}",
        listener=listener.name,
        models=words,
        model_id=listed,
        # Made in place: by itself and copied in, it doubled what a route takes.
        model={"providers": providers},
        retry=retry,
        priority=_PRIORITIES[listener.priority],
    )
