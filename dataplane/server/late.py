"""Requests that are told when their answers are late: one timer for all that wait equally long.

A timer of each request's own costs 3 us and keeps the request, its body and all, for as long as it
runs, also when the answer came at once.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

SOON_S = 0.001
"""The loop's clock is that much coarser than ours: who is due so soon is due."""


class Late(Protocol):
    """A request."""

    def on_late(self) -> None:
        """It has waited for so long."""


class LateQueue:
    """Of one length, in one worker: who began to wait first is due first."""

    __slots__ = ("_after_s", "_loop", "_now", "_timer", "_waiting")

    def __init__(
        self, after_s: float, now: Callable[[], float], loop: asyncio.AbstractEventLoop
    ) -> None:
        self._after_s = after_s
        self._now = now
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: dict[Late, float] = {}
        """When each is due."""

    def add(self, request: Late, now: float) -> None:
        """Tell it `after_s` after `now`, unless it is removed."""
        self._waiting[request] = now + self._after_s
        if self._timer is None:
            self._timer = self._loop.call_later(self._after_s, self._look)

    def remove(self, request: Late) -> None:
        """Its answer is there; fine when it was told."""
        self._waiting.pop(request, None)

    def _look(self) -> None:
        self._timer = None
        now = self._now()
        waiting = self._waiting
        while waiting:
            request, due = next(iter(waiting.items()))
            if due > now + SOON_S:
                self._timer = self._loop.call_later(due - now, self._look)
                return
            del waiting[request]
            request.on_late()


class LateQueues:
    """All lengths of one listener."""

    __slots__ = ("_by_length", "_loop", "_now")

    def __init__(self, now: Callable[[], float], loop: asyncio.AbstractEventLoop) -> None:
        self._now = now
        self._loop = loop
        self._by_length: dict[float, LateQueue] = {}

    def of(self, after_s: float) -> LateQueue:
        """Requests that wait for so long before they are told."""
        found = self._by_length.get(after_s)
        if found is None:
            found = self._by_length[after_s] = LateQueue(after_s, self._now, self._loop)
        return found
