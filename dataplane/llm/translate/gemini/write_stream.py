"""Deltas -> a stream of GenerateContentResponses: events (`alt=sse`), or one JSON array of them.

A call is written whole when it ends; why a candidate finished, what it cites and the usage come in
the last chunk.

Rule: the last chunk has words or a call, as Google's has. Chats of google-genai 1.x forget a turn
in which a chunk had none, so each piece waits for the next one.
"""

from dataclasses import replace
from typing import Any

import msgspec

from dataplane.llm.hub.answer import Failure, Finish, Usage
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
from dataplane.llm.hub.parts import Citation, Part, Refusal, Text, Thinking, ToolCall
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.gemini.citations import write_grounding
from dataplane.llm.translate.gemini.errors import error_object
from dataplane.llm.translate.gemini.wire import FINISH_REASONS
from dataplane.llm.translate.gemini.write_answer import (
    call_object,
    logprobs_object,
    part_object,
    thought_object,
    usage_object,
)

_ENCODER = msgspec.json.Encoder()
_HEAD = b'{"candidates":[{"content":{"parts":[%b],"role":"model"},"index":%%d}],'
_CHUNK = b'{"candidates":[{"content":{"parts":[%b],"role":"model"},"index":%d%b}],%b}'
_TEXT = b'{"text":%b}'
_THOUGHT = b'{"text":%b,"thought":true}'
_NOTHING = b'{"text":""}'


class _Choice:
    """One candidate's state: the open part, and what the last chunk has to say."""

    __slots__ = ("begun", "citations", "ends", "finish", "part", "signature", "words")

    def __init__(self) -> None:
        self.part: Part | None = None
        self.words: list[Literal] = []
        """Of all texts, since citations count their bytes."""
        self.begun = 0
        """How many words there were when the open part began."""
        self.signature = ""
        self.citations: list[tuple[int, Citation]] = []
        """With the words that its text begins at."""
        self.ends: dict[int, int] = {}
        """Where a text ended that began at so many words."""
        self.finish: Finish | None = None


class GeminiStreamWriter:
    """A fold: deltas in, bytes out; llm/json_array.py makes an array of its events."""

    content_type = "text/event-stream"

    def __init__(self, echo: Echo) -> None:
        self._over = False
        self._echo = echo
        self._tail = b""
        self._text_template = self._thought_template = b""
        self._held: tuple[bytes, int, bytes] | None = None
        """The latest piece: part, candidate, and what else it says of that."""
        self._plain: tuple[bytes, bytes, int] | None = None
        """The latest piece when it is just words: its template, the words, the candidate."""
        self._texts: dict[int, list[Literal]] = {}
        self._choices: dict[int, _Choice] = {}
        self._usage: Usage | None = None

    def feed(self, deltas: list[Delta]) -> bytes:
        """The bytes of these deltas; none after End or Failed."""
        out: list[bytes] = []
        for delta in deltas:
            if self._over:
                break
            if isinstance(delta, TextDelta):
                self._text(delta, out)
            elif isinstance(delta, TextRun):
                for text in delta.texts:
                    self._text(TextDelta(text, delta.choice), out)
            else:
                self._other(delta, out)
        return b"".join(out)

    def _text(self, delta: TextDelta, out: list[bytes]) -> None:
        choice = self._choice(delta.choice)
        thought = isinstance(choice.part, Thinking)
        if not thought:
            choice.words.append(delta.text)
        if delta.logprobs:
            scores = b',"logprobsResult":%b' % _ENCODER.encode(logprobs_object(delta.logprobs))
            template = _THOUGHT if thought else _TEXT
            self._hold((template % delta.text, delta.choice, scores), out)
            return
        if self._plain is not None or self._held is not None:
            self._release(out)
        template = self._thought_template if thought else self._text_template
        self._plain = (template, delta.text, delta.choice)

    def _other(self, delta: Delta, out: list[bytes]) -> None:
        match delta:
            case Begin():
                self._begin(delta)
            case PartBegin(part, at):
                self._open(part, at, out)
            case ArgumentsDelta(text, at):
                self._texts.setdefault(at, []).append(text)
            case SignatureDelta(signature, at):
                self._choice(at).signature += signature
            case CitationDelta(citation, at):
                choice = self._choice(at)
                choice.citations.append((choice.begun, citation))
            case PartEnd(at):
                self._close(at, out)
            case Finished(finish, at):
                self._choice(at).finish = finish
            case UsageDelta(usage):
                self._usage = usage
            case End():
                out.append(self._last())
            case Failed(failure):
                self._release(out)
                out.append(self._failed(failure))
            case TextDelta() | TextRun():  # has its own short way
                pass

    def _begin(self, begin: Begin) -> None:
        self._usage = begin.usage
        model = literal(begin.model or self._echo.request.model)
        answer_id = literal(begin.id or self._echo.answer_id)
        self._tail = b'"modelVersion":%b,"responseId":%b' % (model, answer_id)
        rest = self._tail.replace(b"%", b"%%") + b"}"
        self._text_template = _HEAD % _TEXT + rest
        self._thought_template = _HEAD % _THOUGHT + rest

    def _choice(self, at: int) -> _Choice:
        choice = self._choices.get(at)
        if choice is None:
            choice = self._choices[at] = _Choice()
        return choice

    def _open(self, part: Part, at: int, out: list[bytes]) -> None:
        choice = self._choice(at)
        choice.part = part
        choice.begun = len(choice.words)
        match part:
            case ToolCall():
                self._texts[at] = []
            case Thinking():
                choice.signature = part.signature
            case Text() | Refusal():
                choice.signature = ""
            case _:
                written = part_object(part)
                if written is not None:
                    self._hold((_ENCODER.encode(written), at, b""), out)

    def _close(self, at: int, out: list[bytes]) -> None:
        choice = self._choice(at)
        match choice.part:
            case ToolCall() as call:
                words = self._texts.pop(at, [])
                arguments = call.arguments + (text_of(join(words)) if words else "")
                whole = ToolCall(call.id, call.name, arguments, custom=call.custom)
                self._hold((_ENCODER.encode(call_object(whole)), at, b""), out)
            case Thinking(redacted=redacted) if choice.signature:
                signed = Thinking(signature=choice.signature, redacted=redacted)
                self._hold((_ENCODER.encode(thought_object(signed)), at, b""), out)
            case Text() if choice.citations:
                choice.ends[choice.begun] = len(choice.words)
            case _:
                pass
        choice.part = None

    def _hold(self, piece: tuple[bytes, int, bytes], out: list[bytes]) -> None:
        self._release(out)
        self._held = piece

    def _release(self, out: list[bytes]) -> None:
        if self._plain is not None:
            template, words, at = self._plain
            out.append(_event(template % (words, at)))
            self._plain = None
        elif self._held is not None:
            out.append(_event(_CHUNK % (*self._held, self._tail)))
            self._held = None

    def _last(self) -> bytes:
        """Why each candidate finished, what it cites, and the usage."""
        candidates = []
        held = self._held
        if self._plain is not None:
            template, words, at = self._plain
            thought = template == self._thought_template
            held = ((_THOUGHT if thought else _TEXT) % words, at, b"")
        for at in sorted(self._choices):
            choice = self._choices[at]
            mine = held is not None and held[1] == at
            part, _, scores = held if held is not None and mine else (_NOTHING, at, b"")
            content = {"parts": [msgspec.Raw(part)], "role": "model"}
            candidate: dict[str, Any] = {"content": content}
            if scores:
                candidate["logprobsResult"] = msgspec.Raw(scores.partition(b":")[2])
            if choice.finish is not None:
                candidate["finishReason"] = FINISH_REASONS[choice.finish]
            candidate["index"] = at
            if choice.citations:
                candidate["groundingMetadata"] = _grounding(choice)
            candidates.append(candidate)
        told: dict[str, Any] = {"candidates": candidates}
        if self._usage is not None:
            told["usageMetadata"] = usage_object(self._usage)
        self._over = True
        whole = b"%b,%b}" % (_ENCODER.encode(told)[:-1], self._tail)
        return _event(whole)

    def _failed(self, failure: Failure) -> bytes:
        self._over = True
        whole = _ENCODER.encode({"error": error_object(failure)})
        return _event(whole)


def _event(whole: bytes) -> bytes:
    return b"data: %b\n\n" % whole


def _grounding(choice: _Choice) -> dict[str, Any] | None:
    """What was cited: each citation counts from the beginning of its own text."""
    text = text_of(join(choice.words))
    lengths = [0]
    for words in choice.words:
        lengths.append(lengths[-1] + len(text_of(words)))
    placed = []
    for first, citation in choice.citations:
        before = lengths[first]
        end = lengths[choice.ends.get(first, -1)] if citation.end is None else before + citation.end
        placed.append(replace(citation, start=before + (citation.start or 0), end=end))
    return write_grounding([(0, text, placed)])
