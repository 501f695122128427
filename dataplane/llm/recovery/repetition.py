"""Resume by proof: a stream that was asked for afresh, against what the client has already.

The rule: nothing is passed on before all that was delivered has come again, word for word; what
differs anywhere ends it. Ids and signatures are others each time and prove nothing. A call that was
complete is the same when its arguments mean the same.
"""

from typing import Any

import msgspec

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
from dataplane.llm.hub.literals import join, literal, text_of
from dataplane.llm.hub.parts import Part, Refusal, Text, Thinking, ToolCall
from dataplane.llm.recovery.delivered import Delivered, Said

_VALUE: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_GROWING = (Text, Thinking, Refusal)


class Repetition:
    """A fold: deltas of the new stream in, those that the client does not have yet out."""

    def __init__(self, delivered: Delivered) -> None:
        self.differs = False
        """It says something else; nothing more comes out."""
        self._choices = {at: _Choice(at, parts) for at, parts in delivered.choices.items()}

    @property
    def reached(self) -> bool:
        """Whether all that was delivered has come again."""
        return all(choice.reached for choice in self._choices.values())

    def feed(self, deltas: list[Delta]) -> list[Delta]:
        """What goes on to the client."""
        out: list[Delta] = []
        for delta in deltas:
            if self.differs:
                return []
            match delta:
                case Begin(usage=usage):
                    if usage is not None:
                        out.append(UsageDelta(usage))
                case UsageDelta() | Failed():
                    out.append(delta)
                case End():
                    self.differs = not self.reached
                    out.append(delta)
                case _:
                    choice = self._choices.get(delta.choice)
                    if choice is None or (choice.reached and not choice.has(delta)):
                        out.append(delta)
                    elif choice.reached:
                        pass
                    else:
                        self.differs = not choice.takes(delta, out)
        return [] if self.differs else out


class _Choice:
    """Where the new stream is in what one choice has said."""

    __slots__ = (
        "_arguments",
        "_at",
        "_begun",
        "_cited",
        "_index",
        "_inside",
        "_parts",
        "_said",
        "_signed",
        "reached",
    )

    def __init__(self, index: int, parts: list[Said]) -> None:
        self._index = index
        self._parts = [
            (said, said.text)
            for said in parts
            if not (said.ended and isinstance(said.part, Text | Refusal) and not said.text)
        ]
        self._at = 0
        """The part that is due."""
        self._begun: Part | None = None
        """A part that has begun and says nothing yet: servers begin some that stay empty."""
        self._inside = False
        """The due part has begun anew."""
        self._said = 0
        """Characters of the due part that have come again."""
        self._cited = 0
        self._arguments: list[str] = []
        """Of the due part, when it is a call that was complete."""
        last = self._parts[-1][0] if self._parts else None
        self._signed = last is not None and not last.ended and bool(last.signature)
        self.reached = not self._parts

    def takes(self, delta: Delta, out: list[Delta]) -> bool:
        """False: it differs."""
        match delta:
            case PartBegin(part):
                return self._begin(part, out)
            case TextDelta(text) | ArgumentsDelta(text):
                return self._words(text_of(text), delta, out)
            case TextRun(texts):
                whole = join(texts)
                return self._words(text_of(whole), TextDelta(whole, self._index), out)
            case SignatureDelta():
                return self._sign(delta, out)
            case CitationDelta():
                return self._cite(delta, out)
            case PartEnd():
                return self._end(out)
            case Finished():
                return False
            case _:
                return True

    def has(self, delta: Delta) -> bool:
        """Whether the client has this already of the part that it waits for more of: signatures
        come after the words.
        """
        if not self._signed:
            return False
        if isinstance(delta, PartEnd):
            self._signed = False
        return isinstance(delta, SignatureDelta)

    @property
    def _due(self) -> tuple[Said, str]:
        return self._parts[self._at]

    @property
    def _is_last(self) -> bool:
        """Whether the client waits for more of the due part."""
        return self._at == len(self._parts) - 1 and not self._due[0].ended

    def _begin(self, part: Part, out: list[Delta]) -> bool:
        self._said = self._cited = 0
        if isinstance(part, _GROWING) and not getattr(part, "redacted", False):
            self._begun = part
            words = part.text
        else:
            if not _alike(self._due[0].part, part):
                return False
            self._inside = True
            words = part.arguments if isinstance(part, ToolCall) else ""
        if not words:
            return True
        grown = ArgumentsDelta if isinstance(part, ToolCall) else TextDelta
        return self._words(words, grown(literal(words), self._index), out)

    def _enter(self) -> bool:
        """The part that has begun says something, so it must be the one that is due."""
        begun, self._begun = self._begun, None
        if begun is not None:
            self._inside = _alike(self._due[0].part, begun)
        return self._inside

    def _words(self, words: str, delta: Delta, out: list[Delta]) -> bool:
        if not words:
            return True
        if not self._enter():
            return False
        said, text = self._due
        if said.ended and isinstance(said.part, ToolCall):
            self._arguments.append(words)  # compared when they are complete, too
            return True
        left = len(text) - self._said
        if len(words) <= left:
            if not text.startswith(words, self._said):
                return False
            self._said += len(words)
        elif self._is_last and words.startswith(text[self._said :]):
            self._said = len(text)
            rest = literal(words[left:])
            is_text = isinstance(delta, TextDelta)
            out.append((TextDelta if is_text else ArgumentsDelta)(rest, self._index))
        else:
            return False
        self.reached = self._is_last and self._said == len(text) and self._is_cited
        return True

    @property
    def _is_cited(self) -> bool:
        return self._cited >= len(self._due[0].citations)

    def _sign(self, delta: SignatureDelta, out: list[Delta]) -> bool:
        if self._enter() and self._is_last and not self._due[0].signature:
            if self._said < len(self._due[1]):
                return False
            out.append(delta)
        return True

    def _cite(self, delta: CitationDelta, out: list[Delta]) -> bool:
        if not self._enter():
            return False
        cited = self._due[0].citations
        self._cited += 1
        if self._cited <= len(cited):
            return cited[self._cited - 1] == delta.citation
        if not self._is_last:
            return False
        out.append(delta)
        return True

    def _end(self, out: list[Delta]) -> bool:
        if self._begun is not None:  # it stayed empty
            self._begun = None
            return True
        if not self._inside:
            return False
        said, text = self._due
        if said.ended and isinstance(said.part, ToolCall):
            arguments, self._arguments = "".join(self._arguments), []
            if not _mean_the_same(text, arguments):
                return False
        elif self._said < len(text) or not self._is_cited:
            return False
        if not said.ended:
            out.append(PartEnd(self._index))
        self._inside = False
        self._at += 1
        self.reached = self._at == len(self._parts)
        return True


def _alike(said: Part, again: Part) -> bool:
    """Whether a part may be the same as one that was said; its words are compared apart."""
    match said, again:
        case (Thinking(), Thinking()):
            return said.redacted == again.redacted
        case (ToolCall(), ToolCall()):
            names = (said.name, said.namespace, said.custom)
            return names == (again.name, again.namespace, again.custom)
        case (Text(), Text()) | (Refusal(), Refusal()):
            return True
        case _:
            return said == again


def _mean_the_same(arguments: str, again: str) -> bool:
    """Whether two texts of arguments are one value of JSON."""
    if arguments == again:
        return True
    try:
        return bool(_VALUE.decode(arguments or "{}") == _VALUE.decode(again or "{}"))
    except (ValueError, RecursionError):
        return False
