"""A stream that broke after its client had a part of it: somebody else goes on, or the truth.

The rule: what was delivered is never said again and nothing of an answer is left out. What is tried
is decided by resilience/recovery.py, who writes to the client is in rescue.py, each way in
mended.py.
"""

import logging
from abc import abstractmethod
from typing import TYPE_CHECKING, cast

from dataplane.llm.error_faults import fault_of
from dataplane.llm.hub.answer import Failure
from dataplane.llm.translate.codec import Echo, StreamWriter
from dataplane.llm.wire.peek import Peek
from dataplane.resilience.recovery import Ended, How, Recoveries, Target, Way
from dataplane.runtime.dialect import Prefill
from dataplane.runtime.fault import Fault
from dataplane.runtime.messages import ResponseDetail
from dataplane.server.answers import INTERNAL
from dataplane.server.hedging import Hedging
from dataplane.server.mended import Mended
from dataplane.server.rescue import Rescue, after, asked, resumed
from dataplane.server.translated import Translated
from dataplane.upstream.errors import Phase, UpstreamFailure

if TYPE_CHECKING:
    from dataplane.llm.recovery.delivered import Delivered
    from dataplane.server.candidates import Candidate
    from dataplane.server.front import Front
    from dataplane.upstream.connection import UpstreamConnection

log = logging.getLogger(__name__)

MAX_KEPT_BYTES = 1 << 20
"""Of a question, while its answer is streamed; of longer ones the answer is not gone on with."""
FORGOTTEN = Peek(b"", None, False)
"""In place of a question that is not needed any more."""
TRUTH = Way(How.TRUTH, -1)
NO_ENDPOINT = UpstreamFailure(
    Phase.CONNECT,
    ResponseDetail.NO_USABLE_ENDPOINT,
    "The upstream failed, and there is no other that can be reached.",
)


class Recovering(Hedging):
    """The part of an exchange in which a stream that broke may be gone on with."""

    __slots__ = ()

    def recovers(self, failure: UpstreamFailure, told: Failure | None) -> bool:
        """Whether somebody else goes on, or tries to; if not, the caller tells the client."""
        fault = fault_of(told) if told is not None else failure.fault
        if self._rescue is None:
            self._rescue = self._rescued()
            if self._rescue is None:
                self.serving.services.metrics.recovery(How.TRUTH.value, Ended.TOLD.value)
                return False
            self._rescue.failure = failure
            self._rescue.told = told
        return self._next_way(fault, Ended.BROKE, told.status if told is not None else 0)

    @property
    def waits(self) -> bool:
        """Whether a way was begun and the client has nothing of it yet."""
        return isinstance(self._translated, Mended) and self._translated.waits

    @property
    def all_said(self) -> bool:
        """Whether the client has all of a stream that it waits for, if not the end of its body."""
        passing, translated = self._passing, self._translated
        passed = passing is not None and passing.all_said
        return passed or (translated is not None and translated.is_whole())

    def keeps(self, candidate: "Candidate") -> bool:
        """Whether the question is kept, so that somebody else can go on with its answer; where
        bytes are scarce a new request needs them more.
        """
        return (
            candidate.recovers
            and len(self._peek.body) <= MAX_KEPT_BYTES
            and not self.front.host.gate.is_scarce(self.serving.limits)
        )

    def forget(self) -> None:
        """The question is not needed any more."""
        self._incoming.body = b""
        self.front.discharge()
        self._peek = FORGOTTEN

    def run(self, found: "Peek | None" = None) -> None:
        """`start`, whatever happens; `found` is what somebody has read of the request already."""
        try:
            self.start(found)
        except Exception:
            cast("Front", self.front).ends = True
            self.fault()

    def fault(self) -> None:
        """Called while an exception is handled: a fault of ours ends this exchange, with all that
        it has reserved.
        """
        log.exception("request %r failed", self.front.request_id)
        if self.over:
            return
        self.stop_upstream()
        if self.sent:
            self.cut(INTERNAL.detail, INTERNAL.message, INTERNAL.status)
        else:
            self.refuse(INTERNAL)

    def goes_on(self, fault: Fault, ended: Ended, status: int = 0) -> None:
        """A way has ended so: the next one, or the truth."""
        candidate = self._candidate
        assert candidate is not None
        if ended is not Ended.DIFFERED:
            candidate.breaker.failed(self, fault, self.serving.now())
            self.tell_endpoint(status)
        if not self._next_way(fault, ended, status):
            rescue = self._rescue
            assert rescue is not None
            failure = rescue.failure
            self.cut(failure.detail, failure.message, failure.status, rescue.told)

    def recovered(self, last: bytes) -> None:
        """The client has the whole answer but for `last`."""
        rescue = self._rescue
        assert rescue is not None
        self._count(Ended.RECOVERED)
        self.finish(last)

    def answers(self) -> None:
        """A way's provider gives an answer."""
        candidate = self._candidate
        assert candidate is not None
        if not candidate.breaker.calm:
            candidate.breaker.succeeded(self, self.serving.now())
        cast("Front", self.front).replace_work(self)  # the client may be slow just now

    def _next_way(self, fault: Fault, ended: Ended, status: int) -> bool:
        rescue = self._rescue
        candidate = self._candidate
        assert rescue is not None
        assert candidate is not None
        now = self.serving.now()
        if rescue.way.how is not How.TRUTH:
            self._count(ended)
        trials = self._trials
        if trials is None:
            trials = self._trials = self._new_trials(candidate, self._others(), now)
        self._let_go(whole=False, now=now)
        way = rescue.machine.next(
            rescue.place, fault, self._targets(rescue, now), now, bool(rescue.words), ended
        )
        wasted = 0
        if way is not None and ended is not Ended.REFUSED:
            repeated = rescue.delivered.tokens if way.how is How.RESUME else 0
            wasted = rescue.prompt_tokens + repeated
            candidate.standing.wasted_tokens += wasted
        trials.failed(candidate, fault, status, wasted)
        if way is None:
            rescue.way = TRUTH
            self._count(Ended.TOLD)
            return False
        rescue.way = way
        rescue.place = way.place
        if way.place != self._place:
            self._place = way.place
            self._avoid = ()
            self._fresh = False
        elif self._endpoints_left(candidate) <= 0:
            self._avoid = ()
        self._attempt()
        return True

    def _count(self, ended: Ended) -> None:
        rescue = self._rescue
        assert rescue is not None
        self.serving.services.metrics.recovery(rescue.way.how.value, ended.value)

    def _targets(self, rescue: Rescue, now: float) -> list[Target]:
        """Candidates that can be reached: those after the one whose stream it was, then that."""
        lane = self._lane
        places = [*range(rescue.origin + 1, len(lane)), rescue.origin]
        return [
            Target(
                place,
                lane[place].prefill is not Prefill.NONE,
                self._budgets(lane[place], now),
            )
            for place in places
            if lane[place].state.available and lane[place].breaker.admits(now)
        ]

    def _ask_again(self, candidate: "Candidate") -> None:
        """See Sending."""
        rescue = self._rescue
        assert rescue is not None
        if self._place != rescue.way.place:  # it has no endpoint any more
            self.broke(NO_ENDPOINT)
            return
        keys = candidate.keys
        self._key = keys.pick(self.serving.now()) if keys is not None else 0
        mended = self._translated = Mended(self, rescue, candidate)
        mended.ask(self._peek, self.marks)

    def _nowhere(self) -> None:
        """See Sending."""
        if self.sent:
            self.broke(NO_ENDPOINT)
        else:
            super()._nowhere()

    def _rescued(self) -> Rescue | None:
        """What it takes to go on; None: there is not enough."""
        candidate = self._candidate
        assert candidate is not None
        client = self.ask.shape
        passing, translated = self._passing, self._translated
        told = passing.kept if passing is not None else self.delivered
        if told is None or told.pieces is None:
            return None
        found = self._peek
        request = asked(client, found.body, found.model or candidate.model)
        if request is None:
            return None
        made: tuple[StreamWriter, Delivered] | None
        if isinstance(translated, Translated):
            translated.flush()
            made = after(translated.writer, told.pieces)
        else:
            services = self.serving.services
            answer_id = f"{services.random.getrandbits(96):024x}"
            echo = Echo(request, int(services.clock.wall()), answer_id)
            made = resumed(client, echo, told.pieces)
        if made is None:
            return None
        self._passing = self.delivered = None
        machine = Recoveries(candidate.policy.stream_recovery, self.deadline)
        return Rescue(client, request, *made, machine, self._place)

    # -- who inherits

    @abstractmethod
    def cut(
        self, detail: ResponseDetail, message: str, status: int, told: Failure | None = None
    ) -> None:
        """End an answer that was begun so that nobody takes it for a whole one."""

    @abstractmethod
    def finish(self, *last: bytes) -> None:
        """The answer is complete; `last` are the pieces that are still to be sent of it."""

    @abstractmethod
    def piece(self, data: bytes) -> bytes:
        """A piece of the body, as it is sent."""

    @abstractmethod
    def heard(self, body: bytes) -> None:
        """Something came of the provider, for whoever reads it."""

    @abstractmethod
    def release(self, upstream: "UpstreamConnection") -> None:
        """The provider has said everything."""
