"""A worker that is offered too much: simulated, and held to its rules."""

from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataplane.resilience.admission import (
    BURST_S,
    MAX_RATE,
    MIN_RATE,
    Admission,
    Waiting,
    WaitingRoom,
)
from dataplane.runtime.precedence import Precedence
from tests.support.examples import share_of

TARGET_S = 0.05
LOOK_S = 0.05
STEP_S = 0.001
MAX_WAIT_S = 0.5
SETTLES_S = 1.5
"""How long after a change of load or capacity the rate may take."""


@dataclass
class Told:
    """What became of the requests of a run."""

    offered: int
    finished: int
    shed: int
    lags: list[float]
    """Of every look once it has settled."""
    delays: list[float]
    """From arrival to end, of finished ones, once it has settled."""
    closed_at_end: bool

    def delay(self, share: float) -> float:
        return sorted(self.delays)[int(len(self.delays) * share)]


class Worker:
    """One loop: what is begun is done in its order, refusing costs a part of doing."""

    def __init__(self, capacity: float, seed: int = 1, refusing: float = 0.2) -> None:
        self.capacity = capacity
        self.it = Admission(TARGET_S)
        self.room: WaitingRoom[float] = WaitingRoom()
        self.random = Random(seed)
        self.refusing = refusing
        self.now = 0.0
        self.backlog: list[float] = []
        self.debt = 0.0
        """Seconds of work that refusals have cost."""
        self.finished = self.shed = self.offered = 0
        self.next_look = LOOK_S
        self.credit = 0.0

    @property
    def lag(self) -> float:
        return len(self.backlog) / self.capacity + self.debt

    def refuse(self) -> None:
        self.shed += 1
        self.debt += self.refusing / self.capacity

    def arrive(self) -> None:
        self.offered += 1
        if self.it.closed and not self.it.take(self.now):
            out = self.room.put(Waiting(self.now, Precedence.DEFAULT, self.now + MAX_WAIT_S), 2000)
            if out is not None:
                self.refuse()
        else:
            self.backlog.append(self.now)

    def run(self, seconds: float, load: float) -> Told:
        """Offer `load` times the capacity."""
        self.finished = self.shed = self.offered = 0
        lags: list[float] = []
        delays: list[float] = []
        ends = self.now + seconds
        begun_at = self.now
        while self.now < ends:
            self.now += STEP_S
            self.credit += self.capacity * load * STEP_S
            while self.credit >= 1.0:
                self.credit -= 1.0
                if self.random.random() < 0.5:  # as irregular as a Poisson process, nearly
                    self.arrive()
                if self.random.random() < 0.5:
                    self.arrive()
            worked = STEP_S
            paid = min(self.debt, worked)
            self.debt -= paid
            self.done = getattr(self, "done", 0.0) + (worked - paid) * self.capacity
            while self.done >= 1.0 and self.backlog:
                self.done -= 1.0
                arrived = self.backlog.pop(0)
                if arrived > begun_at + SETTLES_S:
                    delays.append(self.now - arrived)
                self.finished += 1
            self.done = min(self.done, 1.0)
            if self.now >= self.next_look:
                lag = self.lag
                self.next_look = self.now + LOOK_S + lag
                self.look(lag)
                if self.now > begun_at + SETTLES_S:
                    lags.append(lag)
        return Told(self.offered, self.finished, self.shed, lags, delays, self.it.closed)

    def look(self, lag: float) -> None:
        self.total = getattr(self, "total", 0)
        self.it.look(self.now, lag, self.total + self.finished, len(self.room))
        room = self.room
        for stack in room._stacks:
            for entry in [entry for entry in stack if entry.until <= self.now]:
                room.leave(entry)
                self.refuse()
        while (first := room.newest(self.now, lambda _: True)) is not None:
            if self.it.closed and not self.it.take(self.now):
                break
            room.leave(first)
            self.backlog.append(first.work)


@pytest.mark.parametrize("capacity", [200.0, 2000.0, 6000.0])
@pytest.mark.parametrize("load", [1.2, 2.0, 4.0])
def test_offered_too_much_it_does_nearly_all_it_can_and_what_it_does_is_soon_done(
    capacity: float, load: float
) -> None:
    # refusing is cheap here: 2 %, as of a streamed answer
    told = Worker(capacity, refusing=0.02).run(8.0, load)
    assert told.finished >= 0.9 * capacity * 8.0
    assert told.delay(0.99) <= MAX_WAIT_S + 6 * TARGET_S
    assert told.delay(0.5) <= 4 * TARGET_S
    assert max(told.lags) <= 6 * TARGET_S


def test_looks_that_come_together_are_one() -> None:
    it = Admission(TARGET_S)
    it.look(1.0, 9 * TARGET_S, 0, 0)
    it.look(1.001, 9 * TARGET_S, 0, 0)
    assert not it.closed
    it.look(1.05, 9 * TARGET_S, 0, 0)
    assert it.closed


def test_only_a_loop_that_is_hardly_late_and_has_some_left_has_spare() -> None:
    it = Admission(TARGET_S)
    for looks in range(2):
        it.look(1.0 + looks * LOOK_S, 9 * TARGET_S, 0, 0)
    assert it.closed
    assert not it.has_spare(2.0), "it was late when it was looked at last"
    it.look(2.0, 0.0, 0, 1)
    assert it.has_spare(2.0 + LOOK_S)
    while it.take(2.0 + LOOK_S):
        pass
    assert not it.has_spare(2.0 + LOOK_S)


@pytest.mark.parametrize(("waiting", "closed"), [(49, False), (51, True)])
def test_what_would_be_done_in_half_of_the_target_is_no_overload(
    waiting: int, closed: bool
) -> None:
    it, now, finished = Admission(TARGET_S), 0.0, 0
    for late_s in [2 * TARGET_S] * 3 + [0.0] * 40:
        now += LOOK_S
        finished += 100  # two thousand a second
        it.look(now, late_s, finished, waiting)
    assert it.throughput == pytest.approx(2000.0)
    assert it.closed is closed


def test_room_counts_those_that_begin_no_later() -> None:
    room: WaitingRoom[str] = WaitingRoom()
    for precedence in Precedence:
        room.put(Waiting(precedence.name, precedence, 1.0), 9)
    assert [room.count(precedence) for precedence in Precedence] == [3, 2, 1]


@pytest.mark.parametrize("load", [0.3, 0.8, 0.9])
def test_offered_what_it_can_do_nobody_is_refused(load: float) -> None:
    worker = Worker(2000.0)
    told = worker.run(5.0, load)
    assert told.shed == 0
    assert told.finished >= told.offered - 50
    worker.it.look(worker.now, 2 * TARGET_S, 0, 0)
    assert not worker.it.closed, "one look alone says nothing"


def test_worker_that_gets_slower_begins_less_and_then_more_again() -> None:
    worker = Worker(4000.0, refusing=0.02)
    worker.run(2.0, 1.5)
    worker.capacity = 1000.0  # a neighbour took the core
    worker.total = 10_000
    slow = worker.run(6.0, 3.0)
    assert slow.finished >= 0.85 * 6000
    assert max(slow.lags[40:]) <= 6 * TARGET_S
    worker.capacity = 4000.0
    worker.total = 30_000
    again = worker.run(6.0, 2.0)
    assert again.finished >= 0.85 * 24_000


def test_after_an_overload_all_is_begun_again() -> None:
    worker = Worker(2000.0, refusing=0.02)
    assert worker.run(4.0, 2.0).closed_at_end
    worker.total = 8000
    assert not worker.run(4.0, 0.5).closed_at_end
    worker.total = 12_000
    assert worker.run(2.0, 0.5).shed == 0


@given(
    st.lists(
        st.tuples(
            st.floats(0.0, 2.0), st.floats(0.0, 5.0), st.integers(0, 100), st.integers(0, 100)
        ),
        max_size=25,
    )
)
def test_rate_never_stops_and_tokens_are_never_owed(
    looks: list[tuple[float, float, int, int]],
) -> None:
    it, now, finished = Admission(TARGET_S), 0.0, 0
    for wait, lag, more, waiting in looks:
        now += wait
        finished += more
        it.look(now, lag, finished, waiting)
        assert it.rate <= MAX_RATE
        most = int(max(it.rate * BURST_S, 1.0)) + 1
        assert not it.closed or sum(it.take(now) for _ in range(most + 1)) <= most
        if it.closed:
            assert it.rate >= MIN_RATE
            now += 1.1 / it.rate
            assert it.take(now), "a worker never stops altogether"


PRECEDENCES = st.sampled_from(Precedence)


@settings(max_examples=share_of(200))
@given(
    st.lists(st.tuples(PRECEDENCES, st.floats(0.0, 3.0), st.booleans()), min_size=1, max_size=40),
    st.integers(1, 12),
    st.integers(0, 40),
)
def test_waiting_room_is_bounded_and_begins_the_newest_of_the_highest(
    entries: list[tuple[Precedence, float, bool]], limit: int, begins: int
) -> None:
    room: WaitingRoom[int] = WaitingRoom()
    inside: list[Waiting[int]] = []
    for number, (precedence, until, _) in enumerate(entries):
        entry = Waiting(number, precedence, until)
        inside.append(entry)
        out = room.put(entry, limit)
        if out is not None:
            lowest = min(one.precedence for one in inside)
            assert out is next(one for one in inside if one.precedence == lowest)
            inside.remove(out)
        assert len(room) == len(inside) <= limit
    now, begun = 1.0, list[Waiting[int]]()
    while len(begun) < begins:
        found = room.newest(now, lambda number: entries[number][2])
        if found is None:
            break
        room.leave(found)
        begun.append(found)
    fit = [one for one in inside if one.until > now and entries[one.work][2]]
    fit.sort(key=lambda one: (one.precedence, one.work), reverse=True)
    assert begun == fit[:begins]
    assert len(room) == len(inside) - len(begun)


def test_who_has_left_does_not_wait() -> None:
    room: WaitingRoom[str] = WaitingRoom()
    entry = Waiting("a", Precedence.LOW, 1.0)
    room.put(entry, 5)
    assert room.has_above(Precedence.LOW) is False
    room.put(Waiting("b", Precedence.HIGH, 1.0), 5)
    assert room.has_above(Precedence.DEFAULT)
    room.leave(entry)
    room.leave(entry)
    assert len(room) == 1
