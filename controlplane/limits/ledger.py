"""All shared buckets, and who holds what of them: the pure half of the lease service.

The rules. A grant is taken off its bucket before it is sent. A session that is not heard of for
TTL_S is over; what it held counts as spent then, once, and a worker stops using it earlier than
that by its own clock. A worker that needs something gets it first come first served; when the
bucket has too little, what others hold unused is called back, and only then is it refused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controlplane.limits.account import Account, BucketId, Line, Spec, Total
from controlplane.limits.session import Session

TTL_S = 10.0
"""How long a lease holds without a word of its holder."""
MAX_ACCOUNTS = 1_000_000
"""Buckets; some 600 bytes each. Beyond that nothing is given of new ones."""
SWEPT_AT_ONCE = 2000
"""Buckets looked at in one sweep, whether they can be forgotten: 1 ms."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The session has had `total` of the bucket by now."""

    session: Session
    id: BucketId
    total: int
    level: float


@dataclass(frozen=True, slots=True)
class Denial:
    """What the session needs is not there."""

    session: Session
    id: BucketId
    level: float


@dataclass(frozen=True, slots=True)
class Recall:
    """Give back what is not used."""

    session: Session
    id: BucketId


Send = Grant | Denial | Recall


@dataclass(frozen=True, slots=True)
class Standing:
    """A bucket, for people."""

    id: BucketId
    capacity: int
    rate: float
    level: float
    leased: int
    spent: int
    holders: int


class Ledger:
    """One control plane's."""

    def __init__(self, ttl_s: float = TTL_S) -> None:
        self.ttl_s = ttl_s
        self._specs: Mapping[tuple[str, str], Spec] = {}
        self._accounts: dict[BucketId, Account] = {}
        self.sessions: dict[Session, None] = {}
        """Those that have not expired."""
        self._restored: dict[BucketId, float] = {}
        self._restored_at = 0.0
        self._changed: dict[Account, None] = {}
        self._owing: dict[Account, None] = {}
        """Those that workers had more of than there was, when they were last touched."""
        self._totals: dict[tuple[str, str], Total] = {}
        self._sweep: list[BucketId] = []
        self._swept: list[BucketId] = []

    def configure(self, specs: Mapping[tuple[str, str], Spec], now: float) -> None:
        """What limits allow, by name and measure; buckets keep what was used of them."""
        self._specs = specs
        self._totals = {key: self._totals.get(key) or Total() for key in specs}
        for id_, account in list(self._accounts.items()):
            spec = specs.get((id_[0], id_[1]))
            if spec is None:
                del self._accounts[id_]
                self._owing.pop(account, None)
            elif spec != account.spec:
                account.resize(spec, now)

    def restore(self, levels: Mapping[BucketId, float], now: float) -> None:
        """What buckets have that an earlier control plane wrote down, by now."""
        self._restored = dict(levels)
        self._restored_at = now

    # -- sessions

    def open(self, holder: str, incarnation: str, now: float) -> tuple[Session, list[Send]]:
        """A worker comes, or comes again: what it held before is over."""
        sends: list[Send] = []
        for old in list(self.sessions):
            if old.holder == holder and old.incarnation == incarnation:
                sends += self.end(old, now)
        session = Session(holder, incarnation, now + self.ttl_s)
        self.sessions[session] = None
        return session, sends

    def beat(self, session: Session, now: float) -> None:
        """A session was heard of."""
        session.expires_at = now + self.ttl_s

    def lose(self, session: Session, now: float) -> list[Send]:
        """A session cannot be spoken to any more; its worker may still spend what it holds."""
        session.live = False
        sends: list[Send] = []
        for account in session.accounts:
            if session in account.waiting or session in account.recalled:
                account.waiting.pop(session, None)
                account.recalled.discard(session)
                sends += self._serve(account, now)
        return sends

    def end(self, session: Session, now: float) -> list[Send]:
        """A session is over for good."""
        session.live = False
        self.sessions.pop(session, None)
        sends: list[Send] = []
        for account in list(session.accounts):
            account.end(session, now)
            self._changed[account] = None
            sends += self._serve(account, now)
        return sends

    def expire(self, now: float) -> list[Send]:
        """End what was not heard of for too long."""
        sends: list[Send] = []
        for session in [one for one in self.sessions if one.expires_at <= now]:
            sends += self.end(session, now)
        return sends

    @property
    def is_used(self) -> bool:
        """Whether there is anything to remember."""
        return bool(self._accounts or self._restored)

    @property
    def holders(self) -> int:
        """Sessions, those among them that have just been lost."""
        return max(len(self.sessions), 1)

    # -- what they say

    def report(self, session: Session, lines: Iterable[Line], now: float) -> list[Send]:
        """Hear a session out; what is to be said to whom."""
        sends: list[Send] = []
        if session not in self.sessions:
            return sends
        self.beat(session, now)
        for line in lines:
            account = self._account(line.id, now)
            if account is None:
                if line.need:
                    sends.append(self._free(session, line))
                continue
            account.hear(session, line, now)
            self._changed[account] = None
            if line.recalled:
                account.recalled.discard(session)
            given = account.given.get(session)
            coming = given.granted - line.granted if given is not None else 0
            need = max(line.need - coming, 0)
            ahead = max(line.ahead - max(coming - line.need, 0), 0)
            if need or ahead:
                account.waiting[session] = (need, ahead)
            else:
                account.waiting.pop(session, None)
            sends += self._serve(account, now)
        return sends

    def _account(self, id_: BucketId, now: float) -> Account | None:
        account = self._accounts.get(id_)
        if account is None:
            spec = self._specs.get((id_[0], id_[1]))
            if spec is None or len(self._accounts) >= MAX_ACCOUNTS:
                return None
            level = self._restored.pop(id_, None)
            since = now if level is None else self._restored_at
            total = self._totals[id_[0], id_[1]]
            account = self._accounts[id_] = Account(id_, spec, since, level, total)
        return account

    def _free(self, session: Session, line: Line) -> Send:
        """The operator has taken a limit back, and a worker does not know it yet; or there are too
        many buckets.
        """
        if (line.id[0], line.id[1]) in self._specs:
            return Denial(session, line.id, 0.0)
        return Grant(session, line.id, line.granted + line.need, 0.0)

    def _serve(self, account: Account, now: float) -> list[Send]:
        """Give to who waits, call back what lacks, refuse what cannot be had."""
        sends: list[Send] = []
        for session, (need, ahead) in list(account.waiting.items()):
            level = account.level(now)
            if need > level:
                if account.recalled:
                    break
                if need and not account.helped:
                    sends += self._recall(account, session, need - level)
                    if account.recalled:
                        break
                if need:
                    # Several may wait for this together: some of them get theirs.
                    part = int(max(level, 0.0))
                    if part:
                        total = account.give(session, part, now)
                        level = account.level(now)
                        sends.append(Grant(session, account.id, total, level))
                    sends.append(Denial(session, account.id, level))
            else:
                more = min(ahead, int((level - need) / (2 * self.holders)))
                if need + more:
                    total = account.give(session, need + more, now)
                    sends.append(Grant(session, account.id, total, account.level(now)))
            account.helped = False
            del account.waiting[session]
        return sends

    def _recall(self, account: Account, waiting: Session, lack: float) -> list[Send]:
        """Call back what others hold, if that can be enough."""
        out = {one: given.out for one, given in account.given.items() if one is not waiting}
        holding = [one for one, n in out.items() if n and one.live]
        if sum(out[one] for one in holding) < lack:
            return []
        account.recalled.update(holding)
        account.helped = True
        return [Recall(one, account.id) for one in holding]

    # -- for the record

    def sunk(self, now: float) -> list[tuple[BucketId, float]]:
        """Floors that must be written down before anybody hears of what has changed."""
        changed, self._changed = self._changed, {}
        for account in changed:
            if account.level(now) < 0:
                self._owing[account] = None
        return [(account.id, account.floor) for account in changed if account.sunk(now)]

    def risen(self, now: float) -> list[tuple[BucketId, float]]:
        """Floors of what was looked at in the last sweep, where they are far too low."""
        looked = (self._accounts.get(id_) for id_ in self._swept)
        return [(one.id, one.floor) for one in looked if one is not None and one.risen(now)]

    def floors(self, now: float, exact: bool = False) -> dict[BucketId, float]:
        """What is written down of every bucket; `exact` when nothing happens after it."""
        return {
            id_: account.level(now) if exact else min(account.floor, account.level(now))
            for id_, account in self._accounts.items()
            if not account.spec.returns and not account.forgettable(now)
        } | self._waiting_levels(now)

    def _waiting_levels(self, now: float) -> dict[BucketId, float]:
        """Of buckets that were written down and nobody has used since."""
        passed = now - self._restored_at
        levels = {}
        for id_, level in self._restored.items():
            spec = self._specs.get((id_[0], id_[1]))
            if spec is None or (spec.forget_s and passed > spec.forget_s):
                continue
            if level + spec.rate * passed < spec.capacity:
                levels[id_] = level + spec.rate * passed
        return levels

    def sweep(self, now: float) -> None:
        """Forget some of the buckets that are full, or whose time is over."""
        if not self._sweep:
            self._sweep = list(self._accounts)
        some, self._sweep = self._sweep[:SWEPT_AT_ONCE], self._sweep[SWEPT_AT_ONCE:]
        self._swept = some
        for id_ in some:
            account = self._accounts.get(id_)
            if account is not None and not account.given and account.forgettable(now):
                del self._accounts[id_]

    def standings(self, now: float) -> list[Standing]:
        """Every bucket that somebody has used."""
        return [
            Standing(
                id_,
                account.spec.capacity,
                account.spec.rate,
                account.level(now),
                account.out,
                account.spent,
                sum(bool(given.out) for given in account.given.values()),
            )
            for id_, account in self._accounts.items()
        ]

    def owed(self, now: float) -> dict[tuple[str, str], float]:
        """By limit and measure, what workers gave themselves beyond what there was."""
        owed = dict.fromkeys(self._totals, 0.0)
        levels = self._waiting_levels(now)
        for account in list(self._owing):
            levels[account.id] = account.level(now)
            if levels[account.id] >= 0:
                del self._owing[account]
        for id_, level in levels.items():
            if level < 0:
                owed[id_[0], id_[1]] += -level
        return owed

    def leased(self) -> dict[tuple[str, str], float]:
        """By limit and measure, what is out."""
        return {key: float(total.leased) for key, total in self._totals.items()}
