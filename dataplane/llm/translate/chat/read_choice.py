"""One choice of a streamed chat completion: what its deltas open, grow and close."""

import msgspec

from dataplane.llm.hub.delta import (
    ArgumentsDelta,
    CitationDelta,
    Delta,
    PartBegin,
    PartEnd,
    SignatureDelta,
    TextDelta,
)
from dataplane.llm.hub.literals import Literal, literal
from dataplane.llm.hub.parts import Part, Refusal, Text, Thinking, ToolCall
from dataplane.llm.translate.chat.chunks import WireDelta
from dataplane.llm.translate.chat.said import CONTENT, WireCall, made_id
from dataplane.llm.translate.chat.wire import (
    Annotation,
    ReasoningDetail,
    WireLogprobs,
    seal_detail,
)


class StreamBroken(Exception):
    """What came cannot be (a part of) a streamed chat completion."""


class _Call:
    """A tool call whose name may still be due."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.id = ""
        self.begun = False
        self.over = False
        self.early: list[Literal] = []
        """Arguments that came before the name."""


class ChoiceReader:
    """State of one choice."""

    def __init__(self, index: int, answer_id: str) -> None:
        self.index = index
        self.reason = ""
        self.stop_sequence = ""
        self.called = False
        self.refused = False
        self.said_anything = False
        self._answer_id = answer_id
        self._open: type[Part] | None = None
        self._calls: list[_Call] = []
        self._last: _Call | None = None
        """The call that was named last."""
        self._growing: _Call | None = None
        self._signature: ReasoningDetail | None = None

    def take(self, said: WireDelta, logprobs: WireLogprobs | None, deltas: list[Delta]) -> None:
        """One delta. Raises StreamBroken."""
        if said.reasoning_details:
            self._think_in_details(said, deltas)
        elif said.reasoning_content or said.reasoning:
            words = _words(said.reasoning_content) or _words(said.reasoning)
            if words:
                self._grow(Thinking, words, deltas)
        content = bytes(said.content)
        if content[:1] == b'"':
            if content != b'""':
                if self._open is not Text:
                    self._begin(Text(""), deltas)
                if logprobs is None:
                    deltas.append(TextDelta(content, self.index))
                else:
                    deltas.append(TextDelta(content, self.index, logprobs.read()))
        elif content[:1] == b"[":
            self._content_parts(content, deltas)
        if said.refusal and (words := _words(said.refusal)):
            self.refused = True
            self._grow(Refusal, words, deltas, logprobs)
        if said.tool_calls:
            for call in said.tool_calls:
                self._call(call, deltas)
        if said.function_call is not None:
            self._call(WireCall(index=0, function=said.function_call), deltas)
        if said.annotations:
            self._cite(said.annotations, deltas)
        for made in said.images or ():
            image = made.read()
            if image is not None:
                self._whole(image, deltas)

    def stop(self, reason: str, sequence: str | int | None, deltas: list[Delta]) -> None:
        """It has told why it stopped."""
        self.close(deltas)
        self.reason = self.reason or reason
        if isinstance(sequence, str):
            self.stop_sequence = sequence

    def close(self, deltas: list[Delta]) -> None:
        """End the open part."""
        if self._open is Thinking and self._signature is not None:
            deltas.append(SignatureDelta(seal_detail(self._signature), self.index))
        if self._growing is not None:
            self._growing.over = True
            self._growing = None
        if self._open is not None:
            deltas.append(PartEnd(self.index))
        self._signature = None
        self._open = None

    def _begin(self, part: Part, deltas: list[Delta]) -> None:
        self.close(deltas)
        self.said_anything = True
        self._open = type(part)
        deltas.append(PartBegin(part, self.index))

    def _whole(self, part: Part, deltas: list[Delta]) -> None:
        self._begin(part, deltas)
        self.close(deltas)

    def _grow(
        self,
        kind: type[Thinking | Refusal | Text],
        words: Literal,
        deltas: list[Delta],
        logprobs: WireLogprobs | None = None,
    ) -> None:
        if self._open is not kind:
            self._begin(kind(""), deltas)
        told = logprobs.read() if logprobs is not None else None
        deltas.append(TextDelta(words, self.index, told))

    def _content_parts(self, content: bytes, deltas: list[Delta]) -> None:
        for one in CONTENT.decode(content):
            part = one.read()
            if isinstance(part, Text | Thinking):
                self._grow(type(part), literal(part.text), deltas)
            elif part is not None:
                self._whole(part, deltas)

    def _think_in_details(self, said: WireDelta, deltas: list[Delta]) -> None:
        shown = False
        for detail in said.reasoning_details or ():
            words = detail.text or detail.summary or ""
            if detail.type == "reasoning.encrypted":
                signature = seal_detail(detail)
                if signature:
                    self._whole(Thinking(signature=signature, redacted=True), deltas)
                continue
            if words:
                shown = True
                if self._signature is not None:
                    self.close(deltas)  # what was signed is complete
                self._grow(Thinking, literal(words), deltas)
            if detail.signature:
                if self._open is not Thinking:
                    self._begin(Thinking(), deltas)
                self._signature = detail
        plain = _words(said.reasoning_content) or _words(said.reasoning)
        if plain and not shown:
            self._grow(Thinking, plain, deltas)

    def _cite(self, annotations: list[Annotation], deltas: list[Delta]) -> None:
        for annotation in annotations:
            citation = annotation.read()
            if citation is None:
                continue
            if self._open is not Text:
                self._begin(Text(""), deltas)
            deltas.append(CitationDelta(citation, self.index))

    def _call(self, wire: WireCall, deltas: list[Delta]) -> None:
        call = self._find(wire)
        called = wire.called()
        words = wire.words()
        if call.over:
            if words:
                raise StreamBroken(f"arguments came for tool call {call.index}, which has ended")
            return
        call.id = call.id or wire.id or ""
        if not call.begun:
            if not called.name:
                call.early += [words] if words else []
                return
            call.begun = self.called = True
            call_id = call.id or made_id(self._answer_id, len(self._calls) - 1)
            custom = wire.custom is not None
            part = ToolCall(call_id, called.name, "", custom=custom, signature=wire.signature())
            self._begin(part, deltas)
            self._growing = call
            deltas.extend(ArgumentsDelta(early, self.index) for early in call.early)
        if words:
            if call is not self._growing:
                raise StreamBroken(f"arguments came for tool call {call.index}, which has ended")
            deltas.append(ArgumentsDelta(words, self.index))

    def _find(self, wire: WireCall) -> _Call:
        """The call that is meant. Servers leave out the index, or give all calls the same one."""
        last = self._last
        if last is not None and (
            (wire.index is None or wire.index == last.index)
            and (not wire.id or not last.id or wire.id == last.id)
            and not (wire.index is None and not wire.id and wire.called().name and last.begun)
        ):
            return last
        if wire.index is not None and not (last is not None and wire.index == last.index):
            for call in self._calls:
                if call.index == wire.index and (not wire.id or not call.id or call.id == wire.id):
                    return call
        call = _Call(len(self._calls) if wire.index is None else wire.index)
        self._calls.append(call)
        self._last = call
        return call


def _words(raw: msgspec.Raw) -> Literal:
    """The literal in a raw field; empty when there are no words."""
    words = bytes(raw)
    return words if words[:1] == b'"' and words != b'""' else b""
