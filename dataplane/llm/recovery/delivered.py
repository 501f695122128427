"""What a client has of a streamed answer, part by part.

A fold: deltas in; the other modules here compare, continue and count what it holds.
"""

from typing import TYPE_CHECKING

from dataplane.llm.count_tokens import count_text
from dataplane.llm.hub.delta import (
    ArgumentsDelta,
    Begin,
    CitationDelta,
    Delta,
    Failed,
    Finished,
    PartBegin,
    PartEnd,
    SignatureDelta,
    TextDelta,
    TextRun,
    UsageDelta,
)
from dataplane.llm.hub.literals import Literal, join, text_of
from dataplane.llm.hub.parts import Citation, Part, Refusal, Text, Thinking, ToolCall

if TYPE_CHECKING:
    from dataplane.llm.hub.answer import Usage


class Said:
    """One part of a choice."""

    __slots__ = ("citations", "ended", "part", "signature", "words")

    def __init__(self, part: Part) -> None:
        self.part = part
        """As it began: without its words."""
        self.words: list[Literal] = []
        self.signature = getattr(part, "signature", "")
        self.citations: list[Citation] = []
        self.ended = False

    @property
    def text(self) -> str:
        """Its words, or the arguments of a call."""
        part = self.part
        begun = ""
        if isinstance(part, Text | Thinking | Refusal):
            begun = part.text
        elif isinstance(part, ToolCall):
            begun = part.arguments
        return begun + (text_of(join(self.words)) if self.words else "")


class Delivered:
    """All parts, by choice."""

    __slots__ = ("begin", "choices", "failed", "finished", "usage")

    def __init__(self) -> None:
        self.begin: Begin | None = None
        self.choices: dict[int, list[Said]] = {}
        self.finished = False
        """Whether a choice has told why it stopped."""
        self.failed = False
        """Whether the client was told an error, or has what nobody can read."""
        self.usage: Usage | None = None
        """What was told of it."""

    def feed(self, deltas: list[Delta]) -> None:
        """The client gets more."""
        for delta in deltas:
            match delta:
                case TextDelta(text) | ArgumentsDelta(text):
                    self.choices[delta.choice][-1].words.append(text)
                case TextRun(texts):
                    self.choices[delta.choice][-1].words += texts
                case PartBegin(part):
                    self.choices.setdefault(delta.choice, []).append(Said(part))
                case PartEnd():
                    self.choices[delta.choice][-1].ended = True
                case SignatureDelta(signature):
                    self.choices[delta.choice][-1].signature += signature
                case CitationDelta(citation):
                    self.choices[delta.choice][-1].citations.append(citation)
                case Begin():
                    self.begin = delta
                    self.usage = delta.usage
                case UsageDelta(usage):
                    self.usage = usage
                case Finished():
                    self.finished = True
                case Failed():
                    self.failed = True
                case _:
                    pass

    @property
    def is_known(self) -> bool:
        """Whether somebody else could go on: it began, and neither ended nor failed."""
        return self.begin is not None and not self.finished and not self.failed

    @property
    def tokens(self) -> int:
        """An estimate of what it took to say this."""
        return sum(count_text(said.text) for parts in self.choices.values() for said in parts)

    @property
    def words(self) -> str:
        """The text, when words of one choice are all that was said (besides thinking that is over);
        else empty.
        """
        if set(self.choices) != {0}:
            return ""
        spoken: list[Said] = []
        for said in self.choices[0]:
            match said.part:
                case Text() if not said.citations and not said.signature:
                    spoken.append(said)
                case Thinking() if said.ended and not spoken:
                    pass
                case _:
                    return ""
        return "".join(said.text for said in spoken)

    @property
    def thought(self) -> bool:
        """Whether there is any thinking."""
        parts = [said.part for said in self.choices.get(0, ())]
        return any(isinstance(part, Thinking) for part in parts)
