"""Whole answers as deltas, and back."""

import pytest

from dataplane.llm.hub.answer import Answer, Choice, Failure, Finish, TokenLogprob, Usage
from dataplane.llm.hub.delta import Begin, Failed, PartBegin, TextDelta
from dataplane.llm.hub.literals import literal
from dataplane.llm.hub.parts import Citation, Media, Refusal, Text, Thinking, ToolCall
from dataplane.llm.hub.whole import Whole, deltas_of
from tests.support.deltas import check

ANSWER = Answer(
    "a-1",
    "m",
    [
        Choice(
            [
                Thinking('I "think".', "sealed", id="rs_1"),
                Thinking("", "data", redacted=True),
                Text("Rain.", [Citation("http://x")], signature="s"),
                ToolCall("c1", "look", '{"a":"\u00e9"}', namespace="n", signature="t"),
                ToolCall("c2", "free", "words", custom=True),
                Media("image", "image/png", data="QUJD"),
            ],
            Finish.TOOL_CALLS,
            logprobs=[TokenLogprob("Rain.", -0.5)],
        ),
        Choice([Refusal("No.")], Finish.STOP_SEQUENCE, "END"),
        Choice([], Finish.LENGTH),
    ],
    Usage(5, 7, 2, reasoning=3),
    1700000000,
    "default",
)


def test_answer_is_the_same_after_being_streamed() -> None:
    deltas = deltas_of(ANSWER)
    check(deltas)
    whole = Whole()
    whole.feed(deltas)
    assert whole.answer() == ANSWER


def test_answer_is_not_changed_by_being_streamed() -> None:
    whole = Whole()
    whole.feed(deltas_of(ANSWER))
    whole.feed(deltas_of(ANSWER)[:3])
    assert ANSWER.choices[0].parts[0] == Thinking('I "think".', "sealed", id="rs_1")


@pytest.mark.parametrize("kept", range(len(deltas_of(ANSWER))))
def test_stream_without_its_end_is_no_answer(kept: int) -> None:
    whole = Whole()
    whole.feed(deltas_of(ANSWER)[:kept])
    assert whole.answer() is None


def test_failure_within_a_stream_is_kept() -> None:
    whole = Whole()
    whole.feed([Begin("a", "m"), PartBegin(Text("")), TextDelta(literal("x"))])
    whole.feed([Failed(Failure(500, "No."))])
    assert whole.answer() is None
    assert whole.failure == Failure(500, "No.")
