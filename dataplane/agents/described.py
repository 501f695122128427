"""A config in which agents that say what they are need no words of the operator's."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from dataplane.runtime.config import AgentTarget, Listener, Route, RuntimeConfig


class Described(Protocol):
    """What an agent says of itself."""

    def told(self) -> str:
        """What a router reads, in plain sentences."""
        ...

    def examples(self) -> tuple[str, ...]:
        """Requests that it is meant for."""
        ...


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why nothing is known of an agent that says itself what it is."""

    reason: str


def described(config: RuntimeConfig, known: Mapping[str, Described]) -> RuntimeConfig:
    """The same config; where a description is left out it is the agent's own."""
    if not known:
        return config
    listeners = {name: _listener(one, known) for name, one in config.listeners.items()}
    if all(listeners[name] is one for name, one in config.listeners.items()):
        return config
    return replace(config, listeners=listeners)


def _listener(listener: Listener, known: Mapping[str, Described]) -> Listener:
    routes = tuple(_route(route, known) for route in listener.routes)
    if all(made is route for made, route in zip(routes, listener.routes, strict=True)):
        return listener
    default = listener.default_route
    by_name = {route.name: route for route in routes}
    return replace(
        listener,
        routes=routes,
        default_route=by_name.get(default.name) if default is not None else None,
    )


def _route(route: Route, known: Mapping[str, Described]) -> Route:
    target = route.target
    if not isinstance(target, AgentTarget) or target.description:
        return route
    one = known.get(target.agent)
    if one is None:
        return route
    examples = target.examples or one.examples()
    return replace(route, target=replace(target, description=one.told(), examples=examples))
