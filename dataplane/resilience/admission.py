"""How much new work a worker begins while it has more than it can do. Pure: lags and counts are
told.

What a Python process runs out of is the time of its one loop; streams that wait for a model cost
none of it. So the loop's lag is the sign of overload, and what is regulated is how many requests
begin per second. The rules. A worker that is not overloaded is not slowed down. In overload the
rate follows what really gets finished, down while the loop is late and up while it is not (DAGOR's
way, Zhou et al. 2018). Of what has to wait the newest begins first, because its client is the
likeliest to be there still; who waits too long is told so. Nothing of a lower precedence begins
before what waits of a higher one.
"""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from dataplane.runtime.precedence import Precedence

T = TypeVar("T")


MIN_RATE: Final = 10.0
"""Requests per second: a worker never stops altogether."""
VERY_LATE: Final = 5.0
"""Times the target. Below it a loop may be late because others have its core, and then beginning
less makes nobody's answer come sooner: FIRST_RATE is always begun.
"""
MAX_RATE: Final = 100_000.0
"""Several times what any worker does; more would only be further to come down."""
FIRST_RATE: Final = 100.0
"""What an overload begins with at least: whoever was idle until now has finished nothing."""
LATE_LOOKS: Final = 2
"""So many looks in a row must find the loop late: one alone is a collection of garbage, or a
megabyte that was decoded.
"""
CALM_S: Final = 1.0
"""So long must all be well before nothing is regulated any more."""
DOWN: Final = 0.9
UP: Final = 0.5
"""Per look, about twenty a second, of a loop that is not late at all; less, the nearer it is to the
target, so that the rate comes to rest there.
"""
SAME_S: Final = 0.02
"""Looks that are no further apart are one: a loop that was held up once is late once."""
DRAIN_S: Final = 0.5
"""In what time the work that makes the loop late is to be done."""
LEAST: Final = 0.3
"""Of what gets finished, while that is done."""
SPARE: Final = 0.25
"""Of the target: a loop that is no later than this could do more."""
SOON: Final = 0.5
"""Of the target: what waits and would be done in so long is no overload, even if all of it began at
once and nothing of it were in the caches.
"""
BURST_S: Final = 0.05
"""What may begin at once, of the rate: the time between two looks."""
WINDOW_S: Final = 0.5
"""Over how long the rate of finished requests is taken."""


class Throughput:
    """How many requests get finished per second."""

    __slots__ = ("_marks",)

    def __init__(self) -> None:
        self._marks: list[tuple[float, int]] = []

    def look(self, now: float, finished: int) -> float:
        """The rate of late; 0 when nothing is known yet."""
        marks = self._marks
        marks.append((now, finished))
        while len(marks) > 2 and marks[1][0] <= now - WINDOW_S:
            marks.pop(0)
        began, had = marks[0]
        return (finished - had) / (now - began) if now - began > 1e-3 else 0.0


class Admission:
    """Of one worker. Times on Clock.now(), in seconds."""

    __slots__ = (
        "_calm_since",
        "_late",
        "_looked_at",
        "_seen_at",
        "_throughput",
        "_tokens",
        "closed",
        "lag_s",
        "rate",
        "target_s",
        "throughput",
    )

    def __init__(self, target_s: float) -> None:
        self.target_s = target_s
        """How late the loop may be."""
        self.closed = False
        """Whether what begins is regulated: only then must `take` be asked."""
        self.rate = 0.0
        """Requests that may begin per second, while closed."""
        self.lag_s = 0.0
        """The latest look."""
        self.throughput = 0.0
        """Requests that were finished per second, of late."""
        self._late = 0
        self._looked_at = 0.0
        self._seen_at = -1.0
        self._calm_since = 0.0
        self._throughput = Throughput()
        self._tokens = 0.0

    def look(self, now: float, late_s: float, finished: int, waiting: int) -> None:
        """The loop was `late_s` late; `finished` requests are done since the start, refused ones
        not counted, and `waiting` ones have not begun.
        """
        self.lag_s = late_s
        if now - self._seen_at < SAME_S:
            return
        self._seen_at = now
        finishing = self.throughput = self._throughput.look(now, finished)
        late = late_s > self.target_s
        self._late = self._late + 1 if late else 0
        if not self.closed:
            if self._late >= LATE_LOOKS:
                self.closed = True
                able = min(finishing, MAX_RATE)
                self.rate = max(able * self._draining(late_s), FIRST_RATE)
                self._calm_since = now
                self._tokens = 0.0
            self._looked_at = now
            return
        self._tokens = min(
            self._tokens + (now - self._looked_at) * self.rate, max(self.rate * BURST_S, 1.0)
        )
        self._looked_at = now
        if late:
            able = min(finishing, self.rate) if finishing else self.rate
            least = FIRST_RATE if late_s < VERY_LATE * self.target_s else MIN_RATE
            self.rate = max(able * self._draining(late_s), least)
            self._calm_since = now
        else:
            self.rate = min(self.rate * (1.0 + UP * (1.0 - late_s / self.target_s)), MAX_RATE)
            if waiting > finishing * self.target_s * SOON:
                self._calm_since = now
            elif now - self._calm_since >= CALM_S:
                self.closed = False

    def _draining(self, late_s: float) -> float:
        """Which part of what can be done may begin, so that what is there gets done."""
        return min(max(1.0 - (late_s - self.target_s / 2) / DRAIN_S, LEAST), DOWN)

    def has_spare(self, now: float) -> bool:
        """Whether more could begin than does: the loop is hardly late, and half of a burst left."""
        if self.lag_s > SPARE * self.target_s:
            return False
        return self._tokens + (now - self._looked_at) * self.rate >= self.rate * BURST_S / 2

    def take(self, now: float) -> bool:
        """Whether a request may begin now; it then counts."""
        tokens = self._tokens + (now - self._looked_at) * self.rate
        tokens = min(tokens, max(self.rate * BURST_S, 1.0))
        self._looked_at = max(now, self._looked_at)
        self._tokens = tokens
        if tokens < 1.0:
            return False
        self._tokens = tokens - 1.0
        return True


class Waiting(Generic[T]):
    """A request that has not begun."""

    __slots__ = ("precedence", "until", "work")

    def __init__(self, work: T, precedence: Precedence, until: float) -> None:
        self.work = work
        self.precedence = precedence
        self.until = until
        """When it is too late."""


class WaitingRoom(Generic[T]):
    """Requests that wait, newest first, by precedence. Bounded: the oldest of the lowest precedence
    makes room.
    """

    __slots__ = ("_size", "_stacks")

    def __init__(self) -> None:
        self._stacks: tuple[dict[Waiting[T], None], ...] = tuple({} for _ in Precedence)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def count(self, precedence: Precedence) -> int:
        """How many wait that begin before one of a lower precedence than this."""
        return sum(map(len, self._stacks[precedence:]))

    def has_above(self, precedence: Precedence) -> bool:
        """Whether somebody of a higher precedence waits."""
        return self._size > 0 and any(self._stacks[precedence + 1 :])

    def put(self, entry: Waiting[T], limit: int) -> Waiting[T] | None:
        """Let one wait; who cannot wait any longer because of it, itself maybe."""
        self._stacks[entry.precedence][entry] = None
        self._size += 1
        if self._size <= limit:
            return None
        lowest = next(stack for stack in self._stacks if stack)
        oldest = next(iter(lowest))
        del lowest[oldest]
        self._size -= 1
        return oldest

    def leave(self, entry: Waiting[T]) -> None:
        """Its client has gone, or it was too late."""
        stack = self._stacks[entry.precedence]
        if entry in stack:
            del stack[entry]
            self._size -= 1

    def newest(self, now: float, may: Callable[[T], bool]) -> Waiting[T] | None:
        """Who begins next: the newest of the highest precedence; it goes on waiting until `leave`.

        :param may: whether there is room for one; those that there is none for are passed over.
        """
        for stack in reversed(self._stacks):
            for entry in reversed(stack):
                if entry.until > now and may(entry.work):
                    return entry
        return None
