"""What one worker holds of shared limits, and what its requests have reserved of that.

The rules. A worker spends only what it was given: grants are counted before they are sent, so all
workers together never spend more than the limit. What was not foreseen (an answer longer than its
reservation) is taken from what is held; where that is not enough, or nobody can be asked, the rest
is a *self-grant*: told to whoever leases, taken off the shared bucket, and the only way above a
limit. A refund is never more than the reservation
was. What is held when a session ends is gone: the other side counts it as spent.

Pure: whoever talks to the other side (dataplane/xds/leases.py, dataplane/sessions/quota_redis.py)
takes `lines` and brings `granted`, `denied`, `recall`; `opened`, `lost` and `expired` say whether
there is one.
"""

from collections.abc import Callable, Sequence

from dataplane.resilience.quota import Bucket, Granted
from dataplane.resilience.quota_holding import BucketId, Holding, Line, Total, Values
from dataplane.runtime.limits import Amount, Limit

IDLE_S = 1.0
"""What was not used for so long is given back, so that another worker may have it."""
FORGET_S = 60.0
"""A bucket nobody has asked for in this time is forgotten; the other side keeps its level."""
FORGOTTEN_AT_ONCE = 1000
"""Buckets forgotten in one tick: 1 ms."""
LOOKED_AT_ONCE = 1000
"""Buckets looked at in one tick: 1 ms."""
MAX_HOLDINGS = 100_000
"""Buckets of one worker; beyond that requests that would need a new one are refused."""


Again = Callable[[], None]
Wanted = Sequence[tuple[Holding, int]]


class Part:
    """What one exchange has reserved of one bucket."""

    __slots__ = ("epoch", "holding", "reserved", "spent")

    def __init__(self, holding: Holding, reserved: int) -> None:
        self.holding = holding
        self.reserved = reserved
        """Still; what is spent is taken off."""
        self.spent = 0
        self.epoch = holding.epoch


class Book:
    """All holdings of a worker."""

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        """`wake` is called when there are lines to send that should not wait for a tick."""
        self.wake = wake
        self.holders = 1
        """Workers that share the limits, when it was last told."""
        self.connected = False
        """Whether there is somebody to ask."""
        self.hopeful = False
        """Whether there will be in a moment: the first attempt to reach somebody is under way."""
        self.stale = True
        """Whether what was held is not ours any more."""
        self.open = False
        """Whether nothing is limited while nobody can be asked."""
        self.closed = False
        """Whether nothing is allowed while nobody can be asked."""
        self.keeps = True
        """Whether more than what is needed now is held."""
        self.holdings: dict[BucketId, Holding] = {}
        self._groups: dict[tuple[str, Values], tuple[Limit, list[Holding]]] = {}
        self._active: dict[Holding, None] = {}
        self._resting: dict[Holding, None] = {}
        self._dirty: dict[Holding, None] = {}
        self._round: list[Holding] = []
        """Those that this round of ticks has still to look at."""
        self.totals: dict[tuple[str, str], Total] = {}

    @property
    def can_ask(self) -> bool:
        """Whether what lacks may be waited for."""
        return self.connected or self.hopeful

    def of(self, limit: Limit, values: Values, now: float) -> list[Holding] | None:
        """The buckets of a limit, one for each amount; None when there are too many."""
        found = self._groups.get((limit.name, values))
        if found is not None and found[0] is limit:
            return found[1]
        made = []
        for amount in limit.amounts:
            holding = self._holding(limit, values, amount, now)
            if holding is None:
                return None
            made.append(holding)
        self._groups[limit.name, values] = (limit, made)
        return made

    def _holding(self, limit: Limit, values: Values, amount: Amount, now: float) -> Holding | None:
        id_ = (limit.name, amount.measure.value, values)
        found = self.holdings.get(id_)
        if found is None:
            if len(self.holdings) >= MAX_HOLDINGS:
                return None
            found = self._new(id_, limit, amount, now)
        else:
            found.hold_to(limit, amount)
        return found

    def _new(self, id_: BucketId, limit: Limit, amount: Amount, now: float = 0.0) -> Holding:
        total = self.totals.get(id_[:2])
        if total is None:
            total = self.totals[id_[0], id_[1]] = Total()
        made = self.holdings[id_] = Holding(id_, limit, amount, now, total)
        self._resting[made] = None
        return made

    # -- requests

    def reserve(self, wanted: Wanted, now: float) -> list[Part] | Holding:
        """Reserve of all, or of none: then the holding that lacks most for its size. Where nobody
        can be asked we give it ourselves, as far as our share goes. Requests are spent at once, and
        no part, but those of runs.
        """
        worst: Holding | None = None
        lack = 0.0
        for holding, n in wanted:
            if holding.held < n and (self.can_ask or not self._help(holding, n, now)):
                share = (n - holding.held) / holding.capacity
                if worst is None or share > lack:
                    worst, lack = holding, share
        if worst is not None:
            return worst
        parts = []
        for holding, n in wanted:
            holding.held -= n
            holding.used += n
            holding.used_at = now
            self._active[holding] = None
            if holding.at_once:
                holding.spent += n
                holding.total_spent += n
                holding.total.spent += n
                self._dirty[holding] = None
            else:
                holding.reserved += n
                parts.append(Part(holding, n))
        return parts

    def wait(self, wanted: Wanted, again: Again) -> None:
        """Ask for what lacks; `again` is called when it may be there, or will not come."""
        for holding, n in wanted:
            if holding.held < n:
                holding.waiting[again] = n
                self._dirty[holding] = None
        self.wake()

    def leave(self, wanted: Wanted, again: Again) -> None:
        """Wait no more."""
        for holding, _ in wanted:
            if holding.waiting.pop(again, None) is not None:
                self._dirty[holding] = None

    def progress(self, part: Part, spent: int) -> None:
        """So much of it is used by now, for good; more than was reserved is possible."""
        more = spent - part.spent
        if more <= 0:
            return
        holding = part.holding
        if holding.forgotten:
            # of a session long ago
            holding = self.holdings.get(holding.id) or self._new(
                holding.id, holding.limit, holding.amount
            )
            part.holding, part.epoch = holding, -1
        part.spent = spent
        holding.total_spent += more
        holding.total.spent += more
        over = more - part.reserved
        if over > 0:
            if over > holding.held:
                holding.grant_self(over - holding.held)
            holding.held -= over
            holding.spent += over
            more = part.reserved
        part.reserved -= more
        if part.epoch == holding.epoch:
            holding.reserved -= more
            holding.spent += more
        self._dirty[holding] = None

    def settle(self, part: Part, spent: int) -> None:
        """All that was used of it; the rest is given back."""
        self.progress(part, spent)
        rest, part.reserved = part.reserved, 0
        holding = part.holding
        if not rest or (part.epoch != holding.epoch and not holding.returns):
            return
        holding.reserved -= rest
        holding.held += rest
        self._active[holding] = None  # a tick may have found it at rest while this one ran
        if self.stale:
            _unshare(holding, rest)
        elif holding.limit.run_of:
            # What comes back of a run may be owed by now: whoever begins next has to ask.
            holding.give_back()
            self._dirty[holding] = None
        if holding.waiting:
            holding.call()
        elif not self.keeps:
            self._dirty[holding] = None
            self.wake()

    def _help(self, holding: Holding, n: int, now: float) -> bool:
        """Nobody can be asked: what may be given by ourselves, is."""
        missing = n - holding.held
        if self.closed:
            return False
        if not self.open:
            if holding.returns:
                if holding.reserved + n > max(1, holding.capacity // self.holders):
                    return False
            else:
                share = holding.share
                if share is None:
                    share = holding.share = self._share(holding, now)
                # A request that is larger than the whole share passes when nothing of it is used.
                if share.level(now) < min(missing, share.capacity):
                    return False
                if not isinstance(share.take(missing, now), Granted):
                    share.owe(missing)
        holding.grant_self(missing)
        self._dirty[holding] = None
        return True

    def _share(self, holding: Holding, now: float) -> Bucket:
        count = self.holders
        level = min(holding.capacity, holding.there(now))
        return Bucket(max(1.0, holding.capacity / count), holding.rate / count, now, level / count)

    # -- the other side

    def opened(self) -> None:
        """A session begins: it knows nothing of what was before it, but what we gave ourselves."""
        self.connected = True
        self.hopeful = self.stale = False
        for holding in list(self.holdings.values()):
            holding.restart()
            if holding.self_granted or holding.waiting:
                self._dirty[holding] = None
            if holding.waiting:
                holding.call()

    def lost(self) -> None:
        """There is nobody to ask; what is held may be spent until `expired`."""
        self.connected = self.hopeful = False
        for holding in list(self.holdings.values()):
            if holding.waiting:
                holding.call()

    def expired(self) -> None:
        """What is held is not ours any more."""
        if not self.stale:
            self.stale = True
            for holding in self.holdings.values():
                holding.drop()

    def granted(self, id_: BucketId, total: int, level: float, now: float) -> None:
        """The session has given `total` by now, and the shared bucket has `level` left."""
        holding = self.holdings.get(id_)
        if holding is None:
            return
        more = total - holding.granted
        holding.granted = total
        holding.held += more
        holding.level, holding.told_at = level, now
        self._active[holding] = None
        if holding.waiting:
            holding.call()

    def denied(self, id_: BucketId, level: float, until: float, now: float) -> None:
        """What is needed is not there; nobody should be asked again before `until`."""
        holding = self.holdings.get(id_)
        if holding is None:
            return
        holding.level, holding.told_at = level, now
        holding.denied_until = until
        if holding.waiting:
            holding.call()

    def recall(self, id_: BucketId) -> None:
        """Another worker needs what is not used here."""
        holding = self.holdings.get(id_)
        if holding is not None:
            holding.give_back()
            holding.recalled = True
            self._dirty[holding] = None
            self.wake()

    def forgive(self) -> None:
        """What we gave ourselves is nobody's affair."""
        for holding in self.holdings.values():
            holding.acked_self = holding.self_granted

    def touch(self) -> None:
        """Say again how many requests are under way at the same time."""
        for holding in self._active:
            if holding.returns and holding.reserved:
                self._dirty[holding] = None

    def acknowledged(self, said: dict[BucketId, int]) -> None:
        """Lines have been heard, with these self-grants."""
        for id_, heard in said.items():
            holding = self.holdings.get(id_)
            if holding is not None:
                holding.acked_self = max(holding.acked_self, heard)

    def tick(self, now: float) -> None:
        """Look what to ask for ahead and what to give back; every 100 ms or so."""
        if not self._round:
            self._finish_round()
        some = self._round[-LOOKED_AT_ONCE:]
        del self._round[-LOOKED_AT_ONCE:]
        for holding in some:
            if holding not in self._active:
                continue
            used = holding.used
            holding.keep_pace(now)
            holding.total.leased_so_far += holding.held + holding.reserved
            holding.total.unreported_so_far += holding.unreported
            if not self.connected:
                continue
            if holding.held and (now - holding.used_at > IDLE_S or not self.keeps):
                holding.give_back()
                self._dirty[holding] = None
            elif used and self.keeps and holding.ahead():
                self._dirty[holding] = None
            if not holding.held and not holding.reserved and now - holding.used_at > IDLE_S:
                del self._active[holding]
                self._resting.pop(holding, None)
                self._resting[holding] = None
        for holding in list(self._resting)[:FORGOTTEN_AT_ONCE]:
            if holding in self._active:
                del self._resting[holding]
            elif now - holding.used_at < FORGET_S:
                break
            elif holding.forgettable:
                del self._resting[holding]
                assert self.holdings.get(holding.id) is holding
                holding.forgotten = True
                self._dirty[holding] = None
                self.holdings.pop(holding.id, None)
                self._groups.pop((holding.id[0], holding.id[2]), None)

    def _finish_round(self) -> None:
        """All that are active have been looked at; begin again."""
        for total in self.totals.values():
            total.leased, total.leased_so_far = total.leased_so_far, 0
            total.unreported, total.unreported_so_far = total.unreported_so_far, 0
        self._round = list(self._active)

    def return_all(self) -> None:
        """This worker ends: what it holds is given back."""
        for holding in self.holdings.values():
            if holding.held:
                holding.give_back()
                self._dirty[holding] = None

    def lines(self) -> list[Line]:
        """What to send now."""
        dirty, self._dirty = self._dirty, {}
        made = []
        for holding in dirty:
            if not self.keeps and not holding.waiting:
                holding.give_back()
            made.append(holding.line(self.keeps))
        return made


def said(lines: Sequence[Line]) -> dict[BucketId, int]:
    """What to remember of lines until they are acknowledged."""
    return {line.id: line.self_granted for line in lines if line.self_granted}


def _unshare(holding: Holding, rest: int) -> None:
    """Given back while nobody can be asked: what we gave ourselves was too much; what a session had
    given is gone with it.
    """
    back = min(rest, holding.unreported)
    holding.self_granted -= back
    holding.total_self -= back
    if holding.share is not None:
        holding.share.give_back(back)
    holding.granted -= rest - back
    holding.held -= rest
