"""What follows a failed attempt: the same candidate again, the next one, or the truth.

The rule: nothing is tried again once the client has a part of the answer, nor more often than
the policy says. By fault (peers.md 3.3):

    connection, server, malformed   again here after a wait, then the next candidate
    limited                         the next key after a wait; a long Retry-After: next candidate
    credential                      the next key at once; no key: next candidate
    silent, slow                    never here again: next candidate
    unfit                           next candidate
    invalid, filtered               passed on

A wait is full jitter (resilience/backoff.py) and never shorter than a Retry-After. Only retries on
the same candidate are charged to retry budgets: the next candidate's cluster sees a first attempt,
and a whole outage must be able to move.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from dataplane.resilience.allowance import Allowance, Charged
from dataplane.resilience.backoff import Backoff, Chance
from dataplane.resilience.outcome import Outcome, Stage
from dataplane.runtime.fault import Fault
from dataplane.runtime.retry import RetryPolicy


class Why(Enum):
    """Why nothing more is tried."""

    __hash__ = object.__hash__

    COMMITTED = "committed"
    """The client has a part of the answer."""
    GONE = "gone"
    """There is no client any more."""
    NOT_RETRIABLE = "not_retriable"
    """The provider's answer is the truth: pass it on."""
    CREDENTIALS = "credentials"
    """No key of ours is good: 502 `upstream_credentials_exhausted`."""
    BUDGET = "budget"
    """Too many retries are running."""
    DEADLINE = "deadline"
    """No time is left."""
    EXHAUSTED = "exhausted"
    """Every candidate was tried as often as it may be."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The same candidate again."""

    after_s: float
    other_endpoint: bool
    """At another endpoint, where there is one."""
    other_key: bool = False


@dataclass(frozen=True, slots=True)
class NextCandidate:
    """The next one, at once."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nothing more: pass on the provider's answer where there is one, else say so ourselves."""

    why: Why


NEXT_CANDIDATE = NextCandidate()
_HERE = frozenset((Fault.CONNECTION, Fault.SERVER, Fault.LIMITED, Fault.MALFORMED))
_ELSEWHERE = _HERE | {Fault.SILENT, Fault.SLOW, Fault.UNFIT, Fault.CREDENTIAL}


class Attempts:
    """The attempts of one request. Made when the first of them has failed; `close` it."""

    __slots__ = (
        "_backoff",
        "_budgets",
        "_chance",
        "_charged",
        "_closed",
        "_deadline",
        "_policy",
        "_retries_left",
        "_rotations_left",
        "others",
        "retries",
    )

    def __init__(
        self,
        policy: RetryPolicy,
        others: int,
        deadline: float,
        chance: Chance,
        budgets: Sequence[Allowance] = (),
    ) -> None:
        """`others` is how many candidates are left after this one, `deadline` when the request must
        be over, on the clock of `next`; `budgets` are those of the candidate's cluster and of the
        caller.
        """
        self.others = others
        self.retries = 0
        """Attempts that `next` has asked for, on any candidate."""
        self._deadline = deadline
        self._chance = chance
        self._charged = Charged()
        self._rotations_left: int | None = None
        self._closed = False
        self._use(policy, budgets)

    def moved(self, policy: RetryPolicy, others: int, budgets: Sequence[Allowance] = ()) -> None:
        """The next candidate is in use; there are `others` after it."""
        self.others = others
        self._charged.give_back()
        self._use(policy, budgets)

    def next(self, outcome: Outcome, now: float) -> Retry | NextCandidate | GiveUp:
        """What follows an attempt's end."""
        self._charged.give_back()
        fault = outcome.fault
        if outcome.stage is Stage.CONTENT:
            return self._give_up(Why.COMMITTED)
        if fault is Fault.GONE:
            return self._give_up(Why.GONE)
        if self._closed or fault not in _ELSEWHERE:
            return self._give_up(Why.NOT_RETRIABLE)
        if fault is Fault.CREDENTIAL:
            return self._credential(outcome, now)
        if now >= self._deadline:
            return self._give_up(Why.DEADLINE)
        if fault not in _HERE or not outcome.may_retry:
            return self._elsewhere(Why.EXHAUSTED if fault in _HERE else Why.NOT_RETRIABLE)
        return self._here(outcome, now)

    def close(self) -> None:
        """The request is over: what it held of budgets is free. May be called more than once."""
        self._closed = True
        self._charged.give_back()

    def _here(self, outcome: Outcome, now: float) -> Retry | NextCandidate | GiveUp:
        if self._retries_left <= 0 or (outcome.is_open and self.others > 0):
            return self._elsewhere(Why.EXHAUSTED)
        other_key = outcome.fault is Fault.LIMITED and outcome.other_keys > 0
        wait = self._backoff.next()
        if outcome.stage is Stage.CONNECT and outcome.other_endpoints > 0:
            wait = 0.0  # nothing was sent, and another machine is another question
        if outcome.retry_after_s is not None and not other_key:
            if outcome.retry_after_s > self._policy.max_retry_after_s:
                return self._elsewhere(Why.EXHAUSTED)
            wait += outcome.retry_after_s
        if now + wait >= self._deadline:
            return self._elsewhere(Why.DEADLINE)
        if not self._charged.take(self._budgets):
            return self._elsewhere(Why.BUDGET)
        self._retries_left -= 1
        self.retries += 1
        return Retry(wait, other_endpoint=outcome.other_endpoints > 0, other_key=other_key)

    def _credential(self, outcome: Outcome, now: float) -> Retry | NextCandidate | GiveUp:
        if not outcome.own_key:
            return self._give_up(Why.NOT_RETRIABLE)
        if self._rotations_left is None:
            self._rotations_left = outcome.other_keys
        if now >= self._deadline:
            return self._give_up(Why.DEADLINE)
        if outcome.other_keys > 0 and self._rotations_left > 0:
            self._rotations_left -= 1
            self.retries += 1
            return Retry(0.0, other_endpoint=False, other_key=True)
        return self._elsewhere(Why.CREDENTIALS)

    def _elsewhere(self, why: Why) -> NextCandidate | GiveUp:
        if self.others <= 0:
            return self._give_up(why)
        self.retries += 1
        self.others -= 1
        return NEXT_CANDIDATE

    def _give_up(self, why: Why) -> GiveUp:
        self.close()
        return GiveUp(why)

    def _use(self, policy: RetryPolicy, budgets: Sequence[Allowance]) -> None:
        self._policy = policy
        self._budgets = budgets
        self._retries_left = policy.num_retries
        self._rotations_left = None
        self._backoff = Backoff(self._chance, policy.back_off_base_s, policy.back_off_max_s)
