"""One way to go on with a stream that broke: the question asked anew, and what of its answer the
client does not have yet.

The rule: an error of this provider never reaches the client, it leads to the next way; and not a
word goes on before what was delivered is known to be continued.
"""

import logging
from typing import TYPE_CHECKING

from dataplane.llm.cache_markers import Marks
from dataplane.llm.error_faults import fault_of
from dataplane.llm.hub.answer import Failure, Unreadable
from dataplane.llm.hub.delta import Delta, End, Failed, SignatureDelta, UsageDelta
from dataplane.llm.hub.seal import opened
from dataplane.llm.hub.whole import deltas_of
from dataplane.llm.recovery.prefill import with_prefill
from dataplane.llm.translate.between import translate_request
from dataplane.llm.translate.codecs import CODECS
from dataplane.llm.wire.body import with_model
from dataplane.llm.wire.peek import Peek
from dataplane.resilience.recovery import Ended, How
from dataplane.runtime.config import OnUntranslatable
from dataplane.runtime.dialect import Prefill
from dataplane.runtime.fault import Fault
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.foreign_head import foreign_head
from dataplane.server.sending import unsealed_peek
from dataplane.upstream.errors import Phase, UpstreamFailure

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable

    from dataplane.llm.translate.codec import StreamReader
    from dataplane.runtime.protocols import Protocol
    from dataplane.server.candidates import Candidate
    from dataplane.server.recovering import Recovering
    from dataplane.server.rescue import Rescue
    from dataplane.server.surface import Ask
    from dataplane.upstream.connection import UpstreamConnection

log = logging.getLogger(__name__)

MAX_HELD_BYTES = 1 << 20
"""Of an error, or an answer that is not streamed though it should be."""
BIG_BODY_BYTES = 256 * 1024
"""As for translations: from here on in a thread."""


class Mended:
    """Implements Reader (upstream/connection.py) for a relay."""

    __slots__ = (
        "_candidate",
        "_due",
        "_held",
        "_provider",
        "_reader",
        "_relay",
        "_rescue",
        "_seam",
        "_status",
        "_takes",
        "_told",
        "dismissed",
    )

    def __init__(self, relay: "Recovering", rescue: "Rescue", candidate: "Candidate") -> None:
        self._relay = relay
        self._rescue = rescue
        self._candidate = candidate
        self._provider: Protocol = candidate.target or rescue.client
        words = rescue.words if rescue.way.how is How.CONTINUE else ""
        self._seam = rescue.seam(words, candidate.prefill)
        self._reader: StreamReader | None = None
        self._takes: Callable[[Mended, bytes], None] | None = None
        self._held = b""
        self._status = 0
        self._due: list[bytes] = []
        self._told = False
        """Whether any of it went on to the client."""
        self.dismissed = False

    @property
    def waits(self) -> bool:
        """Whether nothing of it went on to the client yet."""
        return not self._told

    def is_whole(self) -> bool:
        """See Translated."""
        return self._told and self._reader is not None and self._reader.has_all()

    def settle(self) -> None:
        """See Translated."""
        assert self._reader is not None
        self._take(self._reader.finish())

    # -- on the way up

    def ask(self, found: Peek, marks: int) -> None:
        """Have the request sent; `marks` as in Orders."""
        rescue = self._rescue
        given = rescue.words if rescue.way.how is How.CONTINUE else ""
        spent = rescue.delivered.tokens
        told = (self._relay.ask, self._candidate, found, marks, given, spent)
        if len(found.body) >= BIG_BODY_BYTES:
            made = self._relay.front.host.loop.run_in_executor(None, body_of, *told)
            made.add_done_callback(self._made)
            return
        self._asked(body_of(*told))

    def _made(self, made: "Future[bytes | None]") -> None:
        if not (self._relay.over or self.dismissed):
            self._asked(made.result())

    def _asked(self, body: bytes | None) -> None:
        if body is None:
            self._relay.goes_on(Fault.INVALID, Ended.REFUSED)
        else:
            self._relay.send_body(body)

    # -- Reader

    def on_connected(self, upstream: "UpstreamConnection") -> bool:
        """See Reader."""
        return self._relay.on_connected(upstream)

    def on_failed(self, failure: UpstreamFailure) -> None:
        """See Reader."""
        if self.dismissed or self._relay.over:
            return
        if self._reader is not None and self._status < 400:
            self._take(self._reader.finish())  # all that matters may have come
            if self.dismissed or self._relay.over:
                return
        self._relay.on_failed(failure)

    def on_answer(self, upstream: "UpstreamConnection", body: bytes, done: bool) -> None:
        """See Reader."""
        relay = self._relay
        try:
            relay.heard(body)
            if self._takes is None:
                relay.tell_keys(upstream)
                self._begin(upstream)
            if body and self._takes is not None and not self._is_over:
                self._takes(self, body)
            if done and not self._is_over:
                relay.release(upstream)
                self._end()
            if not relay.over:
                self._flush()
        except Exception:
            log.exception("going on with request %r failed", relay.front.request_id)
            self._fail("it cannot be gone on with", ResponseDetail.INTERNAL)

    @property
    def _is_over(self) -> bool:
        return self._relay.over or self.dismissed

    # -- on the way down

    def _begin(self, upstream: "UpstreamConnection") -> None:
        self._takes = Mended._hold
        self._status = upstream.status
        told = foreign_head(tuple(upstream.names), upstream.values)
        if told.is_encoded:
            self._fail("its answer is compressed")
        elif 200 <= upstream.status < 300:
            self._relay.answers()
            if told.is_stream:
                self._relay.hurry()
                self._reader = CODECS[self._provider].stream_reader()
                self._takes = Mended._stream

    def _hold(self, body: bytes) -> None:
        self._held += body
        if len(self._held) > MAX_HELD_BYTES:
            self._fail("its answer is too large")

    def _stream(self, body: bytes) -> None:
        assert self._reader is not None
        self._take(self._reader.feed(body))

    def _end(self) -> None:
        """The body is over."""
        if self._status >= 300:
            failure = CODECS[self._provider].read_error(self._status, self._held)
            self._refused(failure)
        elif self._reader is not None:
            self._take(self._reader.finish())
            if not self._is_over:
                self._fail("its stream broke off", ResponseDetail.UPSTREAM_TRUNCATED)
        else:
            answer = CODECS[self._provider].read_answer(self._held)
            if isinstance(answer, Unreadable):
                self._fail(f"its answer is not what its API promises: {answer.reason}")
            else:
                self._take(deltas_of(answer))

    def _refused(self, failure: Failure) -> None:
        how = self._rescue.way.how
        if how is How.CONTINUE and failure.status in (400, 422):
            self._candidate.prefill = Prefill.NONE  # it does not take what it was thought to
        self._relay.goes_on(fault_of(failure), Ended.REFUSED, self._status)

    def _take(self, deltas: list[Delta]) -> None:
        if not deltas:
            return
        last = deltas[-1]
        failed = last.failure if type(last) is Failed else None
        seam = self._seam
        told = seam.feed(deltas[:-1] if failed is not None else deltas)
        if seam.differs:
            self._relay.goes_on(Fault.NONE, Ended.DIFFERED)
            return
        if told:
            self._say(told)
        if failed is not None and not self._is_over:
            self._flush()
            self._relay.goes_on(fault_of(failed), Ended.BROKE, failed.status)

    def _say(self, deltas: list[Delta]) -> None:
        """To the client."""
        relay, rescue = self._relay, self._rescue
        if self._provider is rescue.client:
            for delta in deltas:
                if type(delta) is SignatureDelta:  # its own provider's: no seal is needed
                    delta.signature = opened(delta.signature, self._provider) or delta.signature
        for delta in deltas:
            if type(delta) is UsageDelta:
                relay.tally.told(delta.usage)
        if not self._told and any(type(delta) is not UsageDelta for delta in deltas):
            self._told = True
            note = rescue.begins(self._candidate)
            if note:
                self._due.append(relay.piece(note))
        last = type(deltas[-1]) is End
        data = rescue.write(deltas, last)
        if data:
            self._due.append(relay.piece(data))
            if relay.tally.keeps:
                relay.tally.more(data)
        if last:
            due, self._due = self._due, []
            relay.tally.last(b"")
            relay.recovered(b"".join(due))

    def _flush(self) -> None:
        due, self._due = self._due, []
        if due:
            self._relay.front.write(b"".join(due))

    def _fail(
        self, why: str, detail: ResponseDetail = ResponseDetail.UPSTREAM_PROTOCOL_ERROR
    ) -> None:
        self._flush()
        self._relay.stop_upstream()
        self._relay.fail(UpstreamFailure(Phase.ANSWER, detail, f"The upstream failed: {why}."))

    def last_words(self, failure: Failure) -> None:
        """The client's stream is going to be cut: say why in its own words."""
        data = self._rescue.last_words(failure)
        if data:
            self._due.append(self._relay.piece(data))
        self._flush()


def body_of(
    ask: "Ask", candidate: "Candidate", found: Peek, marks: int, given: str, spent: int
) -> bytes | None:
    """The request as a candidate gets it, with the beginning of its answer when any is `given`;
    None: it cannot be said there.
    """
    client = ask.shape
    provider = candidate.provider
    target = candidate.target
    if target is None:
        target = client
        named = ask.model is not None or found.model == candidate.model
        if ask.signed:
            found = unsealed_peek(found, ask)
        body = found.body if named else with_model(found, candidate.model)
    else:
        made = translate_request(
            client,
            target,
            found.body,
            (found.model or candidate.model, found.stream),
            candidate.model,
            provider.dialect,
            provider.on_untranslatable is OnUntranslatable.DROP,
            marks if candidate.marks is Marks.MESSAGES else 0,
        )
        if isinstance(made, LocalReply):
            return None
        body = made.body
    if not given:
        return body
    return with_prefill(target, body, given, candidate.prefill, spent)
