"""Answers as hypothesis draws them, told as deltas in pieces, and cut somewhere."""

from itertools import pairwise

from hypothesis import strategies as st

from dataplane.llm.hub.answer import Answer, Choice, Finish, Usage
from dataplane.llm.hub.delta import (
    ArgumentsDelta,
    Begin,
    Delta,
    End,
    Finished,
    PartBegin,
    PartEnd,
    SignatureDelta,
    TextDelta,
    TextRun,
    UsageDelta,
)
from dataplane.llm.hub.literals import literal
from dataplane.llm.hub.parts import Part, Text, Thinking, ToolCall
from dataplane.llm.hub.whole import Whole

WORDS = st.text(st.sampled_from('ab \n"\\é🙂'), max_size=12)
ARGUMENTS = st.sampled_from(['{"a":1,"b":[2]}', "{}", '{"city":"Oslo"}'])


@st.composite
def answers(draw: st.DrawFn) -> list[Part]:
    """The parts of one: thinking, words, calls."""
    parts: list[Part] = []
    if draw(st.booleans()):
        parts.append(Thinking(draw(WORDS.filter(bool)), "signed"))
    for _ in range(draw(st.integers(0, 2))):
        parts.append(Text(draw(WORDS.filter(bool))))
        if draw(st.booleans()):
            parts.append(ToolCall("call", draw(st.sampled_from("fg")), draw(ARGUMENTS)))
    return parts or [Text("a")]


@st.composite
def told(draw: st.DrawFn, parts: list[Part], mark: str = "a") -> list[Delta]:
    """A stream that tells them, in pieces of any size; ids and signatures have the mark."""
    deltas: list[Delta] = [Begin(f"id-{mark}", f"model-{mark}", usage=Usage(7, 1))]
    for part in parts:
        match part:
            case Text(text):
                deltas.append(PartBegin(Text("")))
                deltas += draw(pieces(text))
            case Thinking(text, signature):
                deltas.append(PartBegin(Thinking()))
                deltas += draw(pieces(text))
                deltas.append(SignatureDelta(signature + mark))
            case ToolCall():
                deltas.append(PartBegin(ToolCall(f"call-{mark}", part.name, "")))
                deltas += [
                    ArgumentsDelta(piece.text)
                    for piece in draw(pieces(part.arguments))
                    if isinstance(piece, TextDelta)
                ]
            case _:
                raise AssertionError(part)
        deltas.append(PartEnd())
    return [*deltas, Finished(Finish.STOP), UsageDelta(Usage(7, 9)), End()]


@st.composite
def pieces(draw: st.DrawFn, text: str) -> list[Delta]:
    """A text in pieces."""
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=3)))
    places = [0, *[cut for cut in cuts if cut < len(text)], len(text)]
    found = [text[a:b] for a, b in pairwise(places)]
    words = [literal(piece) for piece in found if piece]
    if len(words) > 1 and "{" not in text and draw(st.booleans()):
        return [TextRun(words)]
    return [TextDelta(word) for word in words]


def whole(deltas: list[Delta]) -> list[tuple[str, str, str]]:
    """What a client makes of a stream: kind, name, words of each part."""
    fold = Whole()
    fold.feed(deltas)
    answer = fold.answer()
    assert isinstance(answer, Answer), "the stream has no end"
    return plain(answer.choices[0])


def plain(choice: Choice) -> list[tuple[str, str, str]]:
    """Parts without ids and signatures."""
    made = []
    for part in choice.parts:
        match part:
            case Text(text) | Thinking(text):
                made.append((type(part).__name__, "", text))
            case ToolCall():
                made.append(("ToolCall", part.name, part.arguments))
            case _:
                raise AssertionError(part)
    return made
