"""A request whose provider speaks another protocol: the relay's answering side, translated.

The relay sends, retries and ends the exchange; this reads the client's request, writes the
provider's, and turns the answer back, as it comes. The rules: what was begun towards the client
ends with the end of its own protocol, or with its own error event and a cut; bodies that are not
streamed are collected up to a limit; nothing that takes long runs on the loop.
"""

from typing import TYPE_CHECKING, Final

from dataplane.llm.cache_markers import Marks
from dataplane.llm.error_faults import fault_of
from dataplane.llm.hub.answer import Answer, Failure, Unreadable
from dataplane.llm.hub.delta import Begin, Delta, End, Failed, UsageDelta, says_nothing
from dataplane.llm.hub.whole import Whole, deltas_of
from dataplane.llm.json_array import in_form
from dataplane.llm.translate.between import Translation, translate_request
from dataplane.llm.translate.codec import Echo, StreamReader, StreamWriter
from dataplane.llm.translate.codecs import CODECS
from dataplane.resilience.advice import Advice, advice
from dataplane.resilience.outcome import Stage
from dataplane.runtime.config import OnUntranslatable
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.protocols import Protocol
from dataplane.server.answers import translated_head
from dataplane.server.foreign_head import foreign_head, told_status
from dataplane.upstream.errors import Phase, UpstreamFailure

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable

    from dataplane.llm.wire.peek import Peek
    from dataplane.server.candidates import Candidate
    from dataplane.server.relay import Relay
    from dataplane.upstream.connection import UpstreamConnection


MAX_COLLECTED_BYTES = 32 * 1024 * 1024
"""Of an answer that must be whole before it can be translated."""
BIG_BODY_BYTES = 256 * 1024  # from here on in a thread: 2 ms at this size, 7 ms at 1 MB
_JSON: Final = b"application/json"
# (asking an enumeration for a member costs as much as four fields of a struct)
_DROP: Final = OnUntranslatable.DROP
_MARKS_MESSAGES: Final = Marks.MESSAGES


class Translated:
    """Implements Reader (upstream/connection.py) for a relay."""

    __slots__ = (
        "_advice",
        "_client",
        "_collected",
        "_done",
        "_dropped",
        "_due",
        "_echo",
        "_ended",
        "_held",
        "_kept",
        "_pieces",
        "_provider",
        "_reader",
        "_relay",
        "_status",
        "_takes",
        "_whole",
        "dismissed",
        "writer",
    )

    def __init__(self, relay: "Relay", client: Protocol) -> None:
        self._relay = relay
        self.dismissed = False
        """Whether the attempt was thrown away that this one was for."""
        self._advice = Advice(None, may_retry=True)
        self._held: list[Delta] = []
        """The beginning of a stream that says nothing yet."""
        self._client = client
        self._provider = client
        self._dropped: tuple[str, ...] = ()
        self._echo: Echo | None = None
        # Functions and no bound methods: those would be cycles, and keep all this for a while.
        self._takes: Callable[[Translated, bytes], None] | None = None
        """What is done with the next bytes of the answer; None before its head."""
        self._done: Callable[[Translated], None] | None = None
        self._status = self._collected = 0
        self._kept: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._reader: StreamReader | None = None
        self.writer: StreamWriter | None = None
        self._whole: Whole | None = None
        self._due: list[bytes] = []  # every write is a system call
        self._ended = False
        """Whether the client's stream has its end."""

    # -- on the way up

    def ask(self, candidate: "Candidate", found: "Peek", marks: int) -> None:
        """Translate the request for a candidate and have it sent; `marks` as in Orders."""
        relay = self._relay
        assert candidate.target is not None
        self._provider = candidate.target
        provider = candidate.provider
        asked = (found.model or candidate.model, found.stream)
        drops = provider.on_untranslatable is _DROP
        marks = marks if candidate.marks is _MARKS_MESSAGES else 0
        told = (self._client, candidate.target, found.body, asked, candidate.model)
        if len(found.body) >= BIG_BODY_BYTES:
            made = relay.front.host.loop.run_in_executor(
                None, translate_request, *told, provider.dialect, drops, marks
            )
            made.add_done_callback(self._made)
            return
        try:
            self._asked(
                translate_request(
                    self._client,
                    candidate.target,
                    found.body,
                    asked,
                    candidate.model,
                    provider.dialect,
                    drops,
                    marks,
                )
            )
        except Exception:
            self._fault()

    def _made(self, made: "Future[Translation | LocalReply]") -> None:
        """What a thread has made."""
        if self._relay.over or self.dismissed:
            return
        try:
            self._asked(made.result())
        except Exception:
            self._fault()

    def _asked(self, made: Translation | LocalReply) -> None:
        relay = self._relay
        if isinstance(made, LocalReply):
            relay.refuse(made)
            return
        services = relay.serving.services
        # No answer repeats the conversation, and it may be long.
        made.request.messages, made.request.system = [], []
        answer_id = services.random.getrandbits(96).to_bytes(12, "big").hex()
        self._echo = Echo(made.request, int(services.clock.wall()), answer_id)
        self._dropped = made.dropped
        relay.send_body(made.body, made.rest)

    # -- Reader

    def on_connected(self, upstream: "UpstreamConnection") -> bool:
        """See Reader."""
        return self._relay.on_connected(upstream)

    def on_failed(self, failure: UpstreamFailure) -> None:
        """See Reader."""
        if self._relay.sent and self.is_whole() and not self._relay.over:
            self.settle()  # all that matters had come
        elif not self.dismissed:
            self._relay.on_failed(failure)

    def on_answer(self, upstream: "UpstreamConnection", body: bytes, done: bool) -> None:
        """See Reader."""
        relay = self._relay
        try:
            relay.heard(body)
            if self._takes is None:
                relay.tell_keys(upstream)
                self._begin(upstream)
            if body and self._takes is not None and not (relay.over or self.dismissed):
                self._takes(self, body)
            if done and not (relay.over or self.dismissed):
                relay.release(upstream)
                if self._done is not None:
                    self._done(self)
            if self._due and not relay.over:
                self.flush()
        except Exception:
            self._fault()

    # -- on the way down

    def _begin(self, upstream: "UpstreamConnection") -> None:
        """The head of the answer is there: what it is decides what becomes of its body."""
        relay = self._relay
        status = self._status = upstream.status
        told = foreign_head(tuple(upstream.names), upstream.values, relay.tally.charge is not None)
        self._kept = told.kept
        relay.tally.upstream_request_id = told.request_id
        self._takes, self._done = Translated._collect, Translated._whole_failure
        if told.is_encoded:
            self._break("it is compressed, although we asked that it is not")
        elif status >= 400:
            self._advice = advice(upstream.headers, relay.serving.services.clock.wall())
        elif 200 <= status < 300:
            streams = told.is_stream
            assert self._echo is not None
            wanted = self._echo.request.stream
            if streams:
                self._reader = CODECS[self._provider].stream_reader()
            if streams and wanted:
                relay.hurry()
                self._new_writer(self._echo)
                self._takes, self._done = Translated._stream, Translated._end_stream
            elif streams:
                self._whole = Whole()
                self._takes = Translated._collect_stream
                self._done = Translated._end_collected
            else:
                self._done = Translated._whole_answer

    def _collect(self, body: bytes) -> None:
        self._pieces.append(body)
        self._count(body)

    def _collect_stream(self, body: bytes) -> None:
        assert self._reader is not None
        assert self._whole is not None
        deltas = self._reader.feed(body)
        self._whole.feed(deltas)
        if not says_nothing(deltas):
            self._relay.collects()
        self._count(body)

    def _count(self, body: bytes) -> None:
        self._collected += len(body)
        if self._collected > MAX_COLLECTED_BYTES:
            self._break(f"its answer is larger than {MAX_COLLECTED_BYTES} bytes")

    def _end_collected(self) -> None:
        assert self._reader is not None
        assert self._whole is not None
        self._whole.feed(self._reader.finish())
        failure = self._whole.failure
        answer = self._whole.answer()
        if failure is not None:
            self._tell_early_failure(failure)
        elif answer is None:
            self._break("its stream broke off", ResponseDetail.UPSTREAM_TRUNCATED)
        else:
            self._tell(answer)

    def _whole_answer(self) -> None:
        body, self._pieces = b"".join(self._pieces), []
        answer = CODECS[self._provider].read_answer(body)
        if isinstance(answer, Unreadable):
            self._break(f"its answer is not what its API promises: {answer.reason}")
        else:
            self._tell(answer)

    def _whole_failure(self) -> None:
        body = b"".join(self._pieces)
        if self._status < 400:
            self._break(f"it answered {self._status}")
            return
        failure = CODECS[self._provider].read_error(self._status, body)
        if not self._relay.tries_on(
            Stage.HEAD, fault_of(failure), self._status, *self._advice, whole=True
        ):
            self._tell_failure(failure)

    def _tell(self, answer: Answer) -> None:
        """A whole answer, as the client wants it."""
        echo = self._echo
        assert echo is not None
        if echo.request.stream:
            self._new_writer(echo)
            self._write(deltas_of(answer))
            self._finish()
            return
        if answer.usage is not None:
            self._relay.tally.told(answer.usage)
        self._send_whole(200, CODECS[self._client].write_answer(answer, echo))

    def _new_writer(self, echo: Echo) -> None:
        writer = CODECS[self._client].stream_writer(echo)
        self.writer = in_form(writer, self._client, self._relay.ask.query)

    def _tell_failure(self, failure: Failure) -> None:
        """The provider's own error, with its status."""
        failure.status = told_status(failure.status, self._client)
        self._send_whole(failure.status, CODECS[self._client].write_error(failure))

    def _send_whole(self, status: int, body: bytes) -> None:
        relay = self._relay
        head = relay.begin(status, self._head(status, _JSON, len(body)), sized=True)
        relay.tally.last(body)
        relay.finish(head, *relay.pieces(body))

    # -- streams

    def _stream(self, body: bytes) -> None:
        assert self._reader is not None
        self._collected += len(body)
        self._write(self._reader.feed(body))

    def _end_stream(self) -> None:
        assert self._reader is not None
        self._write(self._reader.finish())
        if self._ended and not self._relay.over:
            self._finish()
        elif not (self._relay.over or self.dismissed):
            self._break("its stream broke off", ResponseDetail.UPSTREAM_TRUNCATED)

    def is_whole(self) -> bool:
        """Whether the client has its end, or can have it, whatever the provider still says."""
        reader = self._reader
        return self._ended or (self.writer is not None and reader is not None and reader.has_all())

    def settle(self) -> None:
        """The end, of a stream that is whole."""
        if not self._ended and self._reader is not None:
            self._write(self._reader.finish())
        if not self._relay.over:
            self._finish()

    def _write(self, deltas: list[Delta]) -> None:
        if not deltas or self._ended:
            return
        relay, writer, last = self._relay, self.writer, deltas[-1]
        assert writer is not None
        failed = last.failure if type(last) is Failed else None
        if not relay.sent:
            holds = relay.holds and self._collected <= MAX_COLLECTED_BYTES
            if failed is not None and (holds or says_nothing(deltas[:-1])):
                self._tell_early_failure(failed)
                return
            silent = says_nothing(deltas)
            if silent or (holds and type(last) is not End):  # the attempt can be thrown away
                self._held += deltas
                if not silent:
                    relay.speaks()
                return
            deltas, self._held = self._held + deltas, []
        for delta in deltas:
            if (type(delta) is UsageDelta or type(delta) is Begin) and delta.usage is not None:
                relay.tally.told(delta.usage)
        self._ended = isinstance(last, End)
        data = writer.feed(deltas if failed is None else deltas[:-1])
        if data:
            if not relay.sent:
                head = self._head(200, writer.content_type.encode())
                self._due.append(relay.begin(200, head, sized=False))
            self._due += relay.pieces(data)
            if relay.tally.keeps:
                relay.tally.more(data)
        if relay.delivered is not None:
            relay.delivered.add(deltas, len(data))
        if failed is not None and not relay.sent:
            self._tell_early_failure(failed)
        elif failed is not None:
            relay.stop_upstream()
            relay.failed_inside(failed)

    def _tell_early_failure(self, failure: Failure) -> None:
        """Nothing was sent yet: somebody else may answer, or an error with a status of its own."""
        if not self._relay.tries_on(Stage.BEFORE_CONTENT, fault_of(failure), failure.status):
            self._relay.stop_upstream()
            self._tell_failure(failure)

    def last_words(self, failure: Failure) -> None:
        """The stream to the client is going to be cut: say why in its own words."""
        writer = self.writer
        if writer is not None and not self._ended:
            self._ended = True
            data = writer.feed([Failed(failure)])
            if data:
                self._due += self._relay.pieces(data)
        self.flush()

    def flush(self) -> None:
        due, self._due = self._due, []
        if due:
            self._relay.front.write(b"".join(due))

    def _break(
        self, why: str, detail: ResponseDetail = ResponseDetail.UPSTREAM_PROTOCOL_ERROR
    ) -> None:
        """What the provider sends cannot be translated."""
        self._relay.stop_upstream()
        self._relay.fail(UpstreamFailure(Phase.ANSWER, detail, f"The upstream failed: {why}."))

    def _finish(self) -> None:
        self._relay.tally.last(b"")
        self._relay.finish(*self._due)

    def _fault(self) -> None:
        """A fault of ours."""
        self.writer = None
        self._relay.fault()

    def _head(self, status: int, kind: bytes, size: int | None = None) -> bytes:
        own_id = self._relay.front.request_id
        head = translated_head(status, kind, size, self._kept, self._dropped, self._client, own_id)
        return head + self._relay.told
