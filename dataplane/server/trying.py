"""What becomes of an attempt that fails: tried again, elsewhere, or told.

The rule: until the client has a part of an answer everything may be thrown away, so errors,
beginnings of streams that say nothing and answers that are not whole are held, bounded; afterwards
nothing is tried again here. What may be tried is decided by resilience/retry.py.
"""

from abc import abstractmethod
from typing import TYPE_CHECKING

from dataplane.llm.error_faults import failure_in_band, fault_of, fault_of_error
from dataplane.llm.translate.codecs import CODECS
from dataplane.resilience.advice import advice
from dataplane.resilience.breaker import in_order
from dataplane.resilience.budget import RetryBudget
from dataplane.resilience.commit import SHOWS, InBandError, Progress, Startup
from dataplane.resilience.outcome import Outcome, Stage
from dataplane.resilience.retry import Attempts, GiveUp, Retry, Why
from dataplane.runtime.fault import Fault, fault_of_status
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.callers import caller_of
from dataplane.server.relayed_head import is_encoded
from dataplane.server.sending import Sending
from dataplane.server.trials import Trials
from dataplane.upstream.connection import UpstreamConnection
from dataplane.upstream.errors import Phase, UpstreamFailure
from dataplane.wheel import TURN_S

if TYPE_CHECKING:
    from collections.abc import Hashable

    from dataplane.server.candidates import Candidate

MAX_ERROR_BYTES = 64 * 1024
"""Of a provider's error, up to which it is read before it is passed on."""
MAX_WHOLE_BYTES = 1024 * 1024
"""Of an answer that is not streamed, up to which none of it is passed on before all is there."""
_EXHAUSTED = LocalReply(
    502,
    "The provider accepts none of the gateway's credentials.",
    ResponseDetail.UPSTREAM_CREDENTIALS_EXHAUSTED,
)
_JSON = (("content-type", "application/json"),)
PASSED_OVER = "breaker_open"
"""What the log says of a candidate that was not asked."""
_FAULTS = {
    ResponseDetail.UPSTREAM_PROTOCOL_ERROR: Fault.MALFORMED,
    ResponseDetail.UPSTREAM_SILENT: Fault.SILENT,
    ResponseDetail.UPSTREAM_SLOW: Fault.SLOW,
}


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
        fault = _FAULTS.get(failure.detail, Fault.CONNECTION)
        if self.sent:
            passing = self._passing
            if self._candidate is not None and not (passing is not None and passing.whole):
                self._candidate.breaker.failed(self, fault, self.serving.now())
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
        others = sum(bool(one.endpoints) for one in self._lane[self._place + 1 :])
        trials = self._trials
        if trials is None:
            trials = self._trials = Trials(
                Attempts(
                    candidate.policy,
                    others,
                    self.deadline,
                    self.serving.random,
                    self._budgets(candidate, now),
                ),
                self.tally.failures,
            )
        trials.failed(candidate, fault, status)
        keys = candidate.keys
        other_keys = keys.others(self._key, now) if keys is not None else 0
        own_key = not candidate.provider.passthrough_auth
        is_for_all = own_key and not other_keys
        """Whether a limit holds for whoever asks this cluster."""
        breaker = candidate.breaker
        breaker.failed(self, fault, now, retry_after_s if is_for_all else None)
        decision = trials.attempts.next(
            Outcome(
                stage,
                fault,
                status,
                retry_after_s,
                may_retry,
                own_key,
                other_keys,
                max(len(candidate.endpoints) - len(self._avoid) - 1, 0),
                breaker.is_open,
            ),
            now,
        )
        if isinstance(decision, GiveUp):
            if decision.why is Why.CREDENTIALS:
                self.refuse(_EXHAUSTED)
            return decision.why is Why.CREDENTIALS
        self._let_go(whole, now)
        if isinstance(decision, Retry):
            candidate.standing.retried[fault] += 1
            self._retry(trials, decision)
        else:
            candidate.standing.failovers[fault] += 1
            self._move(trials)
        return True

    def _budgets(self, candidate: "Candidate", now: float) -> tuple[RetryBudget, RetryBudget]:
        """What retries on a candidate are charged to."""
        policy = candidate.policy
        cluster = candidate.standing.retries
        caller = self.serving.services.callers.count(self.caller, now)
        return RetryBudget(cluster, policy), RetryBudget(caller, policy, told=cluster)

    @property
    def caller(self) -> "Hashable":
        """See Work."""
        return caller_of(self._incoming, self.front.peer)

    def _retry(self, trials: Trials, retry: Retry) -> None:
        candidate = self._candidate
        assert candidate is not None
        if not retry.other_endpoint or len(self._avoid) >= len(candidate.endpoints):
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
            one.endpoints and one.breaker.admits(now) for one in self._lane[self._place + 1 :]
        ):  # others have failed there meanwhile
            self._move(trials)
        else:
            self._attempt()

    def _move(self, trials: Trials) -> None:
        """Go on with the best of the candidates that are left: there is one with an endpoint."""
        self._place += 1
        rest = [one for one in self._lane[self._place :] if one.endpoints]
        now = self.serving.now()
        order = in_order([one.breaker for one in rest], now)
        self._lane = (*self._lane[: self._place], *(rest[at] for at in order))
        candidate = self._lane[self._place]
        self._avoid = ()
        self._fresh = False
        trials.attempts.moved(candidate.policy, len(rest) - 1, self._budgets(candidate, now))
        self._attempt()

    def _put_in_order(self) -> None:
        """See Sending. Nothing has been tried yet."""
        lane = self._lane
        now = self.serving.now()
        order = in_order([one.breaker for one in lane], now)
        if order[0] == 0:
            return
        self._lane = tuple(lane[at] for at in order)
        self.tally.failures = [
            f"{one.name}: {PASSED_OVER}" for one in lane[: order[0]] if not one.breaker.admits(now)
        ]

    def _let_go(self, whole: bool, now: float) -> None:
        """Forget an attempt."""
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            if whole:
                upstream.release(now)
            else:
                upstream.abort()
        endpoint, self._endpoint = self._endpoint, None
        if endpoint is not None:
            endpoint.active -= 1
            self._avoid = [*self._avoid, endpoint]
        if self._translated is not None:
            self._translated.dismissed = True
            self._translated = None
        self._startup = None
        self._held = None

    def _nowhere(self) -> None:
        """See Sending."""
        self.refuse(
            LocalReply(
                503,
                "No endpoint of this model's provider is known.",
                ResponseDetail.NO_USABLE_ENDPOINT,
            )
        )

    # -- what of an answer may be passed on

    def judged(self, upstream: UpstreamConnection, body: bytes, done: bool) -> bytes | None:
        """The bytes that are passed on, of an answer that is no whole and good one in one read;
        None: none yet, or never.
        """
        self._touched = self.serving.now()
        status = upstream.status
        if status >= 400:
            return self._judged_error(upstream, body, done)
        if not self.tally.stream:
            return self._gathered(body, done, MAX_WHOLE_BYTES)
        if self.ask.operation.protocol is None or status != 200:
            return body
        return self._judged_beginning(upstream, body, done)

    def _gathered(self, body: bytes, done: bool, limit: int) -> bytes | None:
        """All of the answer so far when it is whole, or too much to be held."""
        held = self._held
        if held is None:
            if done or len(body) > limit:
                return body
            held = self._held = []
        held.append(body)
        if done or sum(map(len, held)) > limit:
            self._held = None
            return b"".join(held)
        return None

    def _judged_error(self, upstream: UpstreamConnection, body: bytes, done: bool) -> bytes | None:
        whole = self._gathered(body, done, MAX_ERROR_BYTES)
        status = upstream.status
        if whole is None:
            return None
        if not done:  # too much to be held
            assert self._candidate is not None
            self._candidate.breaker.failed(self, fault_of_status(status), self.serving.now())
            return whole
        self.tell_keys(upstream)
        fault = fault_of_error(self.ask.shape, status, whole)
        told = advice(upstream.headers, self.serving.services.clock.wall())
        if self.tries_on(Stage.HEAD, fault, status, *told, whole=True):
            return None
        return whole

    def _judged_beginning(
        self, upstream: UpstreamConnection, body: bytes, done: bool
    ) -> bytes | None:
        """Of a stream: nothing before it says something."""
        startup = self._startup
        if startup is None:
            if SHOWS[self.ask.shape](body):
                return body
            startup = Startup(self.ask.shape)
            found = startup.feed(body) if body else Progress.HOLD
            if found is Progress.COMMIT or is_encoded(upstream):
                return body
            self._startup = startup
            self._hurry()
        else:
            found = startup.feed(body) if body else Progress.HOLD
        if done and found is Progress.HOLD:
            found = startup.end()
            if found is Progress.HOLD:
                self.fail(
                    UpstreamFailure(
                        Phase.ANSWER,
                        ResponseDetail.UPSTREAM_TRUNCATED,
                        "The upstream failed: its stream ended before it said anything.",
                    )
                )
                return None
        if isinstance(found, InBandError):
            self._failed_inside(found.event, done)
            return None
        if found is Progress.HOLD:
            return None
        self._startup = None
        return startup.held

    def _failed_inside(self, event: bytes, done: bool) -> None:
        """An error that came with status 200: the client gets a status that tells the truth."""
        shape = self.ask.shape
        failure = failure_in_band(shape, event)
        status = failure.status
        fault = fault_of(failure)
        if self.tries_on(Stage.BEFORE_CONTENT, fault, status, whole=done):
            return
        self.stop_upstream()
        self.refuse(
            LocalReply(
                status,
                failure.message,
                ResponseDetail.UPSTREAM_ERROR,
                _JSON,
                CODECS[shape].write_error(failure),
            )
        )

    # -- time

    def _hurry(self) -> None:
        """The head of a stream is there, and no content."""
        candidate = self._candidate
        assert candidate is not None
        limit_s = candidate.policy.first_token_timeout_s
        if limit_s:
            self._until = min(self._until, self._touched + limit_s)
        self._due_at(self._until)

    def on_due(self, now: float) -> None:
        """See Work: the deadline, or an attempt that is silent."""
        if now >= self.deadline:
            self.on_deadline()
            return
        candidate = self._candidate
        if self._endpoint is None or candidate is None:  # between two attempts
            self._due_at(self.deadline)
            return
        if self.sent:
            self.look_at_stream(now)
            return
        until = self._until
        if self._startup is not None or self._held is not None:
            idle_s = candidate.policy.idle_timeout_s
            until = min(until, self._touched + idle_s) if idle_s else until
        if now < until:
            self._due_at(until)
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

    def _due_at(self, when: float) -> None:
        front = self.front
        front.due = min(when, self.deadline)
        if front.due - self.serving.now() < TURN_S:
            self.serving.services.wheel.soon(front)

    # -- who inherits

    @abstractmethod
    def broke(self, failure: UpstreamFailure) -> None:
        """The answer has ended before its end, and the client has a part of it."""

    @abstractmethod
    def look_at_stream(self, now: float) -> None:
        """See how an answer goes on that the client has a part of."""

    @abstractmethod
    def on_deadline(self) -> None:
        """The listener's timeout has passed."""

    @abstractmethod
    def stop_upstream(self) -> None:
        """Nothing more is wanted of the provider."""
