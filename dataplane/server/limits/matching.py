"""Which limits a request has, and which bucket of each. Pure but for the headers it is shown.

The rule: what the configuration and the model decide is worked out once for each model; of a
request only callers and headers are looked at.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

from dataplane.runtime.limits import Limit, Part, Per
from dataplane.runtime.principal import Principal

MAX_VALUE_CHARS = 128
"""Longer values of headers are known by their hash: clients make them as long as they like."""
MAX_KEPT = 2000
"""Models whose limits are kept; clients invent names where a provider is a wildcard."""

Header = Callable[[str], str | None]
"""The value of a request's header, by its name in lower case."""


class Place(NamedTuple):
    """Where a request goes, as far as limits ask."""

    listener: str
    model: str
    """As it was asked for."""
    route: str
    names: tuple[str, ...] = ()
    """Of the first model that may answer: all that it is called."""


class Caller:
    """Who sends a request."""

    __slots__ = ("header", "principal")

    def __init__(self, principal: Principal | None, header: Header) -> None:
        self.principal = principal
        self.header = header


class Matcher:
    """The limits of one listener."""

    def __init__(
        self, listener: str, limits: Iterable[Limit], whose: "Callable[[Limit], bool]"
    ) -> None:
        """:param whose: which of them are asked at all."""
        self._limits = tuple(
            limit
            for limit in limits
            if whose(limit) and _fits_any(limit.scope.listeners, (listener,))
        )
        self._kept: dict[Place, tuple[Limit, ...]] = {}

    def __bool__(self) -> bool:
        """Whether any request can be limited."""
        return bool(self._limits)

    def of(self, place: Place) -> tuple[Limit, ...]:
        """Limits that may hold for requests that go there."""
        found = self._kept.get(place)
        if found is None:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            names = tuple(filter(None, (place.model, *place.names)))
            found = self._kept[place] = tuple(
                limit
                for limit in self._limits
                if _fits_any(limit.scope.models, names)
                and _fits_any(limit.scope.routes, (place.route,))
            )
        return found


def bucket(limit: Limit, place: Place, caller: Caller) -> tuple[str, ...] | None:
    """What separates the bucket that a request takes from; None: the limit does not hold for it."""
    scope = limit.scope
    principal = caller.principal
    if scope.keys and not _fits_any(scope.keys, (principal.id if principal is not None else "",)):
        return None
    if scope.tenants and not _fits_any(scope.tenants, (_tenant(limit, caller),)):
        return None
    for name, pattern in scope.headers:
        value = caller.header(name)
        if value is None or not _fits(pattern, value):
            return None
    if not limit.per:
        return _of_run(limit, principal) if limit.run_of else ()
    return tuple([_value(per, limit, place, caller) for per in limit.per])


_WHO = (Part.KEY, Part.TENANT, Part.HEADER)


def asks_who(limit: Limit) -> bool:
    """Whether it depends on who calls, or how, which bucket of a limit a request takes from."""
    scope = limit.scope
    by_caller = scope.keys or scope.tenants or scope.headers or limit.run_of
    return bool(by_caller) or any(per.part in _WHO for per in limit.per)


def _of_run(limit: Limit, principal: Principal | None) -> tuple[str, ...] | None:
    run = principal.run if principal is not None else None
    return (run.run,) if run is not None and run.listener == limit.run_of else None


def _value(per: Per, limit: Limit, place: Place, caller: Caller) -> str:
    match per.part:
        case Part.KEY:
            return caller.principal.id if caller.principal is not None else ""
        case Part.TENANT:
            return _tenant(limit, caller)
        case Part.MODEL:
            return place.names[0] if place.names else _short(place.model)
        case Part.LISTENER:
            return place.listener
        case Part.ROUTE:
            return _short(place.route)
        case Part.HEADER:
            return _short(caller.header(per.header) or "")


def _tenant(limit: Limit, caller: Caller) -> str:
    principal = caller.principal
    if principal is not None and principal.tenant:
        return principal.tenant
    return _short((caller.header(limit.tenant_header) or "") if limit.tenant_header else "")


def _short(value: str) -> str:
    if len(value) <= MAX_VALUE_CHARS and value.isprintable():
        return value
    return "#" + blake2b(value.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()


def _fits_any(patterns: Sequence[str], values: Iterable[str]) -> bool:
    return not patterns or any(_fits(pattern, value) for pattern in patterns for value in values)


def _fits(pattern: str, value: str) -> bool:
    if pattern.endswith("*"):
        return bool(value) and value.startswith(pattern[:-1])
    return pattern == value
