"""Requests of all protocols with instructions and what an API has said."""

import json
from typing import Any

import pytest

from dataplane.llm.hub.parts import Text
from dataplane.llm.translate.codecs import CODECS
from dataplane.prompts.told import told
from dataplane.runtime.messages import LocalReply
from dataplane.runtime.protocols import Protocol

NOBODY: frozenset[int] = frozenset()
TEXT = [{"type": "text", "text": "Rain?"}]
CASES: dict[str, tuple[Protocol, dict[str, Any], dict[str, Any]]] = {
    "chat": (
        Protocol.CHAT,
        {"messages": [{"role": "user", "content": "Rain?", "name": "a"}], "seed": 7},
        {
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "Rain?\ncontext: wet", "name": "a"},
            ],
            "seed": 7,
        },
    ),
    "chat with parts": (
        Protocol.CHAT,
        {"messages": [{"role": "user", "content": TEXT}]},
        {
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": [*TEXT, {"type": "text", "text": "context: wet"}]},
            ]
        },
    ),
    "messages": (
        Protocol.MESSAGES,
        {"system": "Short.", "messages": [{"role": "user", "content": "Rain?"}], "top_k": 1},
        {
            "system": "Be kind.\n\nShort.",
            "messages": [{"role": "user", "content": "Rain?\ncontext: wet"}],
            "top_k": 1,
        },
    ),
    "messages with parts": (
        Protocol.MESSAGES,
        {
            "system": [{"type": "text", "text": "Short.", "cache_control": {"type": "ephemeral"}}],
            "messages": [{"role": "user", "content": TEXT}],
        },
        {
            "system": [
                {"type": "text", "text": "Be kind."},
                {"type": "text", "text": "Short.", "cache_control": {"type": "ephemeral"}},
            ],
            "messages": [
                {"role": "user", "content": [*TEXT, {"type": "text", "text": "context: wet"}]}
            ],
        },
    ),
    "responses in one text": (
        Protocol.RESPONSES,
        {"input": "Rain?", "instructions": "Short."},
        {"input": "Rain?\ncontext: wet", "instructions": "Be kind.\n\nShort."},
    ),
    "responses": (
        Protocol.RESPONSES,
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": "Rain?"}]}]},
        {
            "input": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "Rain?"},
                        {"type": "input_text", "text": "context: wet"},
                    ],
                }
            ],
            "instructions": "Be kind.",
        },
    ),
    "gemini": (
        Protocol.GEMINI,
        {
            "contents": [{"parts": [{"text": "Rain?"}]}],
            "system_instruction": {"parts": [{"text": "Short."}]},
        },
        {
            "contents": [{"parts": [{"text": "Rain?"}, {"text": "context: wet"}]}],
            "system_instruction": {"parts": [{"text": "Be kind."}, {"text": "Short."}]},
        },
    ),
    "converse": (
        Protocol.CONVERSE,
        {"messages": [{"role": "user", "content": [{"text": "Rain?"}]}]},
        {
            "messages": [
                {"role": "user", "content": [{"text": "Rain?"}, {"text": "context: wet"}]}
            ],
            "system": [{"text": "Be kind."}],
        },
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_instructions_come_first_and_context_last(case: tuple[Protocol, Any, Any]) -> None:
    protocol, body, expected = case
    made = told(protocol, json.dumps(body).encode(), "Be kind.", "context: wet", NOBODY)
    assert json.loads(made) == expected
    read = CODECS[protocol].read_request(made, "m", False)
    assert not isinstance(read, LocalReply)
    assert Text("Be kind.") in read.system or "Be kind." in str(read.system)
    assert "context: wet" in str(read.messages[-1].parts)


def test_nothing_to_tell_changes_nothing() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"Rain?"}],"new":{"a":1e2}}'
    assert told(Protocol.CHAT, body, "", "", NOBODY) == body


@pytest.mark.parametrize("model", [None, "", "none", "None"])
def test_word_for_no_model_is_none(model: str | None) -> None:
    body = json.dumps({"model": model, "messages": []}).encode()
    assert json.loads(told(Protocol.CHAT, body, "", "", NOBODY)) == {"messages": []}


def test_context_follows_what_the_user_said_last_and_turns_may_be_left_out() -> None:
    turns = [
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Two"},
        {"role": "user", "content": "Three"},
    ]
    body = json.dumps({"messages": turns}).encode()
    made = json.loads(told(Protocol.CHAT, body, "", "wet", frozenset({1})))
    assert [one["content"] for one in made["messages"]] == ["One", "Three\nwet"]
