"""Message -> Answer."""

import json

import pytest

from dataplane.llm.hub.answer import Answer, Finish, Unreadable, Usage
from dataplane.llm.hub.parts import Text, Thinking, ToolCall
from dataplane.llm.translate.messages.read_answer import read_answer


def read(**fields: object) -> Answer:
    body: dict[str, object] = {
        "id": "msg_1",
        "model": "c",
        "content": [],
        "stop_reason": "end_turn",
    }
    answer = read_answer(json.dumps(body | fields).encode())
    assert isinstance(answer, Answer)
    return answer


def test_answer_is_read() -> None:
    answer = read(
        content=[
            {"type": "text", "text": "hi"},
            {"type": "tool_use", "id": "t", "name": "f", "input": {}},
        ],
        usage={"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3, "new": {}},
        some_future_field=1,
    )
    (choice,) = answer.choices
    assert choice.parts == [Text("hi"), ToolCall("t", "f", "{}")]
    assert answer.usage == Usage(4, 2, cache_read=3)


def test_signatures_leave_sealed() -> None:
    answer = read(
        content=[
            {"type": "thinking", "thinking": "hm", "signature": "S"},
            {"type": "redacted_thinking", "data": "D"},
        ]
    )
    assert answer.choices[0].parts == [
        Thinking("hm", "outrider.messages.S"),
        Thinking("", "outrider.messages.redacted.D", redacted=True),
    ]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", Finish.STOP),
        ("max_tokens", Finish.LENGTH),
        ("stop_sequence", Finish.STOP_SEQUENCE),
        ("tool_use", Finish.TOOL_CALLS),
        ("pause_turn", Finish.PAUSE),
        ("refusal", Finish.REFUSAL),
        ("model_context_window_exceeded", Finish.CONTEXT_LENGTH),
        ("some_future_reason", Finish.STOP),
        (None, Finish.STOP),
    ],
)
def test_stop_reason_is_read(reason: str | None, finish: Finish) -> None:
    assert read(stop_reason=reason).choices[0].finish is finish


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "it is not JSON"),
        (b"<html>", "it is not JSON"),
        (b'"\xff"', "it is not JSON"),
        (b"{}", "it has no content"),
        (b"[]", "it is not a message: Expected `object`, got `array`"),
        (
            b'{"content":[{"type":"text"}]}',
            "it is not a message: content[0]: Object missing required field `text`",
        ),
    ],
)
def test_what_is_no_message_is_unreadable(body: bytes, reason: str) -> None:
    assert read_answer(body) == Unreadable(reason)
