"""What becomes of an attempt that fails: tried again, elsewhere, or told.

The rule: until the client has a part of an answer everything may be thrown away, so errors,
beginnings of streams that say nothing and answers that are not whole are held, bounded; afterwards
nothing is tried again here. What may be tried is decided by resilience/retry.py.
"""

from abc import abstractmethod

from dataplane.llm.error_faults import failure_in_band, fault_of, fault_of_error
from dataplane.llm.translate.codecs import CODECS
from dataplane.resilience.advice import advice
from dataplane.resilience.commit import SHOWS, InBandError, Progress, Startup
from dataplane.resilience.outcome import Outcome, Stage
from dataplane.resilience.retry import Attempts, GiveUp, Retry, Why
from dataplane.runtime.fault import Fault
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.relayed_head import is_encoded
from dataplane.server.sending import Sending
from dataplane.server.trials import Trials
from dataplane.upstream.connection import UpstreamConnection
from dataplane.upstream.errors import Phase, UpstreamFailure
from dataplane.wheel import TURN_S

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
        if self.sent:
            self.broke(failure)
            return
        stage = Stage.CONNECT if failure.phase is Phase.CONNECT else Stage.BEFORE_CONTENT
        fault = _FAULTS.get(failure.detail, Fault.CONNECTION)
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
                    candidate.policy, others, self.deadline, self.serving.random, candidate.budgets
                )
            )
        trials.failed(candidate, fault, status)
        keys = candidate.keys
        decision = trials.attempts.next(
            Outcome(
                stage,
                fault,
                status,
                retry_after_s,
                may_retry,
                not candidate.provider.passthrough_auth,
                keys.others(self._key, now) if keys is not None else 0,
                max(len(candidate.endpoints) - len(self._avoid) - 1, 0),
            ),
            now,
        )
        if isinstance(decision, GiveUp):
            if decision.why is Why.CREDENTIALS:
                self.refuse(_EXHAUSTED)
            return decision.why is Why.CREDENTIALS
        self._let_go(whole, now)
        if isinstance(decision, Retry):
            self._retry(trials, decision)
        else:
            self._move(trials, others - 1)
        return True

    def _retry(self, trials: Trials, retry: Retry) -> None:
        candidate = self._candidate
        assert candidate is not None
        if not retry.other_endpoint or len(self._avoid) >= len(candidate.endpoints):
            self._avoid = ()
        if retry.after_s > 0:
            self.front.due = self.deadline
            trials.timer = self.front.host.loop.call_later(retry.after_s, self._begin_again)
        else:
            self._attempt()

    def _begin_again(self) -> None:
        if not self.over:
            self._attempt()

    def _move(self, trials: Trials, others: int) -> None:
        self._place += 1
        while not self._lane[self._place].endpoints:
            self._place += 1
        candidate = self._lane[self._place]
        self._avoid = ()
        self._fresh = False
        trials.attempts.moved(candidate.policy, others, candidate.budgets)
        self._attempt()

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
        if whole is None or not done:
            return whole
        self.tell_keys(upstream)
        status = upstream.status
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
