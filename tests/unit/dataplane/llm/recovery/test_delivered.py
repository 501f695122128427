import pytest

from dataplane.llm.hub.answer import Failure, Finish, Usage
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
from dataplane.llm.hub.parts import Citation, Refusal, Text, Thinking, ToolCall
from dataplane.llm.recovery.delivered import Delivered

BEGIN = Begin("id", "model", usage=Usage(7, 0))
RAIN: list[Delta] = [PartBegin(Text("")), TextDelta(b'"Ra"'), TextRun([b'"in"', b'" in"'])]
THOUGHT: list[Delta] = [PartBegin(Thinking()), TextDelta(b'"Hm."'), SignatureDelta("s")]


def after(*deltas: Delta) -> Delivered:
    delivered = Delivered()
    delivered.feed([BEGIN, *deltas])
    return delivered


def test_words_are_put_together() -> None:
    delivered = after(*RAIN)
    (said,) = delivered.choices[0]
    assert (said.text, said.ended) == ("Rain in", False)
    assert delivered.words == "Rain in"
    assert delivered.usage == Usage(7, 0)
    assert 1 <= delivered.tokens <= 4


def test_words_after_thinking_are_words_and_thinking_alone_is_none() -> None:
    assert after(*THOUGHT, PartEnd(), *RAIN).words == "Rain in"
    assert after(*THOUGHT, PartEnd(), *RAIN).thought
    assert after(*THOUGHT).words == ""
    assert not after(*RAIN).thought


@pytest.mark.parametrize(
    "more",
    [
        pytest.param([PartEnd(), PartBegin(ToolCall("1", "f", ""))], id="a call"),
        pytest.param([PartEnd(), PartBegin(Refusal(""))], id="a refusal"),
        pytest.param([CitationDelta(Citation())], id="a citation"),
        pytest.param([SignatureDelta("s")], id="a signature"),
        pytest.param([PartBegin(Text(""), 1), TextDelta(b'"b"', 1)], id="two choices"),
        pytest.param([PartEnd(), *THOUGHT, PartEnd()], id="thinking in between"),
    ],
)
def test_more_than_words_is_no_beginning_of_an_answer(more: list[Delta]) -> None:
    assert after(*RAIN, *more).words == ""


def test_call_has_its_arguments_for_words() -> None:
    delivered = after(PartBegin(ToolCall("1", "f", "")), ArgumentsDelta(b'"{}"'), PartEnd())
    (said,) = delivered.choices[0]
    assert (said.text, said.ended) == ("{}", True)


def test_only_what_neither_ended_nor_failed_can_be_gone_on_with() -> None:
    assert after(*RAIN).is_known
    assert not after(*RAIN, PartEnd(), Finished(Finish.STOP)).is_known
    assert not after(*RAIN, Failed(Failure(500, "x"))).is_known
    assert not Delivered().is_known


def test_usage_is_the_last_that_was_told() -> None:
    assert after(UsageDelta(Usage(8, 2))).usage == Usage(8, 2)
