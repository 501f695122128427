"""A python filter that does what a test says."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from dataplane.filters.builtin import made
from dataplane.filters.python.author import Asked, Event, Exchange, Head
from dataplane.runtime.config import Filter

_SCRIPTS: dict[str, Mapping[str, Callable[..., Any]]] = {}


class _Scripted:
    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._script = _SCRIPTS[settings["script"]]


class Asks(_Scripted):
    """Of requests."""

    def on_request(self, asked: Asked, exchange: Exchange) -> Any:
        """See author.Filter."""
        return self._script["on_request"](asked)


class AsksLater(_Scripted):
    """The same, as a coroutine."""

    async def on_request(self, asked: Asked, exchange: Exchange) -> Any:
        """See author.Filter."""
        return await self._script["on_request"](asked)


class Hears(_Scripted):
    """Of answers."""

    def on_event(self, event: Event, exchange: Exchange) -> Any:
        """See author.Filter."""
        return self._script["on_event"](event)


class Heads(_Scripted):
    """Of their heads."""

    def on_head(self, head: Head, exchange: Exchange) -> Any:
        """See author.Filter."""
        return self._script["on_head"](head)


def scripted(kind: type[_Scripted], does: Callable[..., Any], **spec: Any) -> Mapping[str, Filter]:
    """A filter whose only method is `does`, by its id: the name of its class."""
    method = next(name for name in vars(kind) if name.startswith("on_"))
    name = kind.__name__
    _SCRIPTS[name] = {method: does}
    settings = {"class": f"{__name__}:{name}", "settings": {"script": name}}
    one = Filter(name, kind="python", settings=msgspec.json.encode(settings).decode(), **spec)
    return {name: replace(one, made=made(one))}
