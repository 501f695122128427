"""A config in which agents that say what they are need no words of the operator's."""

from collections.abc import Mapping
from dataclasses import replace

from dataplane.agents.a2a.card import Card
from dataplane.runtime.config import AgentTarget, Listener, Route, RuntimeConfig


def described(config: RuntimeConfig, cards: Mapping[str, Card]) -> RuntimeConfig:
    """The same config; where a description is left out it is the agent's own."""
    if not cards:
        return config
    listeners = {name: _listener(one, cards) for name, one in config.listeners.items()}
    if all(listeners[name] is one for name, one in config.listeners.items()):
        return config
    return replace(config, listeners=listeners)


def _listener(listener: Listener, cards: Mapping[str, Card]) -> Listener:
    routes = tuple(_route(route, cards) for route in listener.routes)
    if all(made is route for made, route in zip(routes, listener.routes, strict=True)):
        return listener
    default = listener.default_route
    by_name = {route.name: route for route in routes}
    return replace(
        listener,
        routes=routes,
        default_route=by_name.get(default.name) if default is not None else None,
    )


def _route(route: Route, cards: Mapping[str, Card]) -> Route:
    target = route.target
    if not isinstance(target, AgentTarget) or target.description:
        return route
    card = cards.get(target.agent)
    if card is None:
        return route
    examples = target.examples or card.examples()
    return replace(route, target=replace(target, description=card.told(), examples=examples))
