"""Resume by proof: delivered plus appended is what the whole answer is, or nothing is appended."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.llm.hub.answer import Finish, Usage
from dataplane.llm.hub.delta import (
    ArgumentsDelta,
    Begin,
    CitationDelta,
    Delta,
    End,
    Finished,
    PartBegin,
    PartEnd,
    SignatureDelta,
    TextDelta,
    UsageDelta,
)
from dataplane.llm.hub.literals import literal
from dataplane.llm.hub.parts import Citation, Media, Text, Thinking, ToolCall
from dataplane.llm.recovery.delivered import Delivered
from dataplane.llm.recovery.repetition import Repetition
from tests.support.broken import answers, told, whole
from tests.support.deltas import check

BEGIN = Begin("id", "model")


def after(*deltas: Delta) -> Repetition:
    delivered = Delivered()
    delivered.feed([BEGIN, *deltas])
    return Repetition(delivered)


def said(text: str) -> list[Delta]:
    return [PartBegin(Text("")), TextDelta(literal(text))]


ENDS: list[Delta] = [PartEnd(), Finished(Finish.STOP), End()]


@given(st.data())
def test_delivered_and_appended_are_the_whole_answer(data: st.DataObject) -> None:
    parts = data.draw(answers())
    first = data.draw(told(parts, "a"))
    second = data.draw(told(parts, "b"))
    finished = next(at for at, delta in enumerate(first) if isinstance(delta, Finished))
    client = first[: data.draw(st.integers(1, finished))]
    delivered = Delivered()
    delivered.feed(client)
    seam = Repetition(delivered)
    appended: list[Delta] = []
    while second:
        size = data.draw(st.integers(1, len(second)))
        reached = seam.reached
        out = seam.feed(second[:size])
        assert reached or seam.reached or all(isinstance(delta, UsageDelta) for delta in out)
        appended += out
        second = second[size:]
    assert not seam.differs
    assert seam.reached
    check([*client, *appended])
    assert whole([*client, *appended]) == whole(first)


@given(st.data())
def test_another_answer_is_never_appended(data: st.DataObject) -> None:
    parts, others = data.draw(answers()), data.draw(answers())
    first, second = data.draw(told(parts, "a")), data.draw(told(others, "b"))
    finished = next(at for at, delta in enumerate(first) if isinstance(delta, Finished))
    client = first[: data.draw(st.integers(1, finished))]
    delivered = Delivered()
    delivered.feed(client)
    seam = Repetition(delivered)
    appended = seam.feed(second)
    if seam.differs:
        assert appended == []
    else:
        check([*client, *appended])
        assert whole([*client, *appended]) == whole(second)


def test_words_go_on_in_the_middle_of_a_piece() -> None:
    seam = after(*said("Rain in"))
    assert seam.feed([BEGIN, *said("Rain"), TextDelta(b'" in Oslo"'), *ENDS]) == [
        TextDelta(b'" Oslo"'),
        *ENDS,
    ]


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(said("Rain on"), id="another word"),
        pytest.param([*said("Rain"), *ENDS], id="it ends before"),
        pytest.param([*said("Rain"), PartEnd(), *said(" in Oslo")], id="another part"),
        pytest.param([PartBegin(Thinking()), TextDelta(b'"Rain in"')], id="another kind"),
        pytest.param([PartBegin(ToolCall("c", "f", ""))], id="a call"),
        pytest.param([Finished(Finish.REFUSAL), End()], id="nothing at all"),
        pytest.param([End()], id="only an end"),
    ],
)
def test_what_differs_is_stopped_and_nothing_comes_of_it(again: list[Delta]) -> None:
    seam = after(*said("Rain in"))
    assert seam.feed([BEGIN, *again]) == []
    assert seam.differs
    assert seam.feed(said("Rain in Oslo")) == []


def test_part_that_the_client_has_whole_must_not_go_on() -> None:
    seam = after(*said("Rain"), PartEnd())
    seam.feed([BEGIN, *said("Rain in Oslo")])
    assert seam.differs


def test_complete_call_is_the_same_when_its_arguments_mean_the_same() -> None:
    call: list[Delta] = [
        PartBegin(ToolCall("1", "f", "")),
        ArgumentsDelta(literal('{"a": 1, "b": 2}')),
    ]
    again: list[Delta] = [
        PartBegin(ToolCall("2", "f", "")),
        ArgumentsDelta(literal('{"b":2,"a":1}')),
    ]
    seam = after(*call, PartEnd())
    assert seam.feed([BEGIN, *again, *ENDS]) == ENDS[1:]
    other = after(*call, PartEnd())
    other.feed([BEGIN, again[0], ArgumentsDelta(literal('{"a":1}')), *ENDS])
    assert other.differs


def test_open_call_goes_on_byte_for_byte() -> None:
    begun: list[Delta] = [PartBegin(ToolCall("1", "f", "")), ArgumentsDelta(literal('{"a"'))]
    seam = after(*begun)
    again: list[Delta] = [PartBegin(ToolCall("2", "f", "")), ArgumentsDelta(literal('{"a":1}'))]
    assert seam.feed([BEGIN, *again, *ENDS]) == [ArgumentsDelta(literal(":1}")), *ENDS]
    spaced = after(*begun)
    spaced.feed([BEGIN, again[0], ArgumentsDelta(literal('{ "a":1}'))])
    assert spaced.differs


def test_other_tool_is_another_answer() -> None:
    seam = after(PartBegin(ToolCall("1", "f", "")))
    seam.feed([BEGIN, PartBegin(ToolCall("1", "g", ""))])
    assert seam.differs


def test_signature_is_passed_on_when_the_client_has_none() -> None:
    thought: list[Delta] = [PartBegin(Thinking()), TextDelta(b'"Hm."')]
    signed = SignatureDelta("new")
    seam = after(*thought)
    assert seam.feed([BEGIN, *thought, signed, *ENDS]) == [signed, *ENDS]
    seam = after(*thought, SignatureDelta("old"))
    assert seam.feed([BEGIN, *thought, signed, *ENDS]) == ENDS


def test_citations_prove_as_words_do() -> None:
    cite = CitationDelta(Citation(url="http://a"))
    more = CitationDelta(Citation(url="http://b"))
    seam = after(*said("Rain"), cite)
    assert seam.feed([BEGIN, *said("Rain"), cite, more, *ENDS]) == [more, *ENDS]
    seam = after(*said("Rain"), cite)
    seam.feed([BEGIN, *said("Rain"), more])
    assert seam.differs


def test_part_that_stays_empty_proves_nothing_and_spoils_nothing() -> None:
    seam = after(*said("Rain"))
    empty: list[Delta] = [PartBegin(Thinking()), PartEnd()]
    assert seam.feed([BEGIN, *empty, *said("Rain"), *ENDS]) == ENDS


def test_whole_part_is_compared_as_it_is() -> None:
    image = Media("image", "image/png", "AAAA")
    seam = after(PartBegin(image), PartEnd())
    assert seam.feed([BEGIN, PartBegin(image), *ENDS]) == ENDS[1:]
    seam = after(PartBegin(image), PartEnd())
    seam.feed([BEGIN, PartBegin(Media("image", "image/png", "BBBB"))])
    assert seam.differs


def test_usage_is_passed_on_at_any_time() -> None:
    seam = after(*said("Rain"))
    usage = Usage(3, 1)
    assert seam.feed([Begin("id", "m", usage=usage)]) == [UsageDelta(usage)]


def test_choices_are_proved_each_for_itself() -> None:
    delivered = Delivered()
    second: list[Delta] = [PartBegin(Text(""), 1), TextDelta(b'"b"', 1)]
    delivered.feed([BEGIN, PartBegin(Text(""), 0), TextDelta(b'"a"', 0), *second])
    seam = Repetition(delivered)
    assert seam.feed([BEGIN, PartBegin(Text(""), 1), TextDelta(b'"bc"', 1)]) == [
        TextDelta(b'"c"', 1)
    ]
    assert not seam.reached
    assert seam.feed([PartBegin(Text(""), 0), TextDelta(b'"ad"', 0)]) == [TextDelta(b'"d"', 0)]
    assert seam.reached
