"""Deltas -> the chunks that a chat client reads.

Rule: the first chunk of a choice names the role, one chunk tells why it stopped, the usage comes
after that and only to who asked for it, then [DONE]. Words are handed on as they came.
"""

from typing import Any, Final

import msgspec

from dataplane.llm.hub.answer import Finish, TokenLogprob, Usage
from dataplane.llm.hub.custom import unwrapped
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
)
from dataplane.llm.hub.literals import Literal, join, literal, text_of
from dataplane.llm.hub.namespaces import defines_custom
from dataplane.llm.hub.parts import Citation, Media, Part, Refusal, Text, Thinking, ToolCall
from dataplane.llm.translate.chat.errors import write_error
from dataplane.llm.translate.chat.wire import (
    REASONS,
    annotation_json,
    logprobs_json,
)
from dataplane.llm.translate.chat.write_answer import (
    SERVICE_TIERS,
    detail_json,
    is_legacy,
    media_words,
    usage_json,
)
from dataplane.llm.translate.codec import Echo

_ENCODER: Final = msgspec.json.Encoder()
_REFUSAL: Final = Finish.REFUSAL
_DONE: Final = b"data: [DONE]\n\n"
_WORDS: Final = {Text: b"content", Thinking: b"reasoning_content", Refusal: b"refusal"}


class _Open:
    """One choice: what is open, and how chunks of it are written."""

    def __init__(self, head: bytes) -> None:
        self.head = head
        """Up to the delta."""
        self.part: Part | None = None
        self.before = b""
        """What goes before the words of the open part, and `after` what goes behind."""
        self.after = b""
        self.calls = 0
        self.details = 0
        self.words: list[Literal] = []
        """Of the open part: signatures and citations are told with all that they are about."""
        self.texts: list[list[Literal]] = []
        """The texts before the open part."""
        self.citations: list[Citation] = []
        self.held = False
        """The words of the open call are told at its end, or not at all."""
        self.signature = ""
        self.refused = False


class StreamWriter:
    """One client's answer."""

    content_type = "text/event-stream"

    def __init__(self, echo: Echo) -> None:
        self._echo = echo
        self._legacy = is_legacy(echo.request)
        self._counts = echo.request.include_usage is True
        self._start = b""
        self._end = b""
        self._choices: dict[int, _Open] = {}
        self._usage: Usage | None = None

    def feed(self, deltas: list[Delta]) -> bytes:
        """The chunks for these deltas."""
        out: list[bytes] = []
        for delta in deltas:
            if type(delta) is TextDelta and delta.logprobs is None:
                choice = self._choices[delta.choice]
                choice.words.append(delta.text)
                out += (choice.before, delta.text, choice.after)
            elif type(delta) is TextRun:
                choice = self._choices[delta.choice]
                choice.words += delta.texts
                between = choice.after + choice.before
                out += (choice.before, between.join(delta.texts), choice.after)
            else:
                self._take(delta, out)
        return b"".join(out)

    def _take(self, delta: Delta, out: list[bytes]) -> None:
        if type(delta) is ArgumentsDelta:
            self._words(self._choices[delta.choice], delta.text, None, out)
        elif type(delta) is PartBegin:
            self._part_begin(self._choice(delta.choice, out), delta.part, out)
        elif type(delta) is PartEnd:
            self._part_end(self._choices[delta.choice], out)
        elif type(delta) is UsageDelta:
            self._usage = delta.usage
        elif type(delta) is Begin:
            self._begin(delta)
        elif type(delta) is Finished:
            self._finish(self._choice(delta.choice, out), delta.finish, out)
        elif type(delta) is TextDelta:
            self._words(self._choices[delta.choice], delta.text, delta.logprobs, out)
        elif type(delta) is SignatureDelta:
            self._choices[delta.choice].signature += delta.signature
        elif type(delta) is CitationDelta:
            self._choices[delta.choice].citations.append(delta.citation)
        elif type(delta) is End:
            self._close(out)
        elif type(delta) is Failed:
            out.append(b"data: %b\n\n" % write_error(delta.failure))

    def _close(self, out: list[bytes]) -> None:
        if self._counts and self._usage is not None:
            out.append(b'%b],"usage":%b}\n\n' % (self._start, usage_json(self._usage)))
        out.append(_DONE)

    def _begin(self, delta: Begin) -> None:
        echo = self._echo
        told: dict[str, Any] = {
            "id": delta.id or f"chatcmpl-{echo.answer_id}",
            "object": "chat.completion.chunk",
            "created": delta.created or echo.created,
            "model": delta.model or echo.request.model,
        }
        if delta.service_tier in SERVICE_TIERS:
            told["service_tier"] = delta.service_tier
        self._usage = delta.usage
        self._start = b'data: %b,"choices":[' % _ENCODER.encode(told)[:-1]
        self._end = b'],"usage":null}\n\n' if self._counts else b"]}\n\n"

    def _choice(self, index: int, out: list[bytes]) -> _Open:
        choice = self._choices.get(index)
        if choice is None:
            head = b'%b{"index":%d,"delta":' % (self._start, index)
            choice = self._choices[index] = _Open(head)
            self._delta(choice, {"role": "assistant", "content": ""}, out)
        return choice

    def _part_begin(self, choice: _Open, part: Part, out: list[bytes]) -> None:
        choice.part = part
        choice.words = []
        choice.citations = list(part.citations) if isinstance(part, Text) else []
        choice.held = False
        choice.signature = getattr(part, "signature", "")
        choice.after = b'},"logprobs":null,"finish_reason":null}' + self._end
        match part:
            case Text() | Refusal() | Thinking():
                choice.before = b'%b{"%b":' % (choice.head, _WORDS[type(part)])
                choice.refused = choice.refused or isinstance(part, Refusal)
                if part.text:
                    self._words(choice, literal(part.text), None, out)
            case ToolCall():
                self._call_begin(choice, part, out)
            case Media():
                self._delta(choice, {"content": media_words(part)}, out)
            case _:  # what the provider's own tools did: no client of this API waits for it
                pass

    def _call_begin(self, choice: _Open, part: ToolCall, out: list[bytes]) -> None:
        number = choice.calls
        choice.calls += 1
        custom = part.custom or defines_custom(self._echo.request, part.name)
        key, words = ("custom", "input") if custom else ("function", "arguments")
        called = {"name": part.name, words: ""}
        if self._legacy:
            if number == 0:
                self._delta(choice, {"function_call": called}, out)
            choice.before = choice.head + b'{"function_call":{"arguments":'
            choice.after = b"}" + choice.after
        else:
            call = {"index": number, "id": part.id, "type": key, key: called}
            self._delta(choice, {"tool_calls": [call]}, out)
            choice.before = b'%b{"tool_calls":[{"index":%d,"%b":{"%b":' % (
                choice.head,
                number,
                key.encode(),
                words.encode(),
            )
            choice.after = b"}}]" + choice.after
        choice.held = (custom and not part.custom) or (self._legacy and number > 0)
        if part.arguments:
            self._words(choice, literal(part.arguments), None, out)

    def _words(
        self,
        choice: _Open,
        words: Literal,
        logprobs: list[TokenLogprob] | None,
        out: list[bytes],
    ) -> None:
        choice.words.append(words)
        if choice.held:
            return
        after = choice.after
        if logprobs:
            told = _ENCODER.encode(logprobs_json(logprobs))
            after = after.replace(b'"logprobs":null', b'"logprobs":' + told)
        out += (choice.before, words, after)

    def _part_end(self, choice: _Open, out: list[bytes]) -> None:
        match choice.part:
            case Text():
                self._cite(choice, out)
            case Thinking() if choice.signature:
                self._sign(choice, text_of(join(choice.words)), "", out)
            case ToolCall() as part:
                if not choice.words:
                    words = b'""' if part.custom else b'"{}"'
                    out += (choice.before, words, choice.after)
                elif choice.held and not self._legacy:
                    words = literal(unwrapped(text_of(join(choice.words))))
                    out += (choice.before, words, choice.after)
                if choice.signature:
                    self._sign(choice, "", part.id, out)
            case _:
                pass
        choice.part = None
        choice.words = []

    def _cite(self, choice: _Open, out: list[bytes]) -> None:
        # Counted only where somebody may need it: decoding every text costs more than writing it.
        if choice.citations:
            base = len(text_of(join([words for text in choice.texts for words in text])))
            length = len(text_of(join(choice.words)))
            places = [annotation_json(one, base, length) for one in choice.citations]
            told = [place for place in places if place is not None]
            if told:
                self._delta(choice, {"annotations": told}, out)
        choice.texts.append(choice.words)

    def _sign(self, choice: _Open, text: str, call_id: str, out: list[bytes]) -> None:
        told = detail_json(text, choice.signature, choice.details, call_id)
        choice.details += 1
        self._delta(choice, {"reasoning_details": [told]}, out)

    def _finish(self, choice: _Open, finish: Finish, out: list[bytes]) -> None:
        reason = REASONS[finish]
        if finish is _REFUSAL and choice.refused:
            reason = "stop"
        if self._legacy and reason == "tool_calls":
            reason = "function_call"
        out.append(
            b'%b{},"logprobs":null,"finish_reason":"%b"}%b'
            % (choice.head, reason.encode(), self._end)
        )

    def _delta(self, choice: _Open, delta: dict[str, Any], out: list[bytes]) -> None:
        told = _ENCODER.encode(delta)
        out.append(b'%b%b,"logprobs":null,"finish_reason":null}%b' % (choice.head, told, self._end))
