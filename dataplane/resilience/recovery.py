"""What follows when a stream breaks after the client has a part of it.

The rule: the best way first, each way at each candidate once in a request, and where nothing is
left, the truth. Ways, best first (reference/faults.md):

    continue    a model that takes a beginning of its answer goes on from what was delivered
    resume      an answer that was asked for afresh is gone on with once it has repeated that

Other candidates come before the one that broke; that one is not asked again when it was silent or
slow. Answers that differ from what was delivered cost a whole answer each, so two end it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from dataplane.resilience.allowance import Allowance, Charged
from dataplane.runtime.fault import Fault
from dataplane.runtime.retry import Recovery

MAX_DIFFERENT = 2
MAX_WAYS = 4
"""In one request."""


class How(Enum):
    """How a stream is gone on with."""

    __hash__ = object.__hash__

    CONTINUE = "continue"
    RESUME = "resume"
    TRUTH = "error"
    """Not at all: the client is told so."""


class Ended(Enum):
    """How a way came to its end; the values are labels of a metric."""

    __hash__ = object.__hash__

    RECOVERED = "recovered"
    """The client has the whole answer."""
    REFUSED = "refused"
    """The provider gave an error in place of an answer."""
    DIFFERED = "differed"
    BROKE = "broke"
    """It failed in its turn."""
    TOLD = "told"
    """The client was told the truth."""


@dataclass(frozen=True, slots=True)
class Target:
    """A candidate that may be asked."""

    place: int
    """In the lane of the request."""
    prefills: bool
    """Whether its model takes the beginning of its answer."""
    budgets: Sequence[Allowance] = ()
    """What one more attempt at it is charged to, when it was asked before."""


@dataclass(frozen=True, slots=True)
class Way:
    """Ask this one so."""

    how: How
    place: int


_TRUE = frozenset((Fault.INVALID, Fault.FILTERED, Fault.UNFIT, Fault.GONE))
"""What a provider says within its stream and would say again: it is the end."""
_NOT_THERE = frozenset((Fault.SILENT, Fault.SLOW))


class Recoveries:
    """The recoveries of one request, from when its stream broke first. `close` it."""

    __slots__ = ("_absent", "_asked", "_charged", "_deadline", "_differed", "_used", "_wanted")

    def __init__(self, wanted: Recovery, deadline: float) -> None:
        self._wanted = wanted
        self._deadline = deadline
        self._used: set[Way] = set()
        self._asked: set[int] = set()
        """Places of candidates that had the request."""
        self._absent: set[int] = set()
        """Those of them that were silent or slow."""
        self._differed = 0
        self._charged = Charged()

    def next(
        self,
        place: int,
        fault: Fault,
        targets: Sequence[Target],
        now: float,
        fits: bool,
        ended: Ended = Ended.BROKE,
    ) -> Way | None:
        """The next way; None: tell the truth.

        :param place: of the candidate whose attempt has `ended`, and `fault` why.
        :param targets: candidates that can be reached, the best first.
        :param fits: whether what was delivered can be the beginning of an answer.
        """
        self._charged.give_back()
        self._asked.add(place)
        if fault in _NOT_THERE:
            self._absent.add(place)
        self._differed += ended is Ended.DIFFERED
        if (
            self._wanted is Recovery.ERROR
            or (ended is Ended.BROKE and fault in _TRUE)
            or now >= self._deadline
            or self._differed >= MAX_DIFFERENT
            or len(self._used) >= MAX_WAYS
        ):
            return None
        there = [target for target in targets if target.place not in self._absent]
        for way, target in self._ways(there, fits):
            if way in self._used:
                continue
            if target.place in self._asked and not self._charged.take(target.budgets):
                continue
            self._used.add(way)
            return way
        return None

    def close(self) -> None:
        """The request is over. May be called more than once."""
        self._charged.give_back()

    def _ways(self, targets: list[Target], fits: bool) -> list[tuple[Way, Target]]:
        ways = [(Way(How.RESUME, target.place), target) for target in targets]
        if fits and self._wanted is Recovery.CONTINUE:
            first = [(Way(How.CONTINUE, one.place), one) for one in targets if one.prefills]
            ways = first + ways
        return ways
