"""One whole answer told in another protocol, whatever its form: streamed or not, good or an error.

A fold for those who are no relay: agents that speak another protocol than chat, and clients of
agent listeners. The rule: what was begun as a stream ends with its protocol's end or its error
event, and what was not begun becomes a whole answer with a status of its own.
"""

from dataclasses import dataclass, field

from dataplane.llm.hub.answer import Answer, Failure, Unreadable
from dataplane.llm.hub.delta import Delta, End, Failed, says_nothing
from dataplane.llm.hub.whole import Whole, deltas_of
from dataplane.llm.translate.codec import Codec, Echo, StreamReader, StreamWriter

JSON = "application/json"
MAX_COLLECTED_BYTES = 32 * 1024 * 1024
"""Of an answer that must be whole before it can be translated."""


@dataclass(frozen=True, slots=True)
class Entire:
    """An answer that is told whole."""

    status: int
    body: bytes
    failure: Failure | None = None
    """What it says went wrong, if it does."""


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of an answer that will be translated."""

    status: int
    is_stream: bool
    """Whether server-sent events follow."""
    is_encoded: bool = False
    """Compressed, although nobody asked for that."""


@dataclass(slots=True)
class Retold:
    """One answer. `head` first, then `feed` for every read, then `finish` or `cut`."""

    source: Codec
    """Whoever answers."""
    target: Codec
    """Whoever asked."""
    echo: Echo
    writer: StreamWriter
    """The target's, in the form that it wants."""
    begun: bool = False
    """Whether the target has bytes of a stream."""
    ended: bool = False
    """Whether the stream has had its end, good or bad."""
    failure: Failure | None = None
    """What is wrong with a stream that was begun."""
    _head: Head = Head(0, False)
    _reader: StreamReader | None = None
    _whole: Whole | None = None
    _pieces: list[bytes] = field(default_factory=list)
    _held: list[Delta] = field(default_factory=list)
    _early: Failure | None = None
    _size: int = 0

    def head(self, head: Head) -> None:
        """The status is there."""
        self._head = head
        if head.is_encoded:
            self._fault("its answer is compressed, although nobody asked for that")
        elif 200 <= head.status < 300 and head.is_stream:
            self._reader = self.source.stream_reader()
            if not self.echo.request.stream:
                self._whole = Whole()
        elif head.status < 200 or 300 <= head.status < 400:
            self._fault(f"it answered {head.status}")

    def feed(self, data: bytes) -> bytes:
        """What a read makes for the target; nothing of an answer that is told whole."""
        if self._early is not None or self.ended:
            return b""
        if self._reader is not None and self._whole is None:
            return self._told(self._reader.feed(data))
        self._size += len(data)
        if self._size > MAX_COLLECTED_BYTES:
            self._fault(f"its answer is larger than {MAX_COLLECTED_BYTES} bytes")
        elif self._reader is not None and self._whole is not None:
            self._whole.feed(self._reader.feed(data))
        else:
            self._pieces.append(data)
        return b""

    def finish(self) -> bytes | Entire:
        """The answer is over: the rest of the stream, or all of it."""
        if self._reader is not None and self._whole is None and self._early is None:
            rest = self._told(self._reader.finish())
            if not self.ended and self._early is None:
                return rest + self.cut(_BROKE_OFF) if self.begun else self._refused(_BROKE_OFF)
            if self.begun:
                return rest
        if self._early is not None:
            return self._refused(self._early)
        if self._whole is not None and self._reader is not None:
            self._whole.feed(self._reader.finish())
            answer = self._whole.answer()
            if self._whole.failure is not None or answer is None:
                return self._refused(self._whole.failure or _BROKE_OFF)
            return self._answered(answer)
        body = b"".join(self._pieces)
        if self._head.status >= 400:
            return self._refused(self.source.read_error(self._head.status, body))
        found = self.source.read_answer(body)
        if isinstance(found, Unreadable):
            return self._refused(_fault(f"its answer is not what its API promises: {found.reason}"))
        return self._answered(found)

    def cut(self, failure: Failure) -> bytes:
        """The answer broke off: the last words of a stream that was begun."""
        if not self.begun or self.ended:
            return b""
        self.ended, self.failure = True, failure
        return self.writer.feed([Failed(failure)])

    def _told(self, deltas: list[Delta]) -> bytes:
        if not deltas or self.ended:
            return b""
        last = deltas[-1]
        failed = last.failure if isinstance(last, Failed) else None
        if not self.begun:
            if failed is not None and says_nothing(deltas[:-1]):
                self._early = failed
                return b""
            self._held += deltas
            if says_nothing(deltas):
                return b""
            deltas, self._held = self._held, []
        data = self.writer.feed(deltas)
        self.begun = self.begun or bool(data)
        if isinstance(last, End | Failed):
            self.ended, self.failure = True, failed
        return data

    def _answered(self, answer: Answer) -> bytes | Entire:
        if not self.echo.request.stream:
            return Entire(200, self.target.write_answer(answer, self.echo))
        self.begun = self.ended = True
        return self.writer.feed(deltas_of(answer))

    def _refused(self, failure: Failure) -> Entire:
        self.ended = True
        return Entire(failure.status, self.target.write_error(failure), failure)

    def _fault(self, problem: str) -> None:
        self._early = _fault(problem)


def _fault(problem: str) -> Failure:
    return Failure(502, f"The upstream failed: {problem}.", "server")


_BROKE_OFF = _fault("its stream broke off")
