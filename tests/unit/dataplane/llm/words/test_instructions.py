import json
from typing import Any

import pytest

from dataplane.llm.words.instructions import Decoration, Turn, decorated
from dataplane.runtime.protocols import Operation

BOTH = Decoration("B", "A")
TURNS = Decoration(first=[Turn("user", "f")], last=[Turn("assistant", "l")])
U = {"role": "user", "content": "u"}


def made(operation: Operation, body: Any, given: Decoration) -> Any:
    return json.loads(decorated(operation, json.dumps(body).encode(), given))


INSTRUCTIONS: dict[str, tuple[Operation, Any, Any]] = {
    "chat with none": (
        Operation.CHAT,
        {"messages": [U]},
        {"messages": [{"role": "system", "content": "B\n\nA"}, U]},
    ),
    "chat with some": (
        Operation.CHAT,
        {"messages": [{"role": "developer", "content": "s"}, U]},
        {"messages": [{"role": "developer", "content": "B\n\ns\n\nA"}, U]},
    ),
    "chat with two, one in parts": (
        Operation.CHAT,
        {
            "messages": [
                {"role": "system", "content": [{"type": "text", "text": "s"}]},
                {"role": "system", "content": "t"},
            ]
        },
        {
            "messages": [
                {
                    "role": "system",
                    "content": [{"type": "text", "text": "B"}, {"type": "text", "text": "s"}],
                },
                {"role": "system", "content": "t\n\nA"},
            ]
        },
    ),
    "messages with none": (
        Operation.MESSAGES,
        {"messages": [U]},
        {"messages": [U], "system": "B\n\nA"},
    ),
    "messages with blocks": (
        Operation.MESSAGES,
        {"system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]},
        {
            "system": [
                {"type": "text", "text": "B"},
                {"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": "A"},
            ]
        },
    ),
    "responses": (
        Operation.RESPONSES,
        {"instructions": "s", "input": "u"},
        {"instructions": "B\n\ns\n\nA", "input": "u"},
    ),
    "gemini": (
        Operation.GENERATE_CONTENT,
        {"system_instruction": {"parts": [{"text": "s"}]}},
        {"system_instruction": {"parts": [{"text": "B"}, {"text": "s"}, {"text": "A"}]}},
    ),
    "gemini with none": (
        Operation.GENERATE_CONTENT,
        {},
        {"systemInstruction": {"parts": [{"text": "B"}, {"text": "A"}]}},
    ),
    "converse": (
        Operation.CONVERSE,
        {"system": [{"text": "s"}]},
        {"system": [{"text": "B"}, {"text": "s"}, {"text": "A"}]},
    ),
}


@pytest.mark.parametrize(
    ("operation", "body", "expected"), INSTRUCTIONS.values(), ids=INSTRUCTIONS.keys()
)
def test_instructions_are_put_around_those_that_are_there(
    operation: Operation, body: Any, expected: Any
) -> None:
    assert made(operation, body, BOTH) == expected


MESSAGES: dict[str, tuple[Operation, Any, Any]] = {
    "chat": (
        Operation.CHAT,
        {"messages": [{"role": "system", "content": "s"}, U]},
        {
            "messages": [
                *({"role": "system", "content": "s"}, {"role": "user", "content": "f"}),
                *(U, {"role": "assistant", "content": "l"}),
            ]
        },
    ),
    "messages": (
        Operation.MESSAGES,
        {"messages": [U]},
        {
            "messages": [
                *({"role": "user", "content": "f"}, U),
                {"role": "assistant", "content": "l"},
            ]
        },
    ),
    "responses": (
        Operation.RESPONSES,
        {"input": "u"},
        {
            "input": [
                *({"role": "user", "content": "f"}, U),
                {"role": "assistant", "content": "l"},
            ]
        },
    ),
    "gemini": (
        Operation.GENERATE_CONTENT,
        {"contents": [{"parts": [{"text": "u"}]}]},
        {
            "contents": [
                {"role": "user", "parts": [{"text": "f"}]},
                {"parts": [{"text": "u"}]},
                {"role": "model", "parts": [{"text": "l"}]},
            ]
        },
    ),
    "converse": (
        Operation.CONVERSE,
        {"messages": []},
        {
            "messages": [
                {"role": "user", "content": [{"text": "f"}]},
                {"role": "assistant", "content": [{"text": "l"}]},
            ]
        },
    ),
}


@pytest.mark.parametrize(("operation", "body", "expected"), MESSAGES.values(), ids=MESSAGES.keys())
def test_messages_are_put_around_the_conversation(
    operation: Operation, body: Any, expected: Any
) -> None:
    assert made(operation, body, TURNS) == expected


def test_what_gets_nothing_stays_as_it_came() -> None:
    body = b'{"messages": [ ]}'
    assert json.loads(decorated(Operation.MESSAGES, body, Decoration())) == {"messages": []}
