"""The rule of hub/delta.py as a machine: what is wrong with a sequence of deltas."""

from collections.abc import Iterable

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
from dataplane.llm.hub.literals import text_of
from dataplane.llm.hub.parts import Part, Refusal, Text, Thinking, ToolCall


def spread(deltas: Iterable[Delta]) -> list[Delta]:
    """The same with every run as the single deltas that it stands for."""
    single: list[Delta] = []
    for delta in deltas:
        if isinstance(delta, TextRun):
            single += [TextDelta(text, delta.choice) for text in delta.texts]
        else:
            single.append(delta)
    return single


def check(deltas: list[Delta]) -> None:
    """Raises AssertionError, naming the delta that breaks the rule."""
    rule = _Rule()
    for at, delta in enumerate(spread(deltas)):
        problem = rule.problem(delta)
        assert problem is None, f"delta {at}, {delta}: {problem}"


class _Rule:
    def __init__(self) -> None:
        self.begun = False
        self.over = False
        self.open: dict[int, Part] = {}
        self.seen: set[int] = set()
        self.finished: set[int] = set()

    def problem(self, delta: Delta) -> str | None:
        if self.over:
            return "comes after the end"
        if isinstance(delta, Failed):
            self.over = True
            return None
        if isinstance(delta, Begin):
            again, self.begun = self.begun, True
            return "begins again" if again else None
        if not self.begun:
            return "comes before Begin"
        if isinstance(delta, UsageDelta):
            return None
        if isinstance(delta, End):
            self.over = True
            left = self.seen - self.finished
            return f"choices {left} have not finished" if left or not self.finished else None
        return self._of_choice(delta)

    def _of_choice(
        self,
        delta: PartBegin
        | TextDelta
        | TextRun
        | ArgumentsDelta
        | SignatureDelta
        | CitationDelta
        | PartEnd
        | Finished,
    ) -> str | None:
        choice = delta.choice
        self.seen.add(choice)
        if choice in self.finished:
            return "comes after Finished of its choice"
        part = self.open.get(choice)
        match delta:
            case PartBegin():
                self.open[choice] = delta.part
                return "the part before it is open" if part is not None else None
            case Finished():
                self.finished.add(choice)
                return "a part is open" if part is not None else None
            case PartEnd():
                self.open.pop(choice, None)
                return "no part is open" if part is None else None
            case TextDelta():
                text_of(delta.text)
                fits = isinstance(part, Text | Refusal | Thinking)
            case ArgumentsDelta():
                text_of(delta.text)
                fits = isinstance(part, ToolCall)
            case CitationDelta():
                fits = isinstance(part, Text)
            case TextRun():
                fits = False  # it was spread
            case SignatureDelta():
                fits = part is not None
        return None if fits else f"the open part is {part}"
