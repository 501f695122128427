"""A second attempt beside a first that is slow to begin: whether and where, and what becomes of the
two (race.py).

The rule: a route that is not hedged pays nothing for it, and one that is pays for a place in a
queue (late.py); what a request may cost is looked at only when its answer is late.
"""

from abc import abstractmethod
from typing import TYPE_CHECKING, cast

from dataplane.llm.stakes import prompt_tokens, stakes
from dataplane.resilience.hedge import Hedge
from dataplane.server.judging import Judging
from dataplane.server.race import Race, Side

if TYPE_CHECKING:
    from typing import Self

    from dataplane.server.candidates import Candidate
    from dataplane.server.front import Front

HEDGED = "hedged"
"""What the log says of an attempt that was not waited for any more."""


class Hedging(Judging):
    """The part of an exchange that may be two."""

    __slots__ = ()

    @abstractmethod
    def pause(self) -> None:
        """See Work."""

    @abstractmethod
    def resume(self) -> None:
        """See Work."""

    @abstractmethod
    def cancel(self) -> None:
        """See Work."""

    def hedge_later(self, after_s: float) -> None:
        """See Sending."""
        self._late_queue = queue = self.front.host.late_queues.of(after_s)
        queue.add(self, self._touched)

    def on_late(self) -> None:
        """The first attempt has been under way for long enough."""
        self._late_queue = None
        candidate = self._candidate
        if self.over or self.sent or self._trials is not None or candidate is None:
            return
        policy = candidate.policy
        found = stakes(self._peek.body)
        if found is None or not Hedge.wanted(policy, found.tokens, has_tools=found.has_tools):
            return
        now = self.serving.now()
        place, elsewhere = self._where_else(candidate, now)
        if place < 0:
            return
        budgets = self._budgets(self._lane[place], now)
        hedge = Hedge(policy, now - policy.hedge_after_s, budgets)
        if not hedge.fire(now):
            return
        race = Race(self, cast("Front", self.front), hedge)
        self._trials = trials = self._new_trials(candidate, self._others(), now)
        trials.race = race
        trials.hedge = hedge
        self._tell_who(candidate)
        race.start(place, elsewhere)

    def _where_else(self, candidate: "Candidate", now: float) -> tuple[int, bool]:
        """Whom to ask besides: another endpoint of the same candidate, the next candidate, or the
        very same; -1: nobody. And whether it must be another endpoint.
        """
        lane, place = self._lane, self._place
        is_well = _may_be_asked(candidate, now)
        if is_well and candidate.state.available > 1:
            return place, True
        for at in range(place + 1, len(lane)):
            if lane[at].state.available and _may_be_asked(lane[at], now):
                return at, False
        return (place if is_well else -1), False

    def twin(self, side: Side, place: int, elsewhere: bool) -> "Self":
        """The second attempt, not begun: the same request to another place of the lane."""
        second = type(self)(
            side, self._incoming, self.ask, self.tally, self._traceparent, self.orders
        )
        second.told = self.told
        second._peek = self._peek
        second._lane = self._lane
        second._place = place
        second.records = self.records
        second._trials = self._trials
        if elsewhere and self._endpoint is not None:
            second._avoid = (self._endpoint,)
        return second

    def begin_beside(self) -> None:
        """Send the second attempt."""
        self._attempt()

    def race_is_over(self) -> None:
        """This attempt is the request again."""
        trials, candidate = self._trials, self._candidate
        assert trials is not None
        trials.race = None
        if candidate is not None and not self.sent:
            budgets = self._budgets(candidate, self.serving.now())
            trials.attempts.moved(candidate.policy, self._others(), budgets)

    def lose(self) -> None:
        """The other attempt is the request; this one is cut at once."""
        trials, candidate = self._trials, self._candidate
        if trials is not None and candidate is not None:
            tokens = prompt_tokens(self._peek.body) if self._upstream is not None else 0
            candidate.standing.wasted_tokens += tokens
            trials.lost(f"{candidate.name}: {HEDGED}", tokens)
            if not candidate.breaker.calm:
                candidate.breaker.abandoned(self)
        self.over = True
        self._let_go(whole=False, now=self.serving.now())

    def count_hedge(self, winner: str) -> None:
        """A race of which this attempt was the first has ended."""
        if self._candidate is not None:
            self._candidate.standing.hedges[winner] += 1


def _may_be_asked(candidate: "Candidate", now: float) -> bool:
    """Whether neither its breaker nor its circuit breakers forbid a second attempt there."""
    return candidate.breaker.admits(now) and candidate.state.permits.has_room(
        candidate.route.priority
    )
