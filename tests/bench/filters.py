"""Python filters that look and do nothing."""

from collections.abc import Mapping
from typing import Any

from dataplane.filters.python.author import Asked, Event, Exchange


class Looks:
    """Of requests."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        pass

    async def on_request(self, asked: Asked, exchange: Exchange) -> None:
        """Lets it pass."""


class Hears:
    """Of answers."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        pass

    def on_event(self, event: Event, exchange: Exchange) -> None:
        """Lets it pass."""
