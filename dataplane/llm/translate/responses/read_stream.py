"""The events of a streamed response -> deltas.

Rule: the API tells its items one after another; where a server tells two at once, the later one
waits until the earlier is done. Events that are new to us are passed over; items that are new to us
are kept whole (Native) when they are done.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from dataplane.llm.hub.answer import Answer, Choice
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
from dataplane.llm.hub.literals import literal, whole_characters
from dataplane.llm.hub.parts import Part, Refusal, Text, Thinking, ToolCall
from dataplane.llm.hub.whole import deltas_of
from dataplane.llm.sse import DONE, SseDecoder, SseError
from dataplane.llm.translate.responses.errors import failure_of
from dataplane.llm.translate.responses.events import Event, ProtocolError, decode, words_of
from dataplane.llm.translate.responses.read_answer import WireResponse, read_output
from dataplane.llm.translate.responses.read_items import read_item
from dataplane.llm.translate.responses.read_parts import (
    ItemError,
    read_citation,
    read_logprobs,
    read_part,
)
from dataplane.llm.translate.responses.wire import Kind, is_null

MAX_EVENT_BYTES: Final = 16 << 20
"""The last event repeats the request's instructions and tools and all of the output, pictures
included; a picture of 1,536 x 1,024 pixels is 3 MB of base64."""


_RESPONSE: Final = msgspec.json.Decoder(WireResponse)
_KIND: Final = msgspec.json.Decoder(Kind)
_VALUE: Final = msgspec.json.Decoder()
_CLOSED: Final = -1
_EMPTY: Final = b'""'
_REASONING: Final = ("reasoning_text", "summary_text")
"""Parts of a reasoning item, whose words have events of their own."""
_APART: Final = b'"\\n\\n"'
"""Between two paragraphs of a summary."""


class StreamReader:
    """One provider's answer."""

    def __init__(self) -> None:
        self._sse = SseDecoder(MAX_EVENT_BYTES)
        self._over = False
        self._begun = False
        self._open = _CLOSED
        """The output_index of the open item."""
        self._done: set[int] = set()
        self._waiting: list[Event] = []
        self._part: Part | None = None
        self._at: tuple[str, int] = ("", 0)
        """Which field of the open item grows, and its index."""
        self._grown = False
        self._cited = 0
        self._told = 0
        """Parts of the open item."""
        self._seen: list[Part] = []

    def feed(self, chunk: bytes) -> list[Delta]:
        """The deltas of the events that `chunk` completes."""
        deltas: list[Delta] = []
        if self._over:
            return deltas
        try:
            for event in self._sse.feed(chunk):
                if event.data == DONE or not event.data:
                    continue
                wire = decode(event.data, begun=self._begun)
                if wire is None:
                    continue
                if (
                    wire.type == "response.output_text.delta"
                    and type(self._part) is Text
                    and wire.output_index == self._open
                    and wire.content_index == self._at[1]
                    and len(bytes(wire.logprobs)) <= len(b"[]")
                ):
                    self._words(wire.delta, deltas)
                elif wire.type == "error":
                    self._over = True
                    deltas.append(Failed(failure_of(_VALUE.decode(whole_characters(event.data)))))
                else:
                    self._take(wire, deltas)
                if self._over:
                    break
        except (ProtocolError, SseError, ItemError) as problem:
            self._fail(str(problem), deltas)
        except msgspec.ValidationError as invalid:
            self._fail(f"an event is not of a streamed response: {invalid}", deltas)
        except (ValueError, RecursionError):
            self._fail("an event is not JSON", deltas)
        return deltas

    def finish(self) -> list[Delta]:
        """The last event may lack the empty line that ends it."""
        return self.feed(b"\n\n")

    def has_all(self) -> bool:
        """See StreamReader: its last event says more than that it is the last."""
        return False

    def _fail(self, problem: str, deltas: list[Delta]) -> None:
        self._over = True
        deltas.append(broken(problem))

    def _take(self, wire: Event, deltas: list[Delta]) -> None:
        if wire.type in _LIFE:
            _LIFE[wire.type](self, wire, deltas)
        elif (take := _TAKES.get(wire.type)) is not None:
            if not self._begun:
                raise ProtocolError("an item came before the response")
            at = wire.output_index or 0
            if at in self._done:
                raise ProtocolError(f"an event came for item {at}, which is done")
            if self._open not in (_CLOSED, at):
                self._waiting.append(wire)
                return
            if self._open == _CLOSED and wire.type not in _OPENING:
                raise ProtocolError(f"an event came for item {at}, which was not added")
            take(self, wire, deltas)

    def _begin(self, wire: Event, deltas: list[Delta]) -> None:
        if self._begun:
            return
        self._begun = True
        response = _RESPONSE.decode(wire.response) if wire.response else WireResponse()
        deltas.append(
            Begin(
                response.id or "",
                response.model or "",
                int(response.created_at or 0),
                service_tier=response.service_tier or "",
            )
        )

    def _item_added(self, wire: Event, deltas: list[Delta]) -> None:
        at = wire.output_index or 0
        if self._open == at:
            raise ProtocolError(f"item {at} was added twice")
        self._open = at
        self._told = 0
        self._grown = False
        self._at = ("", 0)
        said = read_item(wire.item, f"output[{at}]", "assistant")
        for part in said.parts:
            if isinstance(part, ToolCall):
                part.arguments = ""
                self._part_begin(part, deltas)

    def _part_begin(self, part: Part, deltas: list[Delta]) -> None:
        self._part_end(deltas)
        self._part = part
        self._grown = False
        self._cited = 0
        self._told += 1
        self._seen.append(part)
        deltas.append(PartBegin(part))

    def _part_end(self, deltas: list[Delta]) -> None:
        if self._part is not None:
            deltas.append(PartEnd())
            self._part = None

    def _words(self, words: msgspec.Raw, deltas: list[Delta]) -> None:
        """More of a text, a refusal or thinking."""
        text = words_of(words)
        if text != _EMPTY:
            self._grown = True
            deltas.append(TextDelta(text))

    def _content_added(self, wire: Event, deltas: list[Delta]) -> None:
        if _KIND.decode(wire.part).type in _REASONING:
            return
        part = read_part(wire.part)
        if isinstance(part, Text | Refusal):
            self._speak(type(part), wire, deltas)

    def _speak(self, kind: type[Text | Refusal], wire: Event, deltas: list[Delta]) -> None:
        """See that the part that an event is about is open."""
        at = (kind.__name__, wire.content_index or 0)
        if at != self._at or not isinstance(self._part, kind):
            self._part_begin(kind(""), deltas)
            self._at = at

    def _text_delta(self, wire: Event, deltas: list[Delta]) -> None:
        self._speak(Text, wire, deltas)
        logprobs = read_logprobs(wire.logprobs)
        if not logprobs:
            self._words(wire.delta, deltas)
            return
        self._grown = True
        deltas.append(TextDelta(words_of(wire.delta), logprobs=logprobs))

    def _text_done(self, wire: Event, deltas: list[Delta]) -> None:
        self._speak(Text, wire, deltas)
        self._late(wire.text, deltas)

    def _refusal_delta(self, wire: Event, deltas: list[Delta]) -> None:
        self._speak(Refusal, wire, deltas)
        self._words(wire.delta, deltas)

    def _refusal_done(self, wire: Event, deltas: list[Delta]) -> None:
        self._speak(Refusal, wire, deltas)
        self._late(wire.refusal, deltas)

    def _late(self, words: msgspec.Raw, deltas: list[Delta]) -> None:
        """Words that come when they are done, without deltas before."""
        if not self._grown and not is_null(words):
            self._words(words, deltas)

    def _cite(self, wire: Event, deltas: list[Delta]) -> None:
        self._speak(Text, wire, deltas)
        self._cited += 1
        deltas.append(CitationDelta(read_citation(wire.annotation)))

    def _content_done(self, wire: Event, deltas: list[Delta]) -> None:
        if _KIND.decode(wire.part).type in _REASONING:
            return
        part = read_part(wire.part)
        if isinstance(part, Text | Refusal):
            self._speak(type(part), wire, deltas)
            if not self._grown and part.text:
                deltas.append(TextDelta(literal(part.text)))
            if isinstance(part, Text):
                deltas += [CitationDelta(one) for one in part.citations[self._cited :]]
        else:
            self._tell([part], deltas)
        self._part_end(deltas)

    def _summary_delta(self, wire: Event, deltas: list[Delta]) -> None:
        self._think(("summary", wire.summary_index or 0), wire.delta, deltas)

    def _summary_done(self, wire: Event, deltas: list[Delta]) -> None:
        at = ("summary", wire.summary_index or 0)
        if self._at != at and not is_null(wire.text):
            self._think(at, wire.text, deltas)

    def _reasoning_delta(self, wire: Event, deltas: list[Delta]) -> None:
        self._think(("content", wire.content_index or 0), wire.delta, deltas)

    def _reasoning_done(self, wire: Event, deltas: list[Delta]) -> None:
        at = ("content", wire.content_index or 0)
        if self._at != at and not is_null(wire.text):
            self._think(at, wire.text, deltas)

    def _think(self, at: tuple[str, int], words: msgspec.Raw, deltas: list[Delta]) -> None:
        if not isinstance(self._part, Thinking):
            self._part_begin(Thinking(), deltas)
        elif self._at != at and self._grown:
            deltas.append(TextDelta(_APART))
        self._at = at
        self._words(words, deltas)

    def _arguments_delta(self, wire: Event, deltas: list[Delta]) -> None:
        self._argue(wire.delta, deltas)

    def _arguments_done(self, wire: Event, deltas: list[Delta]) -> None:
        words = wire.arguments if not is_null(wire.arguments) else wire.input
        if not self._grown and not is_null(words):
            self._argue(words, deltas)

    def _argue(self, words: msgspec.Raw, deltas: list[Delta]) -> None:
        if not isinstance(self._part, ToolCall):
            raise ProtocolError("arguments came without a call")
        text = words_of(words)
        if text != _EMPTY:
            self._grown = True
            deltas.append(ArgumentsDelta(text))

    def _item_done(self, wire: Event, deltas: list[Delta]) -> None:
        at = wire.output_index or 0
        parts = read_output(wire.item, f"output[{at}]")
        first = parts[0] if parts else None
        if self._open == _CLOSED or self._told == 0:
            self._tell(parts, deltas)
        elif isinstance(first, Thinking) and isinstance(self._part, Thinking):
            if first.signature:
                deltas.append(SignatureDelta(first.signature))
        elif isinstance(first, ToolCall) and not self._grown and first.arguments:
            if not isinstance(self._part, ToolCall):
                raise ProtocolError(f"item {at} ended as a call, and began as something else")
            deltas.append(ArgumentsDelta(literal(first.arguments)))
        self._close(at, deltas)

    def _tell(self, parts: list[Part], deltas: list[Delta]) -> None:
        """Parts that nobody told in pieces."""
        if parts:
            self._part_end(deltas)
            self._told += len(parts)
            self._seen += parts
            deltas += deltas_of(Answer("", "", [Choice(parts)]))[1:-2]

    def _close(self, at: int, deltas: list[Delta]) -> None:
        self._part_end(deltas)
        self._done.add(at)
        self._open = _CLOSED
        waiting, self._waiting = self._waiting, []
        for wire in waiting:
            self._take(wire, deltas)

    def _end(self, wire: Event, deltas: list[Delta]) -> None:
        self._begin(wire, deltas)
        response = _RESPONSE.decode(wire.response) if wire.response else WireResponse()
        while self._open != _CLOSED:
            self._close(self._open, deltas)
        if not self._seen:
            for at, raw in enumerate(response.output or ()):
                if at not in self._done:
                    self._tell(read_output(raw, f"output[{at}]"), deltas)
        usage = response.counted()
        if usage is not None:
            deltas.append(UsageDelta(usage))
        if wire.type == "response.incomplete":
            response.status = "incomplete"
        deltas.append(Finished(response.finish(self._seen)))
        deltas.append(End())
        self._over = True

    def _failed(self, wire: Event, deltas: list[Delta]) -> None:
        self._over = True
        response = _VALUE.decode(wire.response) if wire.response else None
        deltas.append(Failed(failure_of(response)))


_LIFE: dict[str, Callable[[StreamReader, Event, list[Delta]], None]] = {
    "response.created": StreamReader._begin,
    "response.queued": StreamReader._begin,
    "response.in_progress": StreamReader._begin,
    "response.completed": StreamReader._end,
    "response.incomplete": StreamReader._end,
    "response.failed": StreamReader._failed,
    "response.cancelled": StreamReader._failed,
}
_TAKES: dict[str, Callable[[StreamReader, Event, list[Delta]], None]] = {
    "response.output_item.added": StreamReader._item_added,
    "response.output_item.done": StreamReader._item_done,
    "response.content_part.added": StreamReader._content_added,
    "response.content_part.done": StreamReader._content_done,
    "response.output_text.delta": StreamReader._text_delta,
    "response.output_text.done": StreamReader._text_done,
    "response.output_text.annotation.added": StreamReader._cite,
    "response.refusal.delta": StreamReader._refusal_delta,
    "response.refusal.done": StreamReader._refusal_done,
    "response.reasoning_summary_text.delta": StreamReader._summary_delta,
    "response.reasoning_summary_text.done": StreamReader._summary_done,
    "response.reasoning_summary.delta": StreamReader._summary_delta,
    "response.reasoning_text.delta": StreamReader._reasoning_delta,
    "response.reasoning_text.done": StreamReader._reasoning_done,
    "response.reasoning.delta": StreamReader._reasoning_delta,
    "response.function_call_arguments.delta": StreamReader._arguments_delta,
    "response.function_call_arguments.done": StreamReader._arguments_done,
    "response.custom_tool_call_input.delta": StreamReader._arguments_delta,
    "response.custom_tool_call_input.done": StreamReader._arguments_done,
}
_OPENING: Final = ("response.output_item.added", "response.output_item.done")
