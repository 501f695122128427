import json
from typing import Any

import pytest

from dataplane.llm.hub.answer import Answer, Finish, Unreadable, Usage
from dataplane.llm.hub.parts import Text, Thinking, ToolCall
from dataplane.llm.hub.seal import seal
from dataplane.llm.translate.converse.read_answer import read_answer
from dataplane.runtime.protocols import Protocol


def read(*content: dict[str, Any], **more: Any) -> Answer:
    wire = {"output": {"message": {"role": "assistant", "content": content}}} | more
    found = read_answer(json.dumps(wire).encode())
    assert isinstance(found, Answer), found
    return found


def test_an_answer_has_neither_id_nor_model() -> None:
    answer = read({"text": "Hi"}, stopReason="end_turn")
    assert (answer.id, answer.model, answer.choices[0].parts) == ("", "", [Text("Hi")])


def test_thinking_leaves_sealed() -> None:
    answer = read({"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}})
    assert answer.choices[0].parts == [Thinking("t", seal(Protocol.CONVERSE, "s"))]


def test_calls_are_read() -> None:
    answer = read({"toolUse": {"toolUseId": "t", "name": "n", "input": {}}}, stopReason="tool_use")
    choice = answer.choices[0]
    assert (choice.parts, choice.finish) == ([ToolCall("t", "n", "{}")], Finish.TOOL_CALLS)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("max_tokens", Finish.LENGTH),
        ("guardrail_intervened", Finish.CONTENT_FILTER),
        ("malformed_tool_use", Finish.ERROR),
        ("model_context_window_exceeded", Finish.CONTEXT_LENGTH),
        ("of_the_future", Finish.STOP),
    ],
)
def test_reasons_are_read(reason: str, finish: Finish) -> None:
    assert read(stopReason=reason).choices[0].finish is finish


def test_usage_tier_and_stop_sequence_are_read() -> None:
    answer = read(
        usage={"inputTokens": 1, "outputTokens": 2, "totalTokens": 3},
        serviceTier={"type": "flex"},
        additionalModelResponseFields={"stop_sequence": "x"},
    )
    assert (answer.usage, answer.service_tier, answer.choices[0].stop_sequence) == (
        Usage(input=1, output=2),
        "flex",
        "x",
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"Output":{}}',
        b'{"output":{"message":{"content":[{"text":1}]}}}',
        b"\xff",
    ],
)
def test_what_is_no_answer_says_why(body: bytes) -> None:
    assert isinstance(read_answer(body), Unreadable)
