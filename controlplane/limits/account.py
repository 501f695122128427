"""One shared bucket: what is there, and what is out with whom. Pure.

The rule, at any time: level + all that is out <= capacity. So what comes back by itself never makes
more than a bucket-full available, however much of it is lying about in workers; and over any time T
no more is spent than capacity + rate x T + what workers gave themselves.
"""

from dataclasses import dataclass

from controlplane.limits.session import Session

BucketId = tuple[str, str, tuple[str, ...]]
"""The limit's name, the measure's word, what separates its buckets."""

FLOOR_SHARE = 8
"""What a restart may lose of a bucket at most, as a part of its capacity."""


@dataclass(frozen=True, slots=True)
class Spec:
    """How much of one measure a limit allows."""

    capacity: int
    rate: float
    """What comes back in a second."""
    returns: bool = False
    """What is out comes back when its holder is gone: requests at the same time."""
    forget_s: float = 0.0
    """Forgotten when nobody has used it for so long, whatever is missing; 0: when it is full."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a worker says of one bucket; see dataplane/resilience/quota_holding.py."""

    id: BucketId
    granted: int = 0
    spent: int = 0
    returned: int = 0
    self_granted: int = 0
    need: int = 0
    ahead: int = 0
    recalled: bool = False
    closed: bool = False
    """The worker forgets the bucket and would count from zero again."""


class Total:
    """What is out of all buckets of one limit and measure."""

    __slots__ = ("leased",)

    def __init__(self) -> None:
        self.leased = 0


class Given:
    """What one session has had of one bucket, since it began."""

    __slots__ = ("granted", "returned", "self_granted", "spent")

    def __init__(self) -> None:
        self.granted = self.returned = self.self_granted = self.spent = 0

    @property
    def out(self) -> int:
        """What it holds or has reserved."""
        return max(self.granted + self.self_granted - self.spent - self.returned, 0)


class Account:
    """Times are on one clock that never goes back, in seconds."""

    __slots__ = (
        "_at",
        "_level",
        "floor",
        "given",
        "helped",
        "id",
        "out",
        "recalled",
        "spec",
        "spent",
        "total",
        "used_at",
        "waiting",
    )

    def __init__(
        self,
        id_: BucketId,
        spec: Spec,
        now: float,
        level: float | None = None,
        total: Total | None = None,
    ) -> None:
        self.id = id_
        self.spec = spec
        self.given: dict[Session, Given] = {}
        self.out = 0
        """The sum of what is out."""
        self.total = total or Total()
        self.spent = 0
        """As far as it was told, since the start: for people."""
        self.waiting: dict[Session, tuple[int, int]] = {}
        """Need and ahead, first come first."""
        self.recalled: set[Session] = set()
        """Who was asked to give back and has not answered."""
        self.helped = False
        """Whether the first that waits has had what others held unused."""
        self._level: float = spec.capacity if level is None else min(level, spec.capacity)
        self._at = self.used_at = now
        self.floor = float(spec.capacity)
        """Written down: the level is not below it."""

    def level(self, now: float) -> float:
        """What can be given; negative: workers gave themselves more than there was."""
        if now > self._at:
            room = self.spec.capacity - self.out
            self._level = min(room, self._level + self.spec.rate * (now - self._at))
            self._at = now
        return self._level

    def full(self, now: float) -> bool:
        """Whether a new one would be no different."""
        return self.level(now) >= self.spec.capacity

    def forgettable(self, now: float) -> bool:
        """Whether nobody would miss it."""
        forget_s = self.spec.forget_s
        return self.full(now) or (forget_s > 0 and now - self.used_at > forget_s)

    def resize(self, spec: Spec, now: float) -> None:
        """The operator allows something else: what was used stays used."""
        self._level = self.level(now) + spec.capacity - self.spec.capacity
        self.spec = spec

    def hear(self, session: Session, line: Line, now: float) -> None:
        """What a session says that it has done."""
        self.level(now)
        self.used_at = now
        given = self._given(session)
        before = given.out
        self._level -= max(line.self_granted - given.self_granted, 0)
        given.self_granted = max(line.self_granted, given.self_granted)
        free = given.out
        back = min(max(line.returned - given.returned, 0), free)
        given.returned += back
        self._level += back
        used = min(max(line.spent - given.spent, 0), given.out)
        given.spent += used
        self.spent += used
        self._moved(given.out - before)
        if line.closed:
            self.end(session, now)

    def give(self, session: Session, n: int, now: float) -> int:
        """Let a session have so much; what it has had by then."""
        assert n <= self.level(now)
        given = self._given(session)
        given.granted += n
        self._level -= n
        self._moved(n)
        return given.granted

    def end(self, session: Session, now: float) -> None:
        """A session is over: what it held is spent, or comes back where that is possible."""
        self.waiting.pop(session, None)
        self.recalled.discard(session)
        self.level(now)
        session.accounts.pop(self, None)
        given = self.given.pop(session, None)
        if given is None:
            return
        left = given.out
        self._moved(-left)
        if self.spec.returns:
            self._level += left
        else:
            self.spent += left

    def _given(self, session: Session) -> Given:
        given = self.given.get(session)
        if given is None:
            given = self.given[session] = Given()
            session.accounts[self] = None
        return given

    def _moved(self, n: int) -> None:
        self.out += n
        self.total.leased += n

    def risen(self, now: float) -> bool:
        """Whether so much has come back that it is worth writing down."""
        level = self.level(now)
        if self.spec.returns or level - self.floor < 2 * self.spec.capacity / FLOOR_SHARE:
            return False
        self.floor = level - self.spec.capacity / FLOOR_SHARE
        return True

    def sunk(self, now: float) -> bool:
        """Whether the floor had to be lowered and is to be written down."""
        level = self.level(now)
        if self.spec.returns or level >= self.floor:
            return False
        self.floor = level - self.spec.capacity / FLOOR_SHARE
        return True
