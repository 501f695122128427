"""Between a whole answer and the deltas of the same: for providers that stream when they were not
asked to, or do not when they were.
"""

from dataplane.llm.hub.answer import Answer, Choice, Failure, Finish, TokenLogprob, Usage
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
from dataplane.llm.hub.parts import Part, Refusal, Text, Thinking, ToolCall


def deltas_of(answer: Answer) -> list[Delta]:
    """What a stream of this answer would have told."""
    deltas: list[Delta] = [
        Begin(answer.id, answer.model, answer.created, service_tier=answer.service_tier)
    ]
    for at, choice in enumerate(answer.choices):
        logprobs = choice.logprobs
        for part in choice.parts:
            deltas += _part(part, at, logprobs)
            if isinstance(part, Text | Refusal):
                logprobs = None
        deltas.append(Finished(choice.finish or Finish.STOP, at, choice.stop_sequence))
    if answer.usage is not None:
        deltas.append(UsageDelta(answer.usage))
    deltas.append(End())
    return deltas


def _part(part: Part, at: int, logprobs: list[TokenLogprob] | None) -> list[Delta]:
    grown: list[Delta] = []
    match part:
        case Text():
            begun: Part = Text("")
            if part.text or logprobs:
                grown.append(TextDelta(literal(part.text), at, logprobs))
            grown += [CitationDelta(citation, at) for citation in part.citations]
            if part.signature:
                grown.append(SignatureDelta(part.signature, at))
        case Refusal():
            begun = Refusal("")
            grown.append(TextDelta(literal(part.text), at, logprobs))
        case Thinking(redacted=True):
            begun = part
        case Thinking():
            begun = Thinking(id=part.id)
            if part.text:
                grown.append(TextDelta(literal(part.text), at))
            if part.signature:
                grown.append(SignatureDelta(part.signature, at))
        case ToolCall():
            begun = ToolCall(part.id, part.name, "", part.custom, part.namespace, part.signature)
            grown.append(ArgumentsDelta(literal(part.arguments), at))
        case _:
            begun = part
    return [PartBegin(begun, at), *grown, PartEnd(at)]


class Whole:
    """A fold: deltas in, in the end the answer they tell."""

    def __init__(self) -> None:
        self.failure: Failure | None = None
        """What the provider said within its stream, if it failed."""
        self._begin: Begin | None = None
        self._ended = False
        self._usage: Usage | None = None
        self._choices: dict[int, Choice] = {}
        self._words: dict[int, list[Literal]] = {}

    def feed(self, deltas: list[Delta]) -> None:
        """Take in more."""
        for delta in deltas:
            match delta:
                case Begin():
                    self._begin = delta
                    self._usage = delta.usage or self._usage
                case UsageDelta():
                    self._usage = delta.usage
                case End():
                    self._ended = True
                case Failed():
                    self.failure = delta.failure
                case _:
                    self._grow(delta)

    def answer(self) -> Answer | None:
        """The whole; None when the stream has had no end."""
        begin = self._begin
        if begin is None or not self._ended:
            return None
        choices = [self._choices[at] for at in sorted(self._choices)]
        return Answer(
            begin.id, begin.model, choices, self._usage, begin.created, begin.service_tier
        )

    def _grow(
        self,
        delta: PartBegin
        | TextDelta
        | TextRun
        | ArgumentsDelta
        | SignatureDelta
        | CitationDelta
        | PartEnd
        | Finished,
    ) -> None:
        at = delta.choice
        choice = self._choices.setdefault(at, Choice([], None))
        match delta:
            case PartBegin():
                choice.parts.append(_copy(delta.part))
                self._words[at] = []
            case TextDelta():
                self._words[at].append(delta.text)
                if delta.logprobs is not None:
                    choice.logprobs = [*(choice.logprobs or []), *delta.logprobs]
            case TextRun():
                self._words[at] += delta.texts
            case ArgumentsDelta():
                self._words[at].append(delta.text)
            case SignatureDelta():
                part = choice.parts[-1]
                if isinstance(part, Text | Thinking | ToolCall):
                    part.signature += delta.signature
            case CitationDelta():
                part = choice.parts[-1]
                if isinstance(part, Text):
                    part.citations = [*part.citations, delta.citation]
            case PartEnd():
                _close(choice.parts[-1], self._words.pop(at, []))
            case Finished():
                choice.finish = delta.finish
                choice.stop_sequence = delta.stop_sequence


def _copy(part: Part) -> Part:
    """A part that may grow without changing whose it was."""
    match part:
        case Text(text, citations):
            return Text(text, list(citations), part.cache, part.signature)
        case Thinking(text, signature, redacted, at):
            return Thinking(text, signature, redacted, at)
        case Refusal(text):
            return Refusal(text)
        case ToolCall():
            return ToolCall(
                part.id,
                part.name,
                part.arguments,
                part.custom,
                part.namespace,
                part.signature,
                part.cache,
            )
        case _:
            return part


def _close(part: Part, words: list[Literal]) -> None:
    if not words:
        return
    text = text_of(join(words))
    match part:
        case Text() | Thinking() | Refusal():
            part.text += text
        case ToolCall():
            part.arguments += text
        case _:
            pass
