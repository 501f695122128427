"""Who begins when there is more than the worker can do: requests wait here, begin, or are told 503.

The rule: as long as nothing is too much this costs a request two look-ups. How much may begin is
decided in resilience/admission.py; here it is measured and carried out. Probes never wait.

What is in nobody's caches takes half as much time again, so in overload few are at work at once: no
more begin in a turn of the loop than keep it busy, and of those that ask the newest, which is
mostly who was answered just now. What waits in our memory is cold when its turn comes: to read a
request, keep it and tell it 503 costs twice what it costs to tell it at once. So when it lasts, who
cannot begin is told at once, and then not read for as long as Retry-After asks; what its client
sends all the same waits with the kernel, where it costs nothing.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from dataplane.observe.metrics import Metrics
from dataplane.observe.recorder import Recorder
from dataplane.observe.traceparent import Place
from dataplane.resilience.admission import Admission, Waiting, WaitingRoom
from dataplane.runtime.config import Limits
from dataplane.runtime.messages import LocalReply
from dataplane.runtime.precedence import Precedence
from dataplane.server import checks, dispatch
from dataplane.server.refusals import Refusals
from dataplane.wheel import NEVER, OVERDUE_S, TICK_S, Wheel

if TYPE_CHECKING:
    from dataplane.server.front import Front
    from dataplane.server.incoming import Incoming

REFUSALS: Final = 0.03
"""Requests that are told 503, for each that gets done: with nothing of it in the caches that takes
more CPU than a small one that begins at once. To tell everybody at once would leave little time to
serve anybody; who is not told yet waits, and asks for nothing else meanwhile.
"""
LEAST_REFUSALS: Final = 500.0
MOST_REFUSALS: Final = 2000.0
"""Per second; each took some 40 us, cold, where a small request took 33 (30 November)."""
CATCHES_UP_S: Final = 0.5
"""The refusals of so much time may be told in one go, by a loop that is late: 40 ms of work."""
PER_TURN: Final = 16
"""Requests that may begin in one turn of the loop, in overload; about three times as many are at
work then. A small one takes 24 us of CPU with 128 connections at work, 28 with 256, 37 with 1,000.
"""
FEEDS: Final = 2
"""Requests that begin of those that wait, after a turn in which half of PER_TURN did not begin.
More would come back together, too many for one turn.
"""
TARGET_LAG_S: Final = 0.1
"""How late the loop may be. A thousand connections that ask without a pause make it 40 ms late, and
their answers come all the same.
"""
RESTS_S: Final = 0.9 * float(checks.RETRY_AFTER)
"""A connection that was told 503 is not read for so long, while the worker has too much to do: who
heeds Retry-After finds it read again.
"""
ROOM_S: Final = 0.05
"""When that lasts, no more wait than get done in this time: that of a look."""


class Gate:
    """Of one worker."""

    def __init__(self, now: Callable[[], float], recorder: Recorder) -> None:
        self.closed = False
        """Whether what begins is regulated now."""
        self.buffered = 0
        """Bytes of large request bodies that are held in this worker."""
        self.refusals = Refusals(recorder)
        self._now = now
        self._recorder = recorder
        self._admission = Admission(TARGET_LAG_S)
        self._room: WaitingRoom[Held] = WaitingRoom()
        self._too_late: dict[Held, None] = {}
        """Those that will be told 503, the first of them first."""
        self._resting: deque[tuple[float, Front]] = deque()
        """Connections that are not read, and since when; the first of them first."""
        self._told_at = 0.0
        self._begun = 0
        """In this turn of the loop, while closed."""
        self._refusals = LEAST_REFUSALS
        """Per second."""
        self._look_due = 0.0
        self._looks = 0
        self._late_s = 0.0
        """How late the loop was at the look before."""
        self._closed_since = 0.0

    @property
    def waiting(self) -> int:
        """Requests that have not begun."""
        return len(self._room) + len(self._too_late)

    def observe(self, metrics: Metrics) -> None:
        """Lend what there is to know."""
        metrics.gauge(
            "outrider_admission_queued",
            "Requests that wait for their turn.",
            (),
            lambda: {(): float(self.waiting)},
        )
        metrics.gauge(
            "outrider_admission_resting",
            "Connections that were told 503 and are not read for a while.",
            (),
            lambda: {(): float(len(self._resting))},
        )
        metrics.counter(
            "outrider_admission_shed_total",
            "Requests that were answered 503: too many at once (requests), the loop too late (lag),"
            " too many waiting (queue), too many bytes held (memory).",
            ("reason",),
            lambda: {reason: float(count) for reason, count in self.refusals.count.items()},
        )
        metrics.gauge(
            "outrider_admission_rate",
            "Requests that may begin per second; only while that is regulated.",
            (),
            lambda: {(): self._admission.rate} if self.closed else {},
        )
        metrics.gauge(
            "outrider_loop_lag_seconds",
            "How late the event loop was when it was looked at last.",
            (),
            lambda: {(): self._admission.lag_s},
        )
        metrics.gauge(
            "outrider_buffered_bytes",
            "Bytes of large request bodies that are held.",
            (),
            lambda: {(): float(self.buffered)},
        )

    # -- at work

    def look(self, now: float, late_s: float) -> None:
        """The loop was `late_s` late: regulate, and let those begin that may."""
        self._looks += 1
        # Who would have had room meanwhile has not waited; what made room is read after this look.
        stood_still_s, self._late_s = late_s + self._late_s, late_s
        self._regulate(now, late_s)
        if self._too_late:
            self._tell(now)
        elif self._resting:
            self._read_again(now)
        self._begin_some(now - stood_still_s, now, len(self._room))

    def _begin_some(self, then: float, now: float, most: int) -> None:
        """Let the newest begin that there is room for; who was too late `then` is passed over."""
        room = self._room
        for _ in range(most):
            entry = room.newest(then, _has_room)
            if entry is None or (self.closed and not self._take(now)):
                return
            room.leave(entry)
            entry.work.begin()

    def _take(self, now: float) -> bool:
        """Whether one may begin now, while closed; it then counts."""
        if self._begun >= PER_TURN or not self._admission.take(now):
            return False
        if not self._begun:
            asyncio.get_running_loop().call_soon(self._next_turn)
        self._begun += 1
        return True

    def _next_turn(self) -> None:
        """The loop has done what there was to do."""
        begun, self._begun = self._begun, 0
        if self.closed and begun < PER_TURN // 2 and len(self._room):
            now = self._now()
            self._begin_some(now, now, FEEDS)

    def look_late(self, now: float, wheel: Wheel) -> None:
        """The wheel should have ticked long ago: libuv runs no timer and nothing that is to be done
        soon while it finds a thousand sockets ready again and again, 48 times in a row.
        """
        wheel.overdue = now + OVERDUE_S
        self._regulate(now, wheel.lateness(now))

    def _regulate(self, now: float, late_s: float) -> None:
        finished = self._recorder.finished - self.refusals.count.total()
        admission = self._admission
        admission.look(now, late_s, finished, self.waiting + len(self._resting))
        share = REFUSALS * admission.throughput
        self._refusals = min(max(share, LEAST_REFUSALS), MOST_REFUSALS)
        if not self.closed:
            self._closed_since = now
        self.closed = self._admission.closed
        self._look_due = now + 2 * TICK_S

    def begins(self, front: "Front", incoming: "Incoming") -> bool:
        """Whether a request begins at once although not everything may: there is room for it, and
        nobody before it.
        """
        serving = incoming.serving
        listener = front.host
        if self.closed and incoming.started > self._look_due:
            self.look_late(incoming.started, listener.wheel)
        if listener.active >= serving.request_limit:
            return False
        return not self.closed or (
            not self._has_waited(front, incoming)
            and not self._room.has_above(serving.precedence)
            and self._take(incoming.started)
        )

    def _has_waited(self, front: "Front", incoming: "Incoming") -> bool:
        """Whether a request lay unread while its connection rested, and it lasts."""
        return front.woken == self._looks and self._lasts(incoming)

    def _lasts(self, incoming: "Incoming") -> bool:
        closed_s = incoming.started - self._closed_since
        return self.closed and closed_s >= incoming.serving.queue_timeout_s

    def waits(self, front: "Front", incoming: "Incoming", place: Place) -> bool:
        """Whether a request that does not begin at once has to wait, or was told that it is too
        much.
        """
        serving = incoming.serving
        is_full = front.host.active >= serving.request_limit
        precedence, limits = serving.precedence, serving.limits
        now = incoming.started
        lasts, has_waited = self._lasts(incoming), self._has_waited(front, incoming)
        if not (limits.max_queue and limits.queue_timeout_s):
            self.tell(front, incoming, place, "requests" if is_full else "lag")
            return True
        if has_waited or (lasts and self._in_vain(precedence, now)):
            self.refusals.tell(front, incoming, place, "queue")
            if has_waited and not len(self._room) and self._admission.has_spare(now):
                front.woken = -1  # what it sends next has not waited, and may begin
            else:
                self._let_rest(front, now)
            return True
        why = "requests" if is_full else "lag"
        held = Held(self, front, incoming, place, why)
        held.entry = Waiting(held, precedence, now + limits.queue_timeout_s)
        front.hold(held, held.entry.until)
        out = self._room.put(held.entry, limits.max_queue)
        if out is not None:
            out.work.why = "queue"
            self.too_late(out.work, now)
        return True

    def _in_vain(self, precedence: Precedence, now: float) -> bool:
        """Whether it is better to be told at once than to wait; it then counts as told."""
        if (
            self._too_late
            or now < self._told_at + 1.0 / self._refusals
            or self._room.count(precedence) < max(self._admission.throughput * ROOM_S, 1.0)
        ):
            return False
        self._told_at = max(self._told_at, now - CATCHES_UP_S) + 1.0 / self._refusals
        return True

    def tell(self, front: "Front", incoming: "Incoming", place: Place, why: str) -> None:
        """Tell a client that it is too much; while it is, it is not heard again at once."""
        self.refusals.tell(front, incoming, place, why)
        self._let_rest(front, incoming.serving.now())

    def _let_rest(self, front: "Front", now: float) -> None:
        if self.closed and front.rest():
            self._resting.append((now, front))

    def _read_again(self, now: float) -> None:
        """Some of those that rest; no more than can be told 503 once more."""
        resting = self._resting
        told_at = max(self._told_at, now - CATCHES_UP_S)
        while resting and resting[0][0] + RESTS_S <= now and told_at + 1.0 / self._refusals <= now:
            front = resting.popleft()[1]
            front.wake(now)
            front.woken = self._looks  # (what was there unread comes before the next look)
            told_at += 1.0 / self._refusals
        self._told_at = told_at

    def too_late(self, held: "Held", now: float) -> None:
        """It will not begin any more; it is told so when there is time."""
        self._room.leave(held.entry)
        held.front.due = NEVER
        self._too_late[held] = None
        if len(self._too_late) == 1 and now >= self._told_at + 1.0 / self._refusals:
            self._tell(now)

    def _tell(self, now: float) -> None:
        """Tell some of them."""
        waiting = self._too_late
        count = int(min(now - self._told_at, CATCHES_UP_S) * self._refusals)
        if not count:
            return
        self._told_at = now
        for held in list(islice(waiting, count)):
            del waiting[held]
            held.front.let_go()
            held.refuse()

    def is_scarce(self, limits: Limits) -> bool:
        """Whether bytes should be let go of that are not needed."""
        return self.buffered > limits.max_buffered_bytes // 2

    def refusal(self, incoming: "Incoming", size: int) -> LocalReply | None:
        """Why `size` more bytes of a large body are not taken."""
        limits = incoming.serving.limits
        why = ""
        if self.buffered + size > limits.max_buffered_bytes:
            why = "memory"
        elif self.closed and self.waiting >= limits.max_queue:
            why = "lag"
        if not why:
            return None
        self.refusals.count[(why,)] += 1
        return checks.overloaded(why)

    def leave(self, held: "Held") -> None:
        """It waits no longer."""
        self._room.leave(held.entry)
        self._too_late.pop(held, None)


class Held:
    """A request that waits; see Work."""

    __slots__ = ("_gate", "_incoming", "_place", "entry", "front", "why")

    caller: Hashable = None

    def __init__(
        self, gate: Gate, front: "Front", incoming: "Incoming", place: Place, why: str
    ) -> None:
        self.entry: Waiting[Held]
        self.front = front
        self._gate = gate
        self._incoming = incoming
        self._place = place
        self.why = why
        """What was too much."""

    @property
    def has_room(self) -> bool:
        """Whether its listener has room for one more."""
        return self.front.host.active < self._incoming.serving.request_limit

    def begin(self) -> None:
        """Its turn has come."""
        self.entry = _OVER
        self.front.let_go()
        try:
            dispatch.begin(self.front, self._incoming, self._place)
        except Exception:
            self.front.failed()

    def refuse(self) -> None:
        """Tell its client that it is too much."""
        self.entry = _OVER
        self._gate.tell(self.front, self._incoming, self._place, self.why)

    def on_due(self, now: float) -> None:
        """It has waited too long."""
        self._gate.too_late(self, now)

    def pause(self) -> None:
        """There is nothing to pause."""

    def resume(self) -> None:
        """See `pause`."""

    def cancel(self) -> None:
        """The client has left."""
        self._gate.leave(self)
        self.entry = _OVER
        dispatch.left(self.front, self._incoming, self._place)


_OVER: Waiting[Any] = Waiting(None, Precedence.DEFAULT, 0.0)
"""The entry of one that waits no longer: its own holds it, and the pair would lie about, with all
of the request, until the garbage collector comes (100 MB in a minute of overload).
"""


def _has_room(held: Held) -> bool:
    return held.has_room
