"""A stream that is passed on as the provider's bytes: whole events only, and only good ones.

The rule: the client's bytes always end where an event ends, so that somebody else can go on there;
and an end counts only when the protocol says it, not when the body is over.
"""

from typing import Final, Generic, TypeVar

from dataplane.llm.hub.answer import Failure
from dataplane.llm.stream_errors import error_event
from dataplane.resilience.in_band import error_in
from dataplane.resilience.malformed import malformed, without_malformed
from dataplane.resilience.usual import looks_usual
from dataplane.resilience.whole import ends_whole
from dataplane.runtime.messages import ResponseDetail
from dataplane.runtime.protocols import Protocol
from dataplane.upstream.errors import Phase, UpstreamFailure

T = TypeVar("T")

EVENT_PROTOCOLS: Final = frozenset(
    (Protocol.CHAT, Protocol.MESSAGES, Protocol.RESPONSES, Protocol.GEMINI)
)
"""Those that stream server-sent events."""
MAX_PART_BYTES: Final = 1 << 20
"""Of an event that is not whole, up to which it waits for its end."""
_LEFT_OUT = b": outrider left out an event that was not JSON\n\n"
NO_END = UpstreamFailure(
    Phase.ANSWER,
    ResponseDetail.UPSTREAM_TRUNCATED,
    "The upstream failed: its stream ended in the middle.",
)
_LAST_WORDS: Final = {
    Protocol.CHAT: (b"[DONE]", b"data: [DONE]\n\n"),
    Protocol.MESSAGES: (
        b'"message_stop"',
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    ),
}
"""What clients wait for at the end: how it is known, and what it is."""
_NO_WORDS: Final = (b"", b"")


def is_whole(protocol: Protocol, body: bytes) -> bool:
    """Whether a stream that came in one read may be passed on as it is."""
    known, _ = _LAST_WORDS.get(protocol, _NO_WORDS)
    return body.rfind(known) >= 0 and looks_usual(body) and ends_whole(protocol, body)


def all_said(protocol: Protocol, last: bytes) -> bool:
    """Whether the last events of a stream are those that its client waits for. SDKs hang up then
    (OpenAI's 2.x), whether its body has ended or not.
    """
    known, _ = _LAST_WORDS.get(protocol, _NO_WORDS)
    return known in last and ends_whole(protocol, last)


MAX_TOLD_BYTES = 1 << 20
"""Of a stream, up to which what its client has is kept; somebody else may have to go on with it."""


class Told(Generic[T]):
    """What a client has of a stream, as references to pieces that were made anyhow; bounded."""

    __slots__ = ("_bytes", "pieces")

    def __init__(self) -> None:
        self.pieces: list[T] | None = []
        """None: it was too much."""
        self._bytes = 0

    def add(self, piece: T, size: int) -> None:
        """One more; `size` is that of the client's bytes."""
        pieces = self.pieces
        if pieces is not None:
            pieces.append(piece)
            self._bytes += size
            if self._bytes > MAX_TOLD_BYTES:
                self.pieces = None


class Passing:
    """What has come of one stream."""

    __slots__ = ("_before", "_last", "_part", "_protocol", "dropped", "kept", "told")

    def __init__(self, protocol: Protocol, keeps: bool = False) -> None:
        self._protocol = protocol
        self.kept: Told[bytes] | None = Told() if keeps else None
        """What was passed on."""
        self._part = b""
        """The beginning of an event."""
        self._before = b""
        self._last = b""
        """The last reads with an event in them."""
        self.dropped = 0
        """Events that nobody could have read."""
        self.told: bytes | None = None
        """The data of the event in which the provider says that it failed; it is not passed on."""

    def feed(self, data: bytes, done: bool) -> bytes:
        """What of a read, or of those before it, may be passed on."""
        if self._part:
            data = self._part + data
            self._part = b""
        if not data.endswith((b"\n\n", b"\r\n\r\n")) and not done:
            end = max(data.rfind(b"\n\n") + 2, data.rfind(b"\r\n\r\n") + 4)
            if end >= 4 or len(data) < MAX_PART_BYTES:
                end = end if end >= 4 else 0
                self._part = data[end:]
                data = data[:end]
        if data:
            if not looks_usual(data) and malformed(data):
                is_told = self._protocol is not Protocol.GEMINI  # its SDK takes comments for data
                data, dropped = without_malformed(data, _LEFT_OUT if is_told else b"")
                self.dropped += dropped
            error = error_in(self._protocol, data)
            if error is not None:
                at, self.told = error
                data = data[:at]
            self._before, self._last = self._last, data
            kept = self.kept
            if kept is not None:
                kept.add(data, len(data))
        return data

    @property
    def whole(self) -> bool:
        """Whether the stream has said its end."""
        if self._protocol is Protocol.RESPONSES:  # its last event repeats the whole answer
            return ends_whole(self._protocol, self._last)
        return ends_whole(self._protocol, self._before + self._last)

    @property
    def all_said(self) -> bool:
        """Whether its client has all that it waits for."""
        return all_said(self._protocol, self._before + self._last)

    def last_words(self) -> bytes:
        """What clients wait for at the end, if the provider has left it out."""
        known, words = _LAST_WORDS.get(self._protocol, _NO_WORDS)
        return words if known not in self._last else b""

    def error_event(self, failure: Failure) -> bytes:
        """What tells the client that there will be no end."""
        return error_event(self._protocol, failure, self._before + self._last)
