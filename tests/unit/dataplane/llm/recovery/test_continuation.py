"""Continue: delivered plus appended is what the model would have said in one go."""

from hypothesis import given
from hypothesis import strategies as st

from dataplane.llm.hub.answer import Finish, Usage
from dataplane.llm.hub.delta import (
    Begin,
    Delta,
    End,
    Finished,
    PartBegin,
    PartEnd,
    TextDelta,
    TextRun,
    UsageDelta,
)
from dataplane.llm.hub.literals import literal
from dataplane.llm.hub.parts import Text, Thinking, ToolCall
from dataplane.llm.recovery.continuation import Continuation
from dataplane.llm.recovery.delivered import Delivered
from tests.support.broken import WORDS, pieces, whole
from tests.support.deltas import check

BEGIN = Begin("id", "model")
ENDS: list[Delta] = [PartEnd(), Finished(Finish.STOP), End()]


def after(text: str, given_words: str | None = None, repeats: bool = False) -> Continuation:
    delivered = Delivered()
    delivered.feed([BEGIN, PartBegin(Text("")), TextDelta(literal(text))])
    return Continuation(delivered, text.rstrip() if given_words is None else given_words, repeats)


def said(text: str) -> list[Delta]:
    return [PartBegin(Text("")), TextDelta(literal(text))]


@given(st.data())
def test_delivered_and_appended_are_the_whole_answer(data: st.DataObject) -> None:
    text = data.draw(WORDS.filter(lambda text: bool(text.strip())))
    first_letter = next(at for at, sign in enumerate(text) if not sign.isspace())
    cut = data.draw(st.integers(first_letter + 1, len(text)))
    client: list[Delta] = [BEGIN, *said(text[:cut])]
    if data.draw(st.booleans()) and cut == len(text):
        client.append(PartEnd())
    given_words = text[:cut].rstrip()
    repeats = data.draw(st.booleans())
    again = repeats and data.draw(st.booleans())
    rest = text if again else text[len(given_words) :]
    told: list[Delta] = [Begin("b", "other"), PartBegin(Text("")), *data.draw(pieces(rest)), *ENDS]
    if repeats and not again and rest.startswith(given_words):
        return  # such words cannot be told from a repetition
    delivered = Delivered()
    delivered.feed(client)
    seam = Continuation(delivered, given_words, repeats)
    appended: list[Delta] = []
    while told:
        size = data.draw(st.integers(1, len(told)))
        appended += seam.feed(told[:size])
        told = told[size:]
    check([*client, *appended])
    assert "".join(words for _, _, words in whole([*client, *appended])) == text


def test_open_part_goes_on_and_ends() -> None:
    seam = after("Rain in")
    assert seam.feed([BEGIN, *said(" Oslo."), *ENDS]) == [TextDelta(b'" Oslo."'), *ENDS]


def test_runs_pass_as_they_are() -> None:
    run = TextRun([b'" Os"', b'"lo"'])
    assert after("Rain in").feed([BEGIN, PartBegin(Text("")), run]) == [run]


def test_blank_that_was_not_given_is_not_said_twice() -> None:
    assert after("Rain\n\n").feed([BEGIN, *said("\n\nin Oslo")]) == [TextDelta(b'"in Oslo"')]
    assert after("Rain\n\n").feed([BEGIN, *said("\nin")]) == [TextDelta(b'"in"')]
    seam = after("Rain  ")
    assert seam.feed([BEGIN, *said(" "), TextDelta(b'" in"')]) == [TextDelta(b'"in"')]
    assert after("Rain ").feed([BEGIN, *said("in")]) == [TextDelta(b'"in"')]


def test_server_that_repeats_what_it_was_given_is_heard_past_it() -> None:
    seam = after("Rain in", repeats=True)
    assert seam.feed([BEGIN, *said("Rain")]) == []
    assert seam.feed([TextDelta(b'" in Oslo"')]) == [TextDelta(b'" Oslo"')]


def test_server_that_might_repeat_and_does_not_loses_no_word() -> None:
    seam = after("Rain in", repeats=True)
    assert seam.feed([BEGIN, *said("Ra")]) == []
    assert seam.feed([TextDelta(b'"dio"')]) == [TextDelta(b'"Radio"')]
    seam = after("Rain in", repeats=True)
    assert seam.feed([BEGIN, *said("Rain"), *ENDS]) == [TextDelta(b'"Rain"'), *ENDS]


def test_thinking_about_words_that_the_client_has_is_left_out() -> None:
    thought: list[Delta] = [PartBegin(Thinking()), TextDelta(b'"Hm."'), PartEnd()]
    seam = after("Rain")
    assert seam.feed([BEGIN, *thought, *said(" in"), *ENDS]) == [TextDelta(b'" in"'), *ENDS]


def test_call_ends_the_open_part_first() -> None:
    call = PartBegin(ToolCall("1", "f", ""))
    assert after("Let me see.").feed([BEGIN, call]) == [PartEnd(), call]


def test_answer_that_was_complete_is_finished() -> None:
    assert after("Rain.").feed([BEGIN, *ENDS[1:]]) == [PartEnd(), *ENDS[1:]]


def test_words_that_were_given_are_output_in_the_usage() -> None:
    seam = after("Rain in Oslo")
    (begun, told) = seam.feed([Begin("b", "m", usage=Usage(20, 0)), UsageDelta(Usage(20, 5))])
    assert isinstance(begun, UsageDelta)
    assert isinstance(told, UsageDelta)
    moved = 20 - told.usage.input
    assert 2 <= moved <= 6
    assert told.usage.output == 5 + moved
    assert begun.usage.output == moved
