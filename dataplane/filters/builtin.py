"""The filters there are: from an operator's words to something that runs.

A kind can be removed with its folder and its line here (and in controlplane/config/filters/).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import cast

from dataplane.filters import api
from dataplane.filters.cache.filter import CacheFilter
from dataplane.filters.chain import Chain, chained
from dataplane.filters.headers.filter import HeadersFilter
from dataplane.filters.http.filter import HttpFilter
from dataplane.filters.mcp.filter import McpFilter
from dataplane.filters.prompt.filter import PromptFilter
from dataplane.filters.python.filter import PythonFilter
from dataplane.runtime.config import Filter


def _patterns(config: Filter) -> api.Filter:
    from dataplane.filters.patterns.filter import PatternsFilter

    return PatternsFilter(config)


def _pii(config: Filter) -> api.Filter:
    from dataplane.filters.pii.filter import PiiFilter

    return PiiFilter(config)


def _screening(config: Filter) -> api.Filter:
    from dataplane.filters.screening.filter import ScreeningFilter

    return ScreeningFilter(config)


def _json_schema(config: Filter) -> api.Filter:
    from dataplane.filters.json_schema.filter import JsonSchemaFilter

    return JsonSchemaFilter(config)


def _log(config: Filter) -> api.Filter:
    from dataplane.filters.log.filter import LogFilter

    return LogFilter(config)


KINDS: Mapping[str, Callable[[Filter], api.Filter]] = {
    "http": HttpFilter,
    "mcp": McpFilter,
    "headers": HeadersFilter,
    "prompt": PromptFilter,
    # (imported when a config has one: their libraries take 40 to 300 ms)
    "patterns": _patterns,
    "pii": _pii,
    "log": _log,
    "cache": CacheFilter,
    "screening": _screening,
    "json_schema": _json_schema,
    "python": PythonFilter,
}
"""What makes a filter of its configuration, by `type`. Raises UnusableFilterError."""


def made(config: Filter) -> api.Filter:
    """The filter that a configuration describes. Raises UnusableFilterError."""
    make = KINDS.get(config.kind)
    if make is None:
        raise api.UnusableFilterError(f"type {config.kind!r} is not one this data plane has")
    return make(config)


def filters(names: Iterable[str], config: Mapping[str, Filter]) -> list[api.Filter]:
    """The filters of a chain. `config` knows every name (RuntimeConfig is consistent)."""
    specs = [config[name] for name in names]
    return [made(one) if one.made is None else cast(api.Filter, one.made) for one in specs]


class Chains:
    """The chains of one configuration, each made once."""

    def __init__(self, config: Mapping[str, Filter]) -> None:
        self._config = config
        self._made: dict[tuple[str, ...], Chain] = {}

    def of(self, names: tuple[str, ...]) -> Chain:
        """The filters of these names."""
        found = self._made.get(names)
        if found is None:
            found = self._made[names] = chained(names, filters(names, self._config))
        return found


def passed_over(config: Mapping[str, Filter]) -> Mapping[tuple[str, ...], float]:
    """How often each filter that may has failed with no consequence; by its id."""
    running = [one.made for one in config.values() if one.fails_open]
    return {(one.id,): one.passed_over for one in running if isinstance(one, api.Filter)}
