"""Resources -> RuntimeConfig: every name resolved, everything unchanged kept as the same object.

What a later step of a change will use may be here early, because changes arrive one kind at a time:
a route whose listener is not there (or is of the other kind) waits, as do endpoints without a
cluster. What something here *needs* must be here: a route to an unknown provider is an error.

Two routes of one listener may claim one model name while a rename is half way; the first by name
wins.
"""

import operator
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar, cast

from dataplane.runtime.auth import ApiKey
from dataplane.runtime.config import (
    Agent,
    AgentTarget,
    Cluster,
    Endpoint,
    Filter,
    Listener,
    ListenerKind,
    ModelProvider,
    ModelTarget,
    Route,
    RuntimeConfig,
    Tracing,
)
from dataplane.runtime.limits import Limit, LimitsStorage
from dataplane.runtime.mcp import McpServer
from dataplane.runtime.prompts import PromptTarget
from dataplane.runtime.state_storage import StateStorage
from dataplane.xds.choosing import joined as joined_routing
from dataplane.xds.resource import ResourceKind, Resources

V = TypeVar("V")
SHOWN_PROBLEMS = 5
WILDCARD = "/*"
"""The end of a model name that stands for every model with its prefix."""


class InconsistentError(Exception):
    """Resources that do not fit together."""

    def __init__(self, problems: list[str]) -> None:
        more = f" (and {len(problems) - SHOWN_PROBLEMS} more)" if problems[SHOWN_PROBLEMS:] else ""
        super().__init__("; ".join(problems[:SHOWN_PROBLEMS]) + more)


def join(resources: Resources, before: Resources, config: RuntimeConfig) -> RuntimeConfig:
    """The config that `resources` make. Raises InconsistentError.

    :param before, config: the accepted resources and what they were joined to; only kinds that
        differ are redone.
    """

    def changed(*kinds: ResourceKind) -> bool:
        return any(resources.of(kind) is not before.of(kind) for kind in kinds)

    def section(kind: ResourceKind, of: type[V], old: Mapping[str, V]) -> Mapping[str, V]:
        return resources.values(kind, of) if changed(kind) else old

    if resources is before:
        return config
    clusters = config.clusters
    if changed(ResourceKind.CLUSTER, ResourceKind.ENDPOINTS):
        clusters = _clusters(resources, before, clusters)
    listeners = config.listeners
    if changed(ResourceKind.LISTENER, ResourceKind.ROUTE):
        listeners = _listeners(resources, before, listeners)
    tracing = resources.values(ResourceKind.TRACING, Tracing)
    storage = resources.values(ResourceKind.STATE_STORAGE, StateStorage)
    limits_storage = resources.values(ResourceKind.LIMITS_STORAGE, LimitsStorage)
    joined = RuntimeConfig(
        version=resources.version(),
        listeners=listeners,
        clusters=clusters,
        providers=section(ResourceKind.MODEL_PROVIDER, ModelProvider, config.providers),
        agents=section(ResourceKind.AGENT, Agent, config.agents),
        filters=section(ResourceKind.FILTER, Filter, config.filters),
        mcp_servers=section(ResourceKind.MCP_SERVER, McpServer, config.mcp_servers),
        tracing=next(iter(tracing.values()), None),
        model_routing=joined_routing(resources, before, config.model_routing),
        state_storage=next(iter(storage.values()), StateStorage()),
        api_keys=_api_keys(resources) if changed(ResourceKind.API_KEY) else config.api_keys,
        limits=section(ResourceKind.LIMIT, Limit, config.limits),
        limits_storage=next(iter(limits_storage.values()), LimitsStorage()),
    )
    problems = [*_dangling(joined), *_dangling_routes(resources, before, joined)]
    if problems:
        raise InconsistentError(problems)
    return joined


def _api_keys(resources: Resources) -> dict[bytes, ApiKey]:
    """By digest; of two names for one key the first by name counts, as while it is renamed."""
    keys = resources.values(ResourceKind.API_KEY, ApiKey)
    return {keys[name].digest: keys[name] for name in sorted(keys, reverse=True)}


def _clusters(
    resources: Resources, before: Resources, old: Mapping[str, Cluster]
) -> dict[str, Cluster]:
    """Identity decides what is made anew: comparing a thousand clusters by value takes 2 ms."""
    had, had_endpoints = before.of(ResourceKind.CLUSTER), before.of(ResourceKind.ENDPOINTS)
    endpoints = resources.of(ResourceKind.ENDPOINTS)
    clusters: dict[str, Cluster] = {}
    for name, one in resources.of(ResourceKind.CLUSTER).items():
        addresses = endpoints.get(name)
        if one is had.get(name) and addresses is had_endpoints.get(name):
            clusters[name] = old[name]
        elif addresses is None:
            clusters[name] = cast(Cluster, one.value)
        else:
            given = cast(tuple[Endpoint, ...], addresses.value)
            clusters[name] = replace(cast(Cluster, one.value), endpoints=given)
    return clusters


def _listeners(
    resources: Resources, before: Resources, old: Mapping[str, Listener]
) -> dict[str, Listener]:
    """A listener is made anew when it or one of its routes is another object than before."""
    routes = _routes_by_listener(resources)
    had_routes = _routes_by_listener(before)
    had = before.of(ResourceKind.LISTENER)
    listeners: dict[str, Listener] = {}
    for name, one in resources.of(ResourceKind.LISTENER).items():
        of_it = routes.get(name, [])
        if one is had.get(name) and _same(of_it, had_routes.get(name, [])):
            listeners[name] = old[name]
        else:
            listeners[name] = _with_routes(cast(Listener, one.value), of_it)
    return listeners


def _routes_by_listener(resources: Resources) -> dict[str, list[Route]]:
    by_listener: dict[str, list[Route]] = {}
    for one in resources.of(ResourceKind.ROUTE).values():
        route = cast(Route, one.value)
        by_listener.setdefault(route.listener, []).append(route)
    return by_listener


def _same(some: list[Route], others: list[Route]) -> bool:
    return len(some) == len(others) and all(map(operator.is_, some, others))


def _with_routes(listener: Listener, routes: list[Route]) -> Listener:
    if listener.kind is ListenerKind.AGENT:
        places = {
            route.name: route.target.position
            for route in routes
            if isinstance(route.target, AgentTarget)
        }
        agents = [route for route in routes if route.name in places]
        agents.sort(key=lambda route: (places[route.name], route.name))
        return replace(listener, routes=tuple(agents), default_route=_default_agent(agents))
    models = [route for route in routes if isinstance(route.target, ModelTarget)]
    models.sort(key=lambda route: route.name)
    by_model: dict[str, Route] = {}
    by_prefix: dict[str, Route] = {}
    for route in models:
        for model in route.models:
            if model.endswith(WILDCARD):
                by_prefix.setdefault(model.removesuffix(WILDCARD), route)
            else:
                by_model.setdefault(model, route)
    return replace(
        listener,
        routes=tuple(models),
        by_model=by_model,
        by_prefix=by_prefix,
        default_route=next((route for route in models if route.is_default), None),
        prompt_targets=_prompt_targets(routes) if listener.kind is ListenerKind.PROMPT else (),
        filters_routes=any(route.input_filters or route.output_filters for route in models),
    )


def _prompt_targets(routes: list[Route]) -> tuple[PromptTarget, ...]:
    found = [route.target for route in routes if isinstance(route.target, PromptTarget)]
    return tuple(sorted(found, key=lambda target: (target.position, target.name)))


def _default_agent(routes: list[Route]) -> Route | None:
    """The agent that is called the default, else the first one."""
    for route in routes:
        if isinstance(route.target, AgentTarget) and route.target.is_default:
            return route
    return routes[0] if routes else None


def _dangling(config: RuntimeConfig) -> Iterable[str]:
    for provider in config.providers.values():
        if provider.cluster not in config.clusters:
            yield f"model provider {provider.name!r}: unknown cluster {provider.cluster!r}"
    for agent in config.agents.values():
        for cluster in {agent.cluster, *(one.cluster for one in agent.versions)}:
            if cluster not in config.clusters:
                yield f"agent {agent.id!r}: unknown cluster {cluster!r}"
    for one in config.filters.values():
        if one.cluster and one.cluster not in config.clusters:
            yield f"filter {one.id!r}: unknown cluster {one.cluster!r}"
    for server in config.mcp_servers.values():
        if server.cluster not in config.clusters:
            yield f"MCP server {server.id!r}: unknown cluster {server.cluster!r}"
    for listener in config.listeners.values():
        for member in listener.mcp_servers:
            if member.server not in config.mcp_servers:
                yield f"listener {listener.name!r}: unknown MCP server {member.server!r}"
        for name in (*listener.input_filters, *listener.output_filters):
            if name not in config.filters:
                yield f"listener {listener.name!r}: unknown filter {name!r}"
        asked = listener.prompt.function_calling_model if listener.prompt is not None else ""
        if asked and asked not in config.providers:
            yield f"listener {listener.name!r}: unknown model provider {asked!r}"
        for target in listener.prompt_targets:
            if target.cluster and target.cluster not in config.clusters:
                yield f"prompt target {target.name!r}: unknown cluster {target.cluster!r}"
        model = listener.orchestrator.model
        if model is not None and model.provider not in config.providers:
            yield f"listener {listener.name!r}: unknown model provider {model.provider!r}"


def _dangling_routes(
    resources: Resources, before: Resources, config: RuntimeConfig
) -> Iterable[str]:
    """Only new routes are looked at while what routes lead to has stayed."""
    targets = (ResourceKind.MODEL_PROVIDER, ResourceKind.AGENT, ResourceKind.FILTER)
    stayed = all(resources.of(kind) is before.of(kind) for kind in targets)
    known = before.of(ResourceKind.ROUTE) if stayed else {}
    for name, one in resources.of(ResourceKind.ROUTE).items():
        if known.get(name) is not one:
            yield from _dangling_route(cast(Route, one.value), config)


def _dangling_route(route: Route, config: RuntimeConfig) -> Iterable[str]:
    target = route.target
    for name in (*route.input_filters, *route.output_filters):
        if name not in config.filters:
            yield f"route {route.name!r}: unknown filter {name!r}"
    if isinstance(target, ModelTarget):
        for name in target.providers:
            if name not in config.providers:
                yield f"route {route.name!r}: unknown model provider {name!r}"
        return
    if isinstance(target, PromptTarget):
        return  # only its cluster could be missing, and a listener tells of that
    if target.agent not in config.agents:
        yield f"route {route.name!r}: unknown agent {target.agent!r}"
    for name in (*target.input_filters, *target.output_filters):
        if name not in config.filters:
            yield f"route {route.name!r}: unknown filter {name!r}"
