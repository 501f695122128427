"""The frames of a converse-stream -> deltas.

Rule: blocks come one after another, and what grows no open block is an error, never lost. Only
calls of tools begin with an event; a text or a thought begins with its first words.
"""

import base64
from collections.abc import Callable

import msgspec

from dataplane.llm.aws_events import AwsEvent, AwsEventDecoder, AwsEventError
from dataplane.llm.hub.answer import Finish
from dataplane.llm.hub.delta import (
    ArgumentsDelta,
    Begin,
    CitationDelta,
    Delta,
    End,
    Failed,
    Finished,
    PartBegin,
    PartEnd,
    SignatureDelta,
    TextDelta,
    UsageDelta,
    broken,
)
from dataplane.llm.hub.parts import Media, Native, Part, Text, Thinking, ToolCall
from dataplane.llm.hub.seal import seal
from dataplane.llm.translate.converse.citations import WireCitation, read_citation
from dataplane.llm.translate.converse.errors import read_exception
from dataplane.llm.translate.converse.wire import (
    ABSENT,
    FINISHES,
    IMAGES,
    WireUsage,
    stop_sequence,
)
from dataplane.runtime.protocols import Protocol


class _Reasoning(msgspec.Struct, gc=False):
    text: msgspec.Raw = ABSENT
    signature: str | None = None
    redactedContent: str | None = None


class _Input(msgspec.Struct, gc=False):
    input: msgspec.Raw = ABSENT


class _Bytes(msgspec.Struct, gc=False):
    bytes: str = ""


class _ImageDelta(msgspec.Struct):
    source: _Bytes | None = None


class _Delta(msgspec.Struct, gc=False):
    text: msgspec.Raw = ABSENT
    toolUse: _Input | None = None
    reasoningContent: _Reasoning | None = None
    citation: WireCitation | None = None
    image: _ImageDelta | None = None


class _BlockDelta(msgspec.Struct, gc=False):
    delta: _Delta
    contentBlockIndex: int = 0


class _ToolUse(msgspec.Struct, gc=False):
    toolUseId: str
    name: str
    type: str | None = None


class _ImageStart(msgspec.Struct, gc=False):
    format: str = ""


class _Start(msgspec.Struct):
    toolUse: _ToolUse | None = None
    image: _ImageStart | None = None
    toolResult: msgspec.Raw = ABSENT


class _BlockStart(msgspec.Struct):
    start: _Start
    contentBlockIndex: int = 0


class _BlockStop(msgspec.Struct, gc=False):
    contentBlockIndex: int = 0


class _MessageStop(msgspec.Struct):
    stopReason: str | None = None
    additionalModelResponseFields: msgspec.Raw = ABSENT


class _Metadata(msgspec.Struct):
    usage: WireUsage | None = None


class _ProtocolError(Exception):
    """What came cannot be (a part of) a streamed answer."""


_BLOCK_DELTA = msgspec.json.Decoder(_BlockDelta)
_BLOCK_START = msgspec.json.Decoder(_BlockStart)
_BLOCK_STOP = msgspec.json.Decoder(_BlockStop)
_MESSAGE_STOP = msgspec.json.Decoder(_MessageStop)
_METADATA = msgspec.json.Decoder(_Metadata)
_EMPTY = b'""'
_NO_ARGUMENTS = b'"{}"'


class StreamReader:
    """One provider's answer."""

    def __init__(self) -> None:
        self._frames = AwsEventDecoder()
        self._over = False
        self._begun = False
        self._stopped = False
        self._index = -1
        """Of the block that grows, or of the last one that did."""
        self._open = False
        """Whether a block has been started by an event, or has grown."""
        self._part: Part | None = None
        self._signed = False
        self._called = False
        """Whether the open call has had a piece of its input."""
        self._bytes = b""
        """Bytes of the open block: an image's, or thinking that only its provider can read."""
        self._usage: WireUsage | None = None

    def feed(self, chunk: bytes) -> list[Delta]:
        """The deltas of the frames that `chunk` completes."""
        deltas: list[Delta] = []
        if self._over:
            return deltas
        try:
            for event in self._frames.feed(chunk):
                payload = event.payload
                if not payload.isascii():
                    # msgspec does not look at the bytes of strings it skips.
                    payload.decode()
                if event.name == "contentBlockDelta" and event.kind == "event":
                    wire = _BLOCK_DELTA.decode(payload)
                    text = bytes(wire.delta.text)
                    if text[:1] == b'"':
                        if not (wire.contentBlockIndex == self._index and type(self._part) is Text):
                            self._begin(wire.contentBlockIndex, Text, Text(""), deltas)
                        if text != _EMPTY:
                            deltas.append(TextDelta(text))
                    else:
                        self._grow(wire, deltas)
                else:
                    self._take(event, deltas)
                    if self._over:
                        break
        except (_ProtocolError, AwsEventError) as problem:
            self._fail(str(problem), deltas)
        except msgspec.ValidationError as problem:
            self._fail(f"an event is not of a converse-stream: {problem}", deltas)
        except (ValueError, RecursionError):
            self._fail("an event is not JSON", deltas)
        return deltas

    def finish(self) -> list[Delta]:
        """The end, when the message had stopped and only its usage was never told."""
        if not self.has_all():
            return []
        deltas: list[Delta] = []
        self._end(deltas)
        return deltas

    def has_all(self) -> bool:
        """See StreamReader."""
        return self._stopped and not self._over and self._frames.whole

    def _take(self, event: AwsEvent, deltas: list[Delta]) -> None:
        if event.kind != "event":
            self._over = True
            deltas.append(Failed(read_exception(event.name, event.payload)))
            return
        take = _TAKES.get(event.name)
        if take is not None:
            take(self, event.payload, deltas)

    def _fail(self, problem: str, deltas: list[Delta]) -> None:
        self._over = True
        deltas.append(broken(problem))

    def _message_start(self, _: bytes, deltas: list[Delta]) -> None:
        if self._begun:
            raise _ProtocolError("a second messageStart came")
        self._begun = True
        deltas.append(Begin("", ""))

    def _begin(self, index: int, kind: type[Part], part: Part, deltas: list[Delta]) -> None:
        """The part that an event of block `index` grows; begins `part` where none is open."""
        if self._open and index == self._index:
            if self._part is None:
                # Some servers announce texts too: the start said nothing.
                self._part = part
                deltas.append(PartBegin(part))
            elif type(self._part) is not kind:
                raise _ProtocolError("a block changed its kind")
            return
        self._start(index, deltas)
        self._part = part
        deltas.append(PartBegin(part))

    def _start(self, index: int, deltas: list[Delta]) -> None:
        if not self._begun:
            raise _ProtocolError("a block came before the message")
        if self._open:
            raise _ProtocolError("a block began within another")
        if index <= self._index or self._stopped:
            raise _ProtocolError("a delta came for a block that had ended")
        self._index = index
        self._open = True
        self._signed = False
        self._called = False
        self._bytes = b""

    def _block_start(self, payload: bytes, deltas: list[Delta]) -> None:
        wire = _BLOCK_START.decode(payload)
        self._start(wire.contentBlockIndex, deltas)
        start = wire.start
        if start.toolUse is not None and start.toolUse.type is None:
            self._part = ToolCall(start.toolUse.toolUseId, start.toolUse.name, "")
            deltas.append(PartBegin(self._part))
        elif start.image is not None:
            form = start.image.format
            self._part = Media("image", IMAGES.get(form, f"image/{form}"))
        elif start.toolUse is not None or start.toolResult:
            # What the provider runs itself is no answer to anybody.
            self._part = Native(Protocol.CONVERSE, "server_tool_use", msgspec.Raw(payload))
        else:
            self._part = None

    def _grow(self, wire: _BlockDelta, deltas: list[Delta]) -> None:
        delta = wire.delta
        index = wire.contentBlockIndex
        if self._open and index == self._index and isinstance(self._part, Native):
            return
        if delta.toolUse is not None:
            words = bytes(delta.toolUse.input)
            if not (self._open and index == self._index and isinstance(self._part, ToolCall)):
                raise _ProtocolError("an input came without a call")
            if words[:1] == b'"' and words != _EMPTY:
                self._called = True
                deltas.append(ArgumentsDelta(words))
        elif delta.reasoningContent is not None:
            self._think(delta.reasoningContent, index, deltas)
        elif delta.citation is not None:
            self._begin(index, Text, Text(""), deltas)
            deltas.append(CitationDelta(read_citation(delta.citation)))
        elif delta.image is not None:
            if not (self._open and index == self._index and isinstance(self._part, Media)):
                raise _ProtocolError("a piece of an image came without an image")
            if delta.image.source is not None:
                self._bytes += base64.b64decode(delta.image.source.bytes)

    def _think(self, wire: _Reasoning, index: int, deltas: list[Delta]) -> None:
        if wire.redactedContent is not None:
            if not (self._open and index == self._index):
                self._start(index, deltas)
                self._part = Thinking(redacted=True)
            # Pieces of base64 cannot be joined as they are.
            self._bytes += base64.b64decode(wire.redactedContent)
            return
        self._begin(index, Thinking, Thinking(), deltas)
        text = bytes(wire.text)
        if text[:1] == b'"' and text != _EMPTY:
            deltas.append(TextDelta(text))
        if wire.signature:
            # Pieces are joined: the seal goes before the first one.
            piece = wire.signature
            deltas.append(SignatureDelta(piece if self._signed else seal(Protocol.CONVERSE, piece)))
            self._signed = True

    def _block_stop(self, payload: bytes, deltas: list[Delta]) -> None:
        index = _BLOCK_STOP.decode(payload).contentBlockIndex
        if self._open and index == self._index:
            self._close(deltas)
        elif index <= self._index or not self._begun:
            raise _ProtocolError("a block ended that was not open")
        else:
            # A block without a word has no other event.
            self._index = index

    def _close(self, deltas: list[Delta]) -> None:
        part = self._part
        if isinstance(part, Media):
            part.data = base64.b64encode(self._bytes).decode()
            deltas += [PartBegin(part), PartEnd()]
        elif isinstance(part, Thinking) and part.redacted:
            data = base64.b64encode(self._bytes).decode()
            part.signature = seal(Protocol.CONVERSE, data)
            deltas += [PartBegin(part), PartEnd()]
        elif part is not None and not isinstance(part, Native):
            if isinstance(part, ToolCall) and not self._called:
                deltas.append(ArgumentsDelta(_NO_ARGUMENTS))
            deltas.append(PartEnd())
        self._open = False
        self._part = None

    def _message_stop(self, payload: bytes, deltas: list[Delta]) -> None:
        if not self._begun or self._stopped:
            raise _ProtocolError("a message ended that was not open")
        wire = _MESSAGE_STOP.decode(payload)
        if self._open:
            self._close(deltas)
        self._stopped = True
        finish = FINISHES.get(wire.stopReason or "", Finish.STOP)
        sequence = stop_sequence(wire.additionalModelResponseFields)
        deltas.append(Finished(finish, stop_sequence=sequence))
        if self._usage is not None:
            self._end(deltas)

    def _metadata(self, payload: bytes, deltas: list[Delta]) -> None:
        self._usage = _METADATA.decode(payload).usage or WireUsage()
        if self._stopped:
            self._end(deltas)

    def _end(self, deltas: list[Delta]) -> None:
        if self._usage is not None:
            deltas.append(UsageDelta(self._usage.counted()))
        deltas.append(End())
        self._over = True


_TAKES: dict[str, Callable[[StreamReader, bytes, list[Delta]], None]] = {
    "messageStart": StreamReader._message_start,
    "contentBlockStart": StreamReader._block_start,
    "contentBlockStop": StreamReader._block_stop,
    "messageStop": StreamReader._message_stop,
    "metadata": StreamReader._metadata,
}
