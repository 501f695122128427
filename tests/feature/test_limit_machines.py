"""Both halves of the leases together, as drawn by hypothesis: workers that come, break off, die and
come again, a control plane that dies, answers longer than was reserved, messages late or lost.

Never above limit plus the stated bound (what workers gave themselves), nothing leaked, no lease
counted twice, no refund above its reservation.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from controlplane.limits.account import Line, Spec
from controlplane.limits.ledger import Denial, Grant, Ledger, Recall, Send
from dataplane.resilience.quota_book import Book, Part, said
from dataplane.resilience.quota_holding import Holding
from dataplane.runtime.limits import Amount, Limit, Measure
from tests.support.examples import share_of

if TYPE_CHECKING:
    from controlplane.limits.session import Session

TOKENS = Amount(Measure.TOKENS, 1000, window_s=10_000.0)
STREAMS = Amount(Measure.CONCURRENT, 5)
LIMIT = Limit("team", (TOKENS, STREAMS))
SPECS = {
    ("team", "tokens"): Spec(TOKENS.capacity, TOKENS.rate),
    ("team", "concurrent"): Spec(STREAMS.capacity, 0.0, returns=True),
}
TTL_S = 10.0
WORKERS = 3
EPSILON = 1e-6
FIELDS = [field.name for field in fields(Line)]


class Request:
    """One exchange of a worker."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.parts: list[Part] = []
        self.used = 0
        self.waits = False


class WorkerSide:
    """A book with its line to the ledger."""

    def __init__(self, name: str, incarnation: int) -> None:
        self.name = name
        self.incarnation = incarnation
        self.book = Book()
        self.session: Session | None = None
        self.up: deque[tuple[float, list[Line], dict[Any, int]]] = deque()
        self.down: deque[Any] = deque()
        self.requests: list[Request] = []
        self.lease_until = 0.0
        self.known = False
        """Whether the control plane that lives now has heard of it."""

    def holdings(self) -> list[Holding]:
        return list(self.book.holdings.values())


def _unheard(worker: WorkerSide) -> int:
    return sum(holding.unreported for holding in worker.holdings() if not holding.returns)


class Leases(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.ledger = Ledger(TTL_S)
        self.ledger.configure(SPECS, self.now)
        self.written: dict[Any, float] = {}
        self.incarnations = 0
        self.workers = [self._worker(str(n)) for n in range(WORKERS)]
        self.spent_by_the_dead = 0
        self.unheard_of_the_dead = 0

    def _worker(self, name: str) -> WorkerSide:
        self.incarnations += 1
        return WorkerSide(name, self.incarnations)

    # -- messages

    def _route(self, sends: list[Send]) -> None:
        for id_, floor in self.ledger.sunk(self.now):
            self.written[id_] = floor
        for send in sends:
            for worker in self.workers:
                if worker.session is send.session:
                    worker.down.append(send)

    def _send(self, worker: WorkerSide) -> None:
        lines = worker.book.lines()
        if worker.session is not None:
            told = [Line(*(getattr(line, name) for name in FIELDS)) for line in lines]
            worker.up.append((self.now, told, said(lines)))

    def _hear(self, worker: WorkerSide) -> None:
        if worker.up and worker.session is not None:
            at, lines, told = worker.up.popleft()
            sends = self.ledger.report(worker.session, lines, self.now)
            worker.down.append(("beat", at, told, self.ledger.holders))
            self._route(sends)

    def _tell(self, worker: WorkerSide) -> None:
        if not worker.down:
            return
        message = worker.down.popleft()
        book = worker.book
        match message:
            case Grant(id=id_, total=total, level=level):
                book.granted(id_, total, level, self.now)
            case Denial(id=id_, level=level):
                book.denied(id_, level, self.now + 0.1, self.now)
            case Recall(id=id_):
                book.recall(id_)
            case ("beat", at, heard, holders):
                worker.lease_until = at + TTL_S
                book.acknowledged(heard)
                book.holders = holders
            case _:
                raise AssertionError(message)

    # -- what happens

    worker_of = st.integers(0, WORKERS - 1)

    @rule(which=worker_of, tokens=st.integers(1, 1000))
    def ask(self, which: int, tokens: int) -> None:
        worker = self.workers[which]
        self._try(worker, Request(tokens))

    def _try(self, worker: WorkerSide, request: Request) -> None:
        holdings = worker.book.of(LIMIT, ("acme",), self.now)
        assert holdings is not None
        wanted = list(zip(holdings, (request.tokens, 1), strict=True))
        found = worker.book.reserve(wanted, self.now)
        if isinstance(found, list):
            request.parts = found
            worker.requests.append(request)
        elif worker.book.connected and not request.waits:
            request.waits = True
            worker.book.wait(wanted, self._again(worker, request))

    def _again(self, worker: WorkerSide, request: Request) -> Callable[[], None]:
        # (called for each of the buckets that lacked)
        return lambda: None if request.parts else self._try(worker, request)

    @rule(which=worker_of, more=st.integers(1, 1200), at=st.integers(0, 5))
    def stream(self, which: int, more: int, at: int) -> None:
        worker = self.workers[which]
        if worker.requests:
            request = worker.requests[at % len(worker.requests)]
            request.used += more
            worker.book.progress(request.parts[0], request.used)

    @rule(which=worker_of, at=st.integers(0, 5))
    def finish(self, which: int, at: int) -> None:
        worker = self.workers[which]
        if worker.requests:
            request = worker.requests.pop(at % len(worker.requests))
            before = request.parts[0].holding.held
            reserved = request.parts[0].reserved
            worker.book.settle(request.parts[0], request.used)
            worker.book.settle(request.parts[1], 0)
            assert request.parts[0].holding.held - before <= reserved
            self.spent_by_the_dead += request.used

    @rule(which=worker_of)
    def send(self, which: int) -> None:
        self._send(self.workers[which])

    @rule(which=worker_of)
    def hear(self, which: int) -> None:
        self._hear(self.workers[which])

    @rule(which=worker_of)
    def tell(self, which: int) -> None:
        self._tell(self.workers[which])

    @rule()
    def all_messages_arrive(self) -> None:
        for _ in range(3):
            for worker in self.workers:
                self._send(worker)
                while worker.up:
                    self._hear(worker)
                while worker.down:
                    self._tell(worker)

    @rule(seconds=st.sampled_from([0.01, 0.2, 1.5, 4.0, 61.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for worker in self.workers:
            worker.book.tick(self.now)
            if self.now >= worker.lease_until:
                if worker.session is not None:
                    self._break(worker)
                worker.book.expired()
        self._route(self.ledger.expire(self.now))

    @rule(which=worker_of)
    def connect(self, which: int) -> None:
        worker = self.workers[which]
        if worker.session is None:
            worker.session, sends = self.ledger.open(worker.name, str(worker.incarnation), self.now)
            worker.lease_until = self.now + TTL_S
            worker.known = True
            self._route(sends)
            worker.book.opened()

    @rule(which=worker_of)
    def break_off(self, which: int) -> None:
        self._break(self.workers[which])

    def _break(self, worker: WorkerSide) -> None:
        session, worker.session = worker.session, None
        worker.up.clear()
        worker.down.clear()
        if session is not None:
            worker.book.lost()
            self._route(self.ledger.lose(session, self.now))

    @rule(which=worker_of)
    def kill(self, which: int) -> None:
        """SIGKILL: what ran there used what it used, and nobody says so."""
        worker = self.workers[which]
        self.spent_by_the_dead += sum(request.used for request in worker.requests)
        self.unheard_of_the_dead += _unheard(worker)
        if worker.session is not None:
            self._route(self.ledger.lose(worker.session, self.now))
        self.workers[which] = self._worker(worker.name)

    @rule()
    def kill_control_plane(self) -> None:
        for worker in self.workers:
            worker.session, worker.known = None, False
            worker.up.clear()
            worker.down.clear()
            worker.book.lost()
        self.ledger = Ledger(TTL_S)
        self.ledger.configure(SPECS, self.now)
        self.ledger.restore(self.written, self.now)

    # -- what holds

    @invariant()
    def never_above_limit_plus_bound(self) -> None:
        """The bound: what workers gave themselves and is not yet paid back."""
        running = sum(
            max(request.used, request.tokens) for w in self.workers for request in w.requests
        )
        unheard = self.unheard_of_the_dead + sum(map(_unheard, self.workers))
        owed = sum(self.ledger.owed(self.now).values())
        allowed = TOKENS.capacity + TOKENS.rate * self.now + unheard + owed
        assert self.spent_by_the_dead + running <= allowed + EPSILON

    @invariant()
    def every_unit_is_in_one_place(self) -> None:
        for worker in self.workers:
            for h in worker.holdings():
                assert h.held >= 0
                assert h.reserved >= 0
                if worker.session is not None:
                    placed = h.held + h.reserved + h.spent + h.returned
                    assert h.granted + h.self_granted == placed

    @invariant()
    def streams_of_those_who_are_heard_of_are_within_the_limit(self) -> None:
        running = given = 0
        for worker in self.workers:
            if worker.known and not worker.book.stale:
                running += len(worker.requests)
                given += sum(h.self_granted for h in worker.holdings() if h.returns)
        assert running <= STREAMS.capacity + given

    def teardown(self) -> None:
        """Nothing is leaked: when all is over, all of it is there again."""
        for worker in self.workers:
            for request in list(worker.requests):
                worker.book.settle(request.parts[0], request.used)
                worker.book.settle(request.parts[1], 0)
            worker.requests.clear()
            for _ in range(50):
                self._send(worker)
                self._hear(worker)
                while worker.down:
                    self._tell(worker)
            self._break(worker)
        self.now += 20 * TTL_S + 100_000
        self._route(self.ledger.expire(self.now))
        self.now += 100_000
        for standing in self.ledger.standings(self.now):
            assert standing.leased == 0
            assert standing.level == standing.capacity


Leases.TestCase.settings = settings(max_examples=share_of(60), stateful_step_count=40)
TestLeases = Leases.TestCase
