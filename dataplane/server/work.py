"""Whatever answers a message over some time, as the front sees it."""

from collections.abc import Hashable
from typing import Protocol


class Work(Protocol):
    """Whatever answers a message over some time."""

    @property
    def caller(self) -> Hashable:
        """Whose message it is (callers.py)."""

    def pause(self) -> None:
        """The client reads slowly."""

    def resume(self) -> None:
        """The client reads again."""

    def cancel(self) -> None:
        """The client has left."""

    def on_due(self, now: float) -> None:
        """The front's `due` has passed: its listener's timeout, unless the work has set it."""
