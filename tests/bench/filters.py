"""Python filters that look and do nothing."""

from collections.abc import Mapping
from typing import Any

from dataplane.filters.python.author import Asked, Event, Exchange, Head


class Quiet:
    """What they have in common."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        pass


class Looks(Quiet):
    """Of requests, as a coroutine that waits for nobody."""

    async def on_request(self, asked: Asked, exchange: Exchange) -> None:
        """Lets it pass."""


class Glances(Quiet):
    """Of requests."""

    def on_request(self, asked: Asked, exchange: Exchange) -> None:
        """Lets it pass."""


class Hears(Quiet):
    """Of answers."""

    def on_event(self, event: Event, exchange: Exchange) -> None:
        """Lets it pass."""


class Reads(Quiet):
    """Of answers, and looks into them."""

    def on_event(self, event: Event, exchange: Exchange) -> None:
        """Lets it pass."""
        event.text  # noqa: B018 - reading is what it is for


class Greets(Quiet):
    """Of the heads of answers only."""

    def on_head(self, head: Head, exchange: Exchange) -> None:
        """Lets it pass."""
