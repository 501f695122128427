"""The events of a streamed message -> deltas.

Rule: blocks come one after another, and what grows no open block is an error, never lost. Events
and deltas that are new to us are passed over; blocks that are new to us are kept whole (Native).
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

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
    TextRun,
    UsageDelta,
    broken,
)
from dataplane.llm.hub.literals import join, literal, readable, text_of
from dataplane.llm.hub.parts import Native, Part, Text, Thinking, ToolCall
from dataplane.llm.hub.seal import seal
from dataplane.llm.sse import SseDecoder, SseError
from dataplane.llm.translate.messages.citations import read_citation
from dataplane.llm.translate.messages.errors import WireError, failure_of
from dataplane.llm.translate.messages.events import EVENT, Event, Start, WireDelta
from dataplane.llm.translate.messages.read_parts import BlockError, read_part
from dataplane.llm.translate.messages.tool_input import object_of
from dataplane.llm.translate.messages.wire import FINISHES, WireUsage, marked
from dataplane.llm.translate.template import Template
from dataplane.runtime.protocols import Protocol


class _ProtocolError(Exception):
    """What came cannot be (a part of) a streamed message."""


_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER: Final = msgspec.json.Encoder()
_CLOSED: Final = -1
_NO_WORDS: Final = msgspec.Raw(b'{"type":"text","text":""}')
"""How nearly all blocks begin; reading it would take three decodings."""
_EMPTY: Final = b'""'


class StreamReader:
    """One provider's answer."""

    def __init__(self) -> None:
        self._sse = SseDecoder()
        self._over = False
        self._begun = False
        self._open = _CLOSED
        self._part: Part | None = None
        self._grown = False
        self._tools = False
        self._native: list[bytes] = []
        self._finished = False
        self._usage = WireUsage()
        self._template = Template()

    def feed(self, chunk: bytes) -> list[Delta]:
        """The deltas of the events that `chunk` completes."""
        deltas: list[Delta] = []
        if self._over:
            return deltas
        template = self._template
        try:
            for event in self._sse.read(chunk, template):
                if isinstance(event, list):
                    deltas.append(TextDelta(event[0]) if len(event) == 1 else TextRun(event))
                    continue
                words = template.words(event.data)
                if words is not None:
                    deltas.append(TextDelta(words))
                    continue
                template.forget()
                wire = readable(EVENT, event.data, begun=self._begun)
                if wire is None:
                    continue
                delta = wire.delta
                if wire.type == "content_block_delta" and delta is not None:
                    if wire.index != self._open:
                        raise _ProtocolError("a delta came for a block that is not open")
                    if delta.type == "text_delta":
                        text = bytes(delta.text)
                        if text[:1] != b'"' or type(self._part) is not Text:
                            raise _ProtocolError("a text delta came without a text")
                        if text != _EMPTY:
                            deltas.append(TextDelta(text))
                            template.learn(event.data, b'"text":', text, event.name)
                    else:
                        self._grow(delta, deltas)
                elif (take := _TAKES.get(wire.type)) is not None:
                    take(self, wire, deltas)
                    if self._over:
                        break
        except (_ProtocolError, SseError, BlockError) as problem:
            self._fail(str(problem), deltas)
        except msgspec.ValidationError as invalid:
            self._fail(f"an event is not of a streamed message: {invalid}", deltas)
        except (ValueError, RecursionError):
            self._fail("an event is not JSON", deltas)
        return deltas

    def finish(self) -> list[Delta]:
        """The last event may lack the empty line that ends it, and the stream its message_stop."""
        deltas = self.feed(b"\n\n")
        if self.has_all():
            self._over = True
            deltas.append(End())
        return deltas

    def has_all(self) -> bool:
        """See StreamReader: its stop reason comes when every block is closed."""
        return self._finished and not self._over

    def _fail(self, problem: str, deltas: list[Delta]) -> None:
        self._over = True
        deltas.append(broken(problem))

    def _start(self, event: Event, deltas: list[Delta]) -> None:
        if self._begun:
            raise _ProtocolError("a second message_start came")
        self._begun = True
        message = event.message or Start()
        usage = message.usage
        if usage is not None:
            self._usage = usage
        deltas.append(
            Begin(
                message.id,
                message.model,
                usage=usage.counted() if usage is not None else None,
                service_tier=(usage.service_tier or "") if usage is not None else "",
            )
        )

    def _block_start(self, event: Event, deltas: list[Delta]) -> None:
        if not self._begun:
            raise _ProtocolError("a block began before the message")
        if self._open != _CLOSED:
            raise _ProtocolError("a block began within another")
        if self._finished:
            raise _ProtocolError("a block began after the message had told why it stops")
        if not event.content_block:
            raise _ProtocolError("a block began that is none")
        block = event.content_block
        part = Text("") if block == _NO_WORDS else read_part(block, "content_block")
        self._open = event.index
        self._grown = False
        self._native.clear()
        match part:
            case Text(text):
                part.text = ""
                deltas.append(PartBegin(part))
                if text:
                    deltas.append(TextDelta(literal(text)))
            case Thinking(text, signature):
                part.text = ""
                part.signature = ""
                if part.redacted:
                    part.signature = seal(Protocol.MESSAGES, marked(signature, redacted=True))
                deltas.append(PartBegin(part))
                if text:
                    deltas.append(TextDelta(literal(text)))
                if signature and not part.redacted:
                    self._sign(signature, deltas)
            case ToolCall():
                self._tools = True
                deltas.append(PartBegin(ToolCall(part.id, part.name, "")))
            case _:
                part = Native(Protocol.MESSAGES, "unknown", event.content_block)
        self._part = part

    def _grow(self, delta: WireDelta, deltas: list[Delta]) -> None:
        part = self._part
        match delta.type:
            case "input_json_delta":
                words = bytes(delta.partial_json)
                if words[:1] != b'"' or not isinstance(part, ToolCall | Native):
                    raise _ProtocolError("an input delta came without a tool's use")
                if words == _EMPTY:
                    return
                self._grown = True
                if isinstance(part, ToolCall):
                    deltas.append(ArgumentsDelta(words))
                else:
                    self._native.append(words)
            case "thinking_delta":
                words = bytes(delta.thinking)
                if words[:1] != b'"' or not isinstance(part, Thinking):
                    raise _ProtocolError("a thinking delta came without thinking")
                if words != _EMPTY:
                    deltas.append(TextDelta(words))
            case "signature_delta":
                if not isinstance(part, Thinking):
                    raise _ProtocolError("a signature came without thinking")
                self._sign(delta.signature or "", deltas)
            case "citations_delta":
                if not isinstance(part, Text):
                    raise _ProtocolError("a citation came without a text")
                deltas.append(CitationDelta(read_citation(delta.citation)))
            case _:
                pass

    def _sign(self, piece: str, deltas: list[Delta]) -> None:
        if piece:
            # Pieces are joined: the seal goes before the first one.
            deltas.append(SignatureDelta(piece if self._grown else seal(Protocol.MESSAGES, piece)))
            self._grown = True

    def _block_stop(self, event: Event, deltas: list[Delta]) -> None:
        if event.index != self._open:
            raise _ProtocolError("a block ended that is not open")
        self._close(deltas)

    def _close(self, deltas: list[Delta]) -> None:
        part = self._part
        if isinstance(part, ToolCall) and not self._grown:
            # No piece came: the whole input stood at the start, {} when the tool takes none.
            deltas.append(ArgumentsDelta(literal(part.arguments)))
        elif isinstance(part, Native):
            deltas.append(PartBegin(_with_input(part, self._native)))
        deltas.append(PartEnd())
        self._open = _CLOSED
        self._part = None

    def _message_delta(self, event: Event, deltas: list[Delta]) -> None:
        if not self._begun:
            raise _ProtocolError("a message ended that did not begin")
        if self._open != _CLOSED:
            self._close(deltas)
        if event.usage is not None:
            self._usage.update(event.usage)
            deltas.append(UsageDelta(self._usage.counted()))
        delta = event.delta
        if delta is not None and delta.stop_reason is not None and not self._finished:
            self._finished = True
            finish = FINISHES.get(delta.stop_reason, Finish.STOP)
            deltas.append(Finished(finish, stop_sequence=delta.stop_sequence or ""))

    def _stop(self, _event: Event, deltas: list[Delta]) -> None:
        if not self._begun:
            raise _ProtocolError("a message ended that did not begin")
        if self._open != _CLOSED:
            self._close(deltas)
        if not self._finished:
            deltas.append(Finished(Finish.TOOL_CALLS if self._tools else Finish.STOP))
        deltas.append(End())
        self._over = True

    def _error(self, event: Event, deltas: list[Delta]) -> None:
        self._over = True
        deltas.append(Failed(failure_of(event.error or WireError())))


_TAKES: dict[str, Callable[[StreamReader, Event, list[Delta]], None]] = {
    "message_start": StreamReader._start,
    "content_block_start": StreamReader._block_start,
    "content_block_stop": StreamReader._block_stop,
    "message_delta": StreamReader._message_delta,
    "message_stop": StreamReader._stop,
    "error": StreamReader._error,
}


def _with_input(part: Native, pieces: list[bytes]) -> Native:
    """The whole block: what a server tool was given comes in pieces after its start."""
    fields: dict[str, Any] = dict(_FIELDS.decode(part.raw))
    kind = msgspec.json.decode(fields["type"], type=str)
    if pieces:
        fields["input"] = object_of(text_of(join(pieces)))
    return Native(Protocol.MESSAGES, kind, msgspec.Raw(_ENCODER.encode(fields)))
