"""What of an answer may be passed on, and when.

The rule: what can still be thrown away is held, bounded: errors, beginnings of streams that say
nothing, and answers that are not whole.
"""

from typing import Final

from dataplane.llm.error_faults import failure_in_band, fault_of, fault_of_error
from dataplane.llm.translate.codecs import CODECS
from dataplane.resilience.advice import advice
from dataplane.resilience.commit import SHOWS, InBandError, Progress, Startup
from dataplane.resilience.outcome import Stage
from dataplane.runtime.fault import fault_of_status
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.holding import Holding, wants_all
from dataplane.server.passing import NO_END
from dataplane.server.relayed_head import is_encoded
from dataplane.server.trying import Trying
from dataplane.upstream.connection import UpstreamConnection
from dataplane.upstream.errors import Phase, UpstreamFailure
from dataplane.wheel import NEVER

MAX_ERROR_BYTES = 64 * 1024
"""Of a provider's error, up to which it is read before it is passed on."""
MAX_WHOLE_BYTES: Final = 1024 * 1024
"""Of an answer that is not streamed, up to which none of it is passed on before all is there."""
_JSON = (("content-type", "application/json"),)


class Judging(Trying):
    """The part of an exchange in which its answer is looked at."""

    __slots__ = ()

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
        if self.ask.protocol is None or status != 200:
            return body
        if self._incoming.shape.stream_wish >= 0 and self.holds and not is_encoded(upstream):
            return self._held_back(upstream, body, done)
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
            self.tell_endpoint(status)
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
            self.hurry()
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

    def _held_back(self, upstream: UpstreamConnection, body: bytes, done: bool) -> bytes | None:
        """Of a stream that is wanted whole: nothing before it is."""
        holding = self._holding
        if holding is None:
            holding = self._holding = Holding(self.ask.shape, upstream)
            self._held = []  # so that silence is noticed
            self.hurry()
        spoke = holding.speaks
        holding.feed(body, done)
        passing = holding.passing
        if passing.told is not None:
            self._failed_inside(passing.told, done)
        elif done and not passing.whole and holding.body[:1] not in (b"{", b"["):
            self.fail(NO_END)
        elif done or holding.is_too_large:
            self._holding = self._held = None
            return holding.body
        elif passing.whole:  # and left open, perhaps
            assert self._candidate is not None
            self._until = self._touched + self._candidate.look_s
            self.due_at(self._until)
        elif holding.speaks and not spoke:
            self.speaks()
        return None

    @property
    def holds(self) -> bool:
        """Whether the client wants all of a stream or none of it."""
        return wants_all(self._incoming)

    def speaks(self) -> None:
        """A stream that is held has its first content: the limits for that are met."""
        candidate = self._candidate
        assert candidate is not None
        self._held = self._held if self._held is not None else []
        self._until = self.deadline
        self.due_at(self._touched + (candidate.policy.idle_timeout_s or NEVER))
        if candidate.paced:
            self.watch_pace(candidate, self._touched)

    def fail(self, failure: UpstreamFailure) -> None:
        """See Trying. A stream that was held may be whole, although its body has no end."""
        holding = self._holding
        if holding is None or not holding.passing.whole:
            super().fail(failure)
            return
        self._upstream = holding.upstream
        self.on_answer(holding.upstream, b"", done=True)

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

    def hurry(self) -> None:
        """The head of a stream is there, and no content."""
        candidate = self._candidate
        assert candidate is not None
        limit_s = candidate.policy.first_token_timeout_s
        if limit_s:
            self._until = min(self._until, self._touched + limit_s)
        self.due_at(self._until)
