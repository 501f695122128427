"""One coarse timer for everything that may run out of time: requests, idle connections, slow
senders.

A timer handle per request costs 1.8 us to set and drop; here a request only stores `due` on an
object that is in the wheel anyway. Every object is looked at once a TURN_S, and again at its exact
tick when it will be due before the next look; so an object is told at most a TICK_S late, provided
that `due` lies more than a TURN_S ahead when it is set. Who sets it nearer calls `soon`.

A process that stood still (a collection of garbage, a machine that is too busy) has not heard what
was said meanwhile: the first tick that is late tells nobody anything, so that the sockets are read
first. The next one does, late or not.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

TICK_S = 0.05
SLOTS = 20
TURN_S: Final = TICK_S * SLOTS
NEVER: Final = float("inf")
OVERDUE_S = 0.5
"""Later than any loop is that has only much to do in one turn."""


class Timed(Protocol):
    """Something that may run out of time."""

    due: float
    """On Clock.now(); NEVER when nothing is awaited."""

    def on_due(self, now: float) -> None:
        """`due` has passed; set it anew, or it is called again next turn."""


class Wheel:
    """Tells each object in it when its `due` has passed. Ticks only while something is in it."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._slots: list[dict[Timed, None]] = [{} for _ in range(SLOTS)]
        self._near: list[list[Timed]] = [[] for _ in range(SLOTS)]
        self._home: dict[Timed, int] = {}
        self._cursor = 0
        self._ticking = False
        self._expected = 0.0
        self._owed = 0
        """Slots that are to be looked at by the next tick."""
        self._in_time = True
        """Whether the tick before was."""
        self.overdue = NEVER
        """When the next tick should long have come; whoever acts on it sets it further ahead."""
        self.on_tick: Callable[[float, float], None] | None = None
        """Told at each tick what time it is, and how late the loop was."""

    def add(self, item: Timed) -> None:
        """Watch an object from now on, until `remove`."""
        slot = self._cursor
        self._home[item] = slot
        self._slots[slot][item] = None
        self.soon(item)
        if not self._ticking:
            self._ticking = True
            self._expected = self._now() + TICK_S
            self.overdue = self._expected + OVERDUE_S
            asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def remove(self, item: Timed) -> None:
        """Forget an object; fine when it is not there."""
        slot = self._home.pop(item, None)
        if slot is not None:
            del self._slots[slot][item]

    def soon(self, item: Timed) -> None:
        """File an object at its exact tick when that comes before the next turn's look at it."""
        ahead = item.due - self._now()
        if ahead < TURN_S:
            ticks = min(max(int(ahead / TICK_S) + 1, 1), SLOTS)
            self._near[(self._cursor + ticks) % SLOTS].append(item)

    def lateness(self, now: float) -> float:
        """By how much the next tick is late already, in seconds."""
        return max(now - self._expected, 0.0) if self._ticking else 0.0

    def _tick(self) -> None:
        if not self._home:
            self._ticking = False
            self._owed = 0
            self.overdue = NEVER
            for near in self._near:
                near.clear()
            return
        asyncio.get_running_loop().call_later(TICK_S, self._tick)
        now = self._now()
        late_s = max(now - self._expected, 0.0)
        if self.on_tick is not None:
            self.on_tick(now, late_s)
        self._expected = now + TICK_S
        self.overdue = self._expected + OVERDUE_S
        missed = int(late_s / TICK_S)
        owed = min(self._owed + 1 + missed, SLOTS)
        stood_still = missed and self._in_time
        self._in_time = not missed
        self._owed = owed if stood_still else 0
        if stood_still:
            return
        for _ in range(owed):
            self._advance(now)

    def _advance(self, now: float) -> None:
        """On to the next slot; a loop that is late makes up for those it has missed."""
        cursor = self._cursor = (self._cursor + 1) % SLOTS
        near, self._near[cursor] = self._near[cursor], []
        for item in near:
            if item in self._home:
                self._look(item, now)
        for item in list(self._slots[cursor]):
            self._look(item, now)

    def _look(self, item: Timed, now: float) -> None:
        due = item.due
        if due <= now:
            item.on_due(now)
        elif due < now + TURN_S:
            self.soon(item)
