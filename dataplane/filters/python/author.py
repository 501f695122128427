"""What you write a filter with: a class in a package of yours, installed beside the data plane.

    from dataplane.filters.python.author import Asked, Exchange, Filter, Refuse

    class NoCards(Filter):
        async def on_request(self, asked: Asked, exchange: Exchange) -> Refuse | None:
            if "4111" in asked.question:
                return Refuse("No card numbers, please.")
            return None

The class is made once for each configuration, with the `settings` of its config. Every method is
optional, and may be `async def` or `def`: what needs nothing from outside is best a plain `def`.
A method that raises, or takes longer than the filter's `timeout`, has failed: `failure_mode` says
what then. All of it runs on the loop that serves everybody, so a method that computes for long
belongs into a thread (`asyncio.to_thread`).
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataplane.filters.api import Context, Cut, Head
from dataplane.filters.asked import Asked
from dataplane.filters.event import Event
from dataplane.filters.text import windowed

__all__ = ["Asked", "Cut", "Event", "Exchange", "Filter", "Head", "Refuse", "windowed"]

Exchange = Context
"""One request with its answer: what is asked for, by whom, and `notes` to keep things in."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """End it here: the client gets this as an error of its API."""

    message: str
    status: int = 403
    """Of an answer that has begun nothing is left to say it in: the error is told in the stream."""


Asked_ = Asked | Refuse | None
Passed = Event | Sequence[Event] | Cut | Refuse | None
Said = str | tuple[str, str] | Cut | Refuse | None


class Filter:
    """Inherit from this, or from nothing: only the names count."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """:param settings: those of the config."""

    def on_request(self, asked: Asked, exchange: Exchange) -> Asked_ | Awaitable[Asked_]:
        """As an input filter. Look at `asked`, change it (`slots`, `instruct`, `json` and
        `changed`), refuse it, or return None.
        """
        return None

    def on_head(
        self, head: Head, exchange: Exchange
    ) -> Head | Refuse | Awaitable[Head | Refuse | None] | None:
        """As an output filter: status and headers of the answer."""
        return None

    def on_event(self, event: Event, exchange: Exchange) -> Passed | Awaitable[Passed]:
        """As an output filter: a whole event of a stream, or a whole answer. None lets it pass, an
        empty list drops it.
        """
        return None

    def on_text(self, text: str, exchange: Exchange, last: bool) -> Said:
        """As an output filter: more of a text of the answer, in any protocol. Return what is said
        instead, or that and what you want to see again in front of what follows (`windowed` does
        both); None lets it pass. A plain `def`: it cannot wait for anybody.
        """
        return None

    def on_end(self, complete: bool, exchange: Exchange) -> Passed | Awaitable[Passed]:
        """As an output filter: there is no more; what is still to go out, or None."""
        return None
