"""What becomes of an attempt that fails: tried again, elsewhere, or told.

The rule: until the client has a part of an answer everything may be thrown away; afterwards
nothing is tried again here. What may be tried is decided by resilience/retry.py, what of an answer
is passed on by judging.py.
"""

from abc import abstractmethod
from typing import TYPE_CHECKING

from dataplane.llm.hub.answer import Failure
from dataplane.llm.stakes import prompt_tokens
from dataplane.resilience.breaker import in_order
from dataplane.resilience.budget import RetryBudget
from dataplane.resilience.outcome import Outcome, Stage
from dataplane.resilience.retry import Attempts, GiveUp, Retry, Why
from dataplane.resilience.throughput import Throughput
from dataplane.runtime.fault import Fault
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.answers import header_lines
from dataplane.server.callers import caller_of
from dataplane.server.sending import Sending
from dataplane.server.trials import Trials
from dataplane.upstream.errors import Phase, UpstreamFailure
from dataplane.wheel import TURN_S

if TYPE_CHECKING:
    from collections.abc import Hashable

    from dataplane.resilience.allowance import Allowance
    from dataplane.server.candidates import Candidate

COSTLY = frozenset((Fault.CONNECTION, Fault.SILENT, Fault.SLOW, Fault.MALFORMED))
"""How attempts fail that a provider may have worked for; whoever answers with an error has not."""
_EXHAUSTED = LocalReply(
    502,
    "The provider accepts none of the gateway's credentials.",
    ResponseDetail.UPSTREAM_CREDENTIALS_EXHAUSTED,
)
PASSED_OVER = "breaker_open"
"""What the log says of a candidate that was not asked."""


class Trying(Sending):
    """The part of an exchange in which it may still begin anew."""

    __slots__ = ()

    # -- failures

    def on_failed(self, failure: UpstreamFailure) -> None:
        """See Reader."""
        if self.over:
            return
        self._upstream = None
        endpoint = self._endpoint
        if endpoint is not None and failure.phase is Phase.STALE and not self._fresh:
            self._fresh = True
            self._send(endpoint)
            return
        self.fail(failure)

    def fail(self, failure: UpstreamFailure) -> None:
        """There is no whole answer from this attempt."""
        fault = failure.fault
        if self.sent:
            passing = self._passing
            if self._candidate is not None and not (passing is not None and passing.whole):
                self._candidate.breaker.failed(self, fault, self.serving.now())
                self.tell_endpoint(0)
            self.broke(failure)
            return
        stage = Stage.CONNECT if failure.phase is Phase.CONNECT else Stage.BEFORE_CONTENT
        if not self.tries_on(stage, fault):
            self.refuse(LocalReply(failure.status, failure.message, failure.detail))

    def tries_on(
        self,
        stage: Stage,
        fault: Fault,
        status: int = 0,
        retry_after_s: float | None = None,
        may_retry: bool = True,
        whole: bool = False,
    ) -> bool:
        """Whether somebody else has taken the request on after an attempt that failed so; if not,
        the caller tells the client. `whole`: the connection may be kept.
        """
        candidate = self._candidate
        assert candidate is not None
        now = self.serving.now()
        trials = self._trials
        if trials is None:
            trials = self._trials = self._new_trials(candidate, self._others(), now)
        wasted = 0
        if fault in COSTLY and stage is not Stage.CONNECT:
            wasted = prompt_tokens(self._peek.body)
            candidate.standing.wasted_tokens += wasted
        trials.failed(candidate, fault, status, wasted)
        keys = candidate.keys
        other_keys = keys.others(self._key, now) if keys is not None else 0
        own_key = not candidate.provider.passthrough_auth
        is_for_all = own_key and not other_keys
        """Whether a limit holds for whoever asks this cluster."""
        breaker = candidate.breaker
        breaker.failed(self, fault, now, retry_after_s if is_for_all else None)
        self.tell_endpoint(status)
        if trials.race is not None:
            trials.race.goes_on_without(self)
            self._let_go(whole, now)
            return True
        decision = trials.attempts.next(
            Outcome(
                stage,
                fault,
                status,
                retry_after_s,
                may_retry,
                own_key,
                other_keys,
                self._endpoints_left(candidate),
                breaker.is_open,
            ),
            now,
        )
        if isinstance(decision, GiveUp):
            if decision.why is not Why.CREDENTIALS:
                return False
            self._part_with_upstream(whole, now)
            self.refuse(_EXHAUSTED)
            return True
        self._let_go(whole, now)
        if isinstance(decision, Retry):
            candidate.standing.retried[fault] += 1
            self._retry(trials, decision)
        else:
            candidate.standing.failovers[fault] += 1
            self._move(trials)
        return True

    def _endpoints_left(self, candidate: "Candidate") -> int:
        """Of a candidate, besides those that have failed."""
        failed = self._endpoint
        return candidate.state.left([*self._avoid, failed] if failed is not None else self._avoid)

    def _others(self) -> int:
        """Candidates that are left after this one."""
        return sum(one.state.available > 0 for one in self._lane[self._place + 1 :])

    def _new_trials(self, candidate: "Candidate", others: int, now: float) -> Trials:
        budgets = self._budgets(candidate, now)
        random = self.serving.random
        attempts = Attempts(candidate.policy, others, self.deadline, random, budgets)
        return Trials(attempts, self.tally.failures)

    def _budgets(self, candidate: "Candidate", now: float) -> "tuple[Allowance, ...]":
        """What retries on a candidate are charged to."""
        policy = candidate.policy
        cluster = candidate.standing.retries
        caller = self.serving.services.callers.count(self.caller, now)
        budgets = RetryBudget(cluster, policy), RetryBudget(caller, policy, told=cluster)
        limit = candidate.state.permits.retry_limit(candidate.route.priority)
        return budgets if limit is None else (limit, *budgets)

    @property
    def caller(self) -> "Hashable":
        """See Work."""
        return caller_of(self._incoming, self.front.peer)

    def _retry(self, trials: Trials, retry: Retry) -> None:
        candidate = self._candidate
        assert candidate is not None
        if not retry.other_endpoint:
            self._avoid = ()
        if retry.after_s > 0:
            self.front.due = self.deadline
            timer = self.front.host.loop.call_later(retry.after_s, self._begin_again)
            trials.wait(timer, candidate.standing)
        else:
            self._attempt()

    def _begin_again(self) -> None:
        trials = self._trials
        if self.over or trials is None:
            return
        trials.waited()
        now = self.serving.now()
        candidate = self._lane[self._place]
        if not candidate.breaker.admits(now) and any(
            one.state.available and one.breaker.admits(now) for one in self._lane[self._place + 1 :]
        ):  # others have failed there meanwhile
            self._move(trials)
        else:
            self._attempt()

    def _move(self, trials: Trials) -> None:
        """Go on with the best of the candidates that are left: there is one with an endpoint."""
        self._place += 1
        rest = [one for one in self._lane[self._place :] if one.state.available]
        now = self.serving.now()
        order = in_order([one.breaker for one in rest], now)
        self._lane = (*self._lane[: self._place], *(rest[at] for at in order))
        candidate = self._lane[self._place]
        self._avoid = ()
        self._fresh = False
        trials.attempts.moved(candidate.policy, len(rest) - 1, self._budgets(candidate, now))
        self._attempt()

    def _tell_who(self, candidate: "Candidate") -> None:
        """See Sending."""
        told = self.orders.told if self.orders is not None else b""
        count = self.tally.attempts + 1
        attempts = (("x-outrider-attempts", str(count)),) if count > 1 else ()
        self.told = told + header_lines((*attempts, ("x-outrider-served-by", candidate.served_by)))

    def _put_in_order(self) -> None:
        """See Sending. Nothing has been tried yet."""
        place = self._place
        rest = [one for one in self._lane[place:] if one.state.available]
        now = self.serving.now()
        order = in_order([one.breaker for one in rest], now)
        if not order or order[0] == 0:
            return
        self._lane = (*self._lane[:place], *(rest[at] for at in order))
        self._tell_who(self._lane[place])
        self.tally.wasted_tokens = 0
        self.tally.failures = [
            f"{one.name}: {PASSED_OVER}" for one in rest[: order[0]] if not one.breaker.admits(now)
        ]

    def _part_with_upstream(self, whole: bool, now: float) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            if whole:
                upstream.release(now)
            else:
                upstream.abort()

    def _let_go(self, whole: bool, now: float) -> None:
        """Forget an attempt."""
        self._part_with_upstream(whole, now)
        endpoint = self._endpoint
        if endpoint is not None:
            self._part_with(endpoint)
            self._avoid = [*self._avoid, endpoint]
        if self._translated is not None:
            self._translated.dismissed = True
            self._translated = None
        self._startup = None
        self._held = self._holding = self.dial = None
        self._pace = None

    # -- time

    def on_due(self, now: float) -> None:
        """See Work: the deadline, or an attempt that is silent."""
        if now >= self.deadline:
            self.on_deadline()
            return
        candidate = self._candidate
        if self._endpoint is None or candidate is None:  # between two attempts
            self.due_at(self.deadline)
            return
        pace = self._pace
        if pace is not None and pace.is_slow(now):
            self._is_slow(pace.window_s)
            return
        if self.sent:
            self.look_at_stream(now)
            if pace is not None and not self.over:
                self.due_at(min(self.front.due, now + pace.window_s))
            return
        until = self._until
        if self._startup is not None or self._held is not None:
            idle_s = candidate.policy.idle_timeout_s
            until = min(until, self._touched + idle_s) if idle_s else until
        if now < until:
            self.due_at(until if pace is None else min(until, now + pace.window_s))
            return
        self.stop_upstream()
        waited_s = now - self._touched
        self.fail(
            UpstreamFailure(
                Phase.ANSWER,
                ResponseDetail.UPSTREAM_SILENT,
                f"The upstream failed: nothing came of it for {waited_s:.3g} s.",
            )
        )

    def watch_pace(self, candidate: "Candidate", now: float) -> None:
        """A stream has its first content."""
        self._pace = pace = Throughput(candidate.policy, now)
        self.due_at(min(self.front.due, now + pace.window_s))

    def _is_slow(self, window_s: float) -> None:
        self.stop_upstream()
        self.fail(
            UpstreamFailure(
                Phase.ANSWER,
                ResponseDetail.UPSTREAM_SLOW,
                f"The upstream failed: too little came of it in {window_s:.3g} s.",
            )
        )

    def due_at(self, when: float) -> None:
        """Look at this exchange then."""
        front = self.front
        front.due = min(when, self.deadline)
        if front.due - self.serving.now() < TURN_S:
            self.serving.services.wheel.soon(front)

    # -- who inherits

    @abstractmethod
    def broke(self, failure: UpstreamFailure, told: Failure | None = None) -> None:
        """The answer has ended before its end, and the client has a part of it; `told` is what the
        provider says about that.
        """

    @abstractmethod
    def look_at_stream(self, now: float) -> None:
        """See how an answer goes on that the client has a part of."""

    @abstractmethod
    def on_deadline(self) -> None:
        """The listener's timeout has passed."""

    @abstractmethod
    def stop_upstream(self) -> None:
        """Nothing more is wanted of the provider."""
