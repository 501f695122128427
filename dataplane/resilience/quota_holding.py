"""One bucket as one worker sees it: what it was given, and what became of that.

The rule, at any time of a session: granted + self_granted = held + reserved + spent + returned.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataplane.runtime.limits import Amount, Limit, Measure

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataplane.resilience.quota import Bucket

AHEAD_S = 0.5
"""A worker keeps what it used in this time at its last pace."""

Values = tuple[str, ...]
BucketId = tuple[str, str, Values]
"""The limit's name, the measure's word, what separates its buckets."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a worker says of one bucket. Amounts count from the beginning of its session."""

    id: BucketId
    granted: int
    """As far as it has heard."""
    spent: int
    returned: int
    self_granted: int
    need: int = 0
    """Requests wait for this."""
    ahead: int = 0
    """More that would be used soon."""
    recalled: bool = False
    """Answers a recall."""
    closed: bool = False
    """The bucket is forgotten here and would count from zero again."""


class Total:
    """Of all buckets of one limit and measure, for people."""

    __slots__ = ("leased", "leased_so_far", "spent", "unreported", "unreported_so_far")

    def __init__(self) -> None:
        self.spent = 0
        """Since this worker began to count."""
        self.leased = self.unreported = 0
        """When they were last looked at."""
        self.leased_so_far = self.unreported_so_far = 0


class Holding:
    """In whole units. Changed by the Book that it is of."""

    __slots__ = (
        "_pace",
        "acked_self",
        "amount",
        "at_once",
        "capacity",
        "denied_until",
        "epoch",
        "forgotten",
        "granted",
        "held",
        "id",
        "is_shown",
        "level",
        "limit",
        "measure",
        "rate",
        "recalled",
        "reserved",
        "returned",
        "returns",
        "self_granted",
        "share",
        "spent",
        "ticked_at",
        "told_at",
        "total",
        "total_self",
        "total_spent",
        "used",
        "used_at",
        "waiting",
    )

    def __init__(
        self,
        id_: BucketId,
        limit: Limit,
        amount: Amount,
        now: float,
        total: "Total | None" = None,
    ) -> None:
        self.id = id_
        self.measure = amount.measure
        self.hold_to(limit, amount)
        self.returns = amount.measure is Measure.CONCURRENT
        """Whether what is taken comes back when the request ends."""
        self.held = 0
        """Free to be reserved."""
        self.reserved = 0
        """By requests under way."""
        self.granted = 0
        self.self_granted = 0
        self.spent = 0
        self.returned = 0
        self.level = float(self.capacity)
        """Of the shared bucket, when it was last told."""
        self.told_at = now
        self.epoch = 0
        """Sessions so far: reservations of an earlier one are settled with nobody."""
        self.forgotten = False
        self.denied_until = 0.0
        self.recalled = False
        self.share: Bucket | None = None
        """What this worker gives itself while nobody can be asked."""
        self.used = 0
        """Taken since the last tick."""
        self.used_at = now
        self.waiting: dict[Callable[[], None], int] = {}
        """Requests that try again when something comes, with what they need."""
        self.ticked_at = now
        self.total = total or Total()
        self.total_spent = 0
        """Since this worker began to count, for people."""
        self.total_self = 0
        self.acked_self = 0
        """Self-grants that the other side has confirmed to have heard of."""
        self._pace = 0.0

    def hold_to(self, limit: Limit, amount: Amount) -> None:
        """What an operator says of it now."""
        self.limit = limit
        self.amount = amount
        self.capacity = amount.capacity
        self.rate = amount.rate
        self.is_shown = not (limit.shadow or limit.run_of)
        """Whether they are: limits in the shadow are not told of, and budgets of runs are nobody's
        but their runs'.
        """
        self.at_once = amount.measure is Measure.REQUESTS and not limit.run_of
        """Whether what is taken is spent for good: a run may look whether it has a call left."""

    @property
    def unreported(self) -> int:
        """Self-grants that nobody has confirmed to have heard of."""
        return max(self.self_granted - self.acked_self, 0)

    @property
    def forgettable(self) -> bool:
        """Whether nothing is lost with it."""
        return not (self.held or self.reserved or self.waiting or self.unreported)

    def there(self, now: float) -> float:
        """What the shared bucket has, as far as is known here."""
        if self.returns:
            return self.level
        return self.level + self.rate * (now - self.told_at)

    def remaining(self, now: float) -> int:
        """What is left of the limit, as far as is known here."""
        return max(0, min(self.capacity, int(self.there(now)) + self.held))

    def wait_s(self, n: int, now: float) -> float:
        """Until `n` could be there, if nobody else takes it."""
        rate = self.rate
        if rate <= 0:
            return 1.0
        return max((n - min(self.capacity, self.there(now) + self.held)) / rate, 0.0)

    def full_s(self, now: float) -> float:
        """Until nothing would be missing."""
        rate = self.rate
        return (self.capacity - self.remaining(now)) / rate if rate > 0 else 0.0

    def call(self) -> None:
        """Something has come, or will not come: those who wait try again."""
        waiting, self.waiting = self.waiting, {}
        for again in waiting:
            again()

    def grant_self(self, n: int) -> None:
        """Hold more than was given."""
        self.self_granted += n
        self.total_self += n
        self.held += n

    def give_back(self) -> None:
        """Hold nothing."""
        self.returned += self.held
        self.held = 0

    def drop(self) -> None:
        """What is held is not ours any more."""
        self.granted -= self.held
        self.held = 0

    def restart(self) -> None:
        """A session begins: what was held is gone, what we gave ourselves is told again."""
        owed = self.unreported
        self.epoch += 1
        self.granted = self.returned = self.held = self.acked_self = 0
        self.share = None
        self.recalled = False
        self.denied_until = 0.0
        if self.returns:
            self.self_granted, self.spent = self.reserved, 0
        else:
            self.reserved = 0
            self.self_granted = self.spent = owed

    def keep_pace(self, now: float) -> None:
        """A tick is over."""
        passed_s, self.ticked_at = now - self.ticked_at, now
        used, self.used = self.used, 0
        if 0 < passed_s < 10:
            self._pace += (used / passed_s - self._pace) * min(1.0, 2 * passed_s)

    def ahead(self) -> int:
        """What to ask for beyond what is needed now."""
        if self.returns:
            return 0
        keep = min(int(self._pace * AHEAD_S), self.capacity // 4)
        return keep - self.held if self.held < keep // 2 else 0

    def line(self, ahead: bool) -> Line:
        """What to say of it now."""
        need = max(sum(self.waiting.values()) - self.held, 0) if self.waiting else 0
        recalled, self.recalled = self.recalled, False
        return Line(
            self.id,
            self.granted,
            self.spent,
            self.returned,
            self.self_granted,
            need,
            self.ahead() if ahead and not self.forgotten else 0,
            recalled,
            self.forgotten,
        )
