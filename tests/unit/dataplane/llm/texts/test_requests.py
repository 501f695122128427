"""Texts of requests, whatever the protocol."""

from typing import Any

import pytest

from dataplane.llm.texts.requests import request_slots, with_instruction
from dataplane.runtime.protocols import Operation

REQUESTS: dict[Operation, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    Operation.CHAT: (
        {
            "messages": [
                {"role": "developer", "content": "d"},
                {"role": "user", "content": [{"type": "text", "text": "u"}, {"type": "image"}]},
                {"role": "assistant", "tool_calls": [{"function": {"arguments": "{}"}}]},
                {"role": "tool", "content": "t"},
            ]
        },
        [("system", "d"), ("user", "u"), ("assistant", "{}"), ("tool", "t")],
    ),
    Operation.MESSAGES: (
        {
            "system": [{"type": "text", "text": "s"}],
            "messages": [
                {"role": "user", "content": "u"},
                {"role": "assistant", "content": [{"type": "text", "text": "a"}]},
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "content": [{"type": "text", "text": "t"}]}
                    ],
                },
            ],
        },
        [("system", "s"), ("user", "u"), ("assistant", "a"), ("tool", "t")],
    ),
    Operation.RESPONSES: (
        {
            "instructions": "i",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "u"}]},
                {"type": "function_call_output", "output": "t"},
            ],
        },
        [("system", "i"), ("user", "u"), ("tool", "t")],
    ),
    Operation.GENERATE_CONTENT: (
        {
            "systemInstruction": {"parts": [{"text": "s"}]},
            "contents": [
                {"parts": [{"text": "u"}]},
                {"role": "model", "parts": [{"text": "a"}]},
            ],
        },
        [("system", "s"), ("user", "u"), ("assistant", "a")],
    ),
    Operation.CONVERSE: (
        {
            "system": [{"text": "s"}],
            "messages": [
                {"role": "user", "content": [{"text": "u"}]},
                {"role": "user", "content": [{"toolResult": {"content": [{"text": "t"}]}}]},
            ],
        },
        [("system", "s"), ("user", "u"), ("tool", "t")],
    ),
    Operation.COMPLETIONS: ({"prompt": "p"}, [("user", "p")]),
}


@pytest.mark.parametrize("operation", REQUESTS, ids=lambda one: one.value)
def test_texts_are_found_with_who_says_them(operation: Operation) -> None:
    json, expected = REQUESTS[operation]
    assert [(slot.role, slot.text) for slot in request_slots(operation, json)] == expected


@pytest.mark.parametrize("operation", REQUESTS, ids=lambda one: one.value)
def test_an_instruction_stands_behind_those_that_are_there(operation: Operation) -> None:
    json, before = REQUESTS[operation]
    had = [text for role, text in before if role == "system"]
    if with_instruction(operation, json, "new"):
        told = [slot.text for slot in request_slots(operation, json) if slot.role == "system"]
        assert "\n\n".join(told) == "\n\n".join([*had, "new"])
    else:
        assert operation is Operation.COMPLETIONS


@pytest.mark.parametrize(
    ("operation", "json", "made"),
    [
        (
            Operation.CHAT,
            {"messages": [{"role": "user"}]},
            {"messages": [{"role": "system", "content": "new"}, {"role": "user"}]},
        ),
        (Operation.MESSAGES, {"system": "s"}, {"system": "s\n\nnew"}),
        (Operation.RESPONSES, {}, {"instructions": "new"}),
        (Operation.GENERATE_CONTENT, {}, {"systemInstruction": {"parts": [{"text": "new"}]}}),
        (Operation.CONVERSE, {}, {"system": [{"text": "new"}]}),
    ],
)
def test_an_instruction_where_there_was_none(
    operation: Operation, json: dict[str, Any], made: dict[str, Any]
) -> None:
    assert with_instruction(operation, json, "new")
    assert json == made


@pytest.mark.parametrize("json", [None, [], {"messages": 3}, {"messages": [1, {"content": 2}]}])
def test_what_is_no_request_has_no_texts(json: object) -> None:
    assert list(request_slots(Operation.CHAT, json)) == []
