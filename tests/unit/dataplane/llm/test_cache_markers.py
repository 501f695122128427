"""Marks for prompt caches."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.llm.cache_markers import Marks, marked, marked_body, marks_of
from dataplane.llm.hub.parts import Text
from dataplane.llm.hub.request import Message, Request, Tool
from dataplane.runtime.protocols import Protocol

LONG = "instructions " * 500
MARK = {"cache_control": {"type": "ephemeral"}}
TOOL = {"name": "f", "description": LONG, "input_schema": {"type": "object"}}


def messages(**fields: Any) -> dict[str, Any]:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}
    return dict(json.loads(marked_body(json.dumps(body).encode(), Marks.MESSAGES, 1024)))


def chat(*turns: dict[str, Any], **fields: Any) -> dict[str, Any]:
    body = {"model": "m", "messages": list(turns), **fields}
    return dict(json.loads(marked_body(json.dumps(body).encode(), Marks.CHAT, 1024)))


@pytest.mark.parametrize(
    ("provider", "model", "upstream", "marks"),
    [
        ("anthropic", "claude-x", Protocol.MESSAGES, Marks.MESSAGES),
        ("vercel", "anything", Protocol.MESSAGES, Marks.MESSAGES),
        ("openrouter", "anthropic/Claude-x", Protocol.CHAT, Marks.CHAT),
        ("openrouter", "openai/gpt", Protocol.CHAT, Marks.NONE),
        ("openai", "gpt", Protocol.CHAT, Marks.NONE),
        ("amazon_bedrock", "anthropic.claude-x", Protocol.CONVERSE, Marks.NONE),
        ("openai", "embed", None, Marks.NONE),
    ],
)
def test_only_those_are_told_that_want_to_be(
    provider: str, model: str, upstream: Protocol | None, marks: Marks
) -> None:
    assert marks_of(provider, model, upstream) is marks


def test_end_of_the_instructions_and_of_the_conversation_are_marked() -> None:
    body = messages(system=LONG)
    assert body["system"] == [{"type": "text", "text": LONG, **MARK}]
    assert body["messages"][-1]["content"] == [{"type": "text", "text": "hi", **MARK}]


def test_last_block_of_several_is_marked() -> None:
    body = messages(system=[{"type": "text", "text": "a"}, {"type": "text", "text": LONG}])
    assert "cache_control" not in body["system"][0]
    assert body["system"][1]["cache_control"] == MARK["cache_control"]


def test_last_tool_is_marked_when_there_are_no_instructions() -> None:
    body = messages(tools=[{**TOOL, "name": "a"}, TOOL])
    assert "cache_control" not in body["tools"][0]
    assert body["tools"][1]["cache_control"] == MARK["cache_control"]


def test_thinking_at_the_end_is_not_marked() -> None:
    last = {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": ""}]}
    body = messages(system=LONG, messages=[last])
    assert body["messages"] == [last]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"system": "short"}, id="too short to be cached"),
        pytest.param({"system": [{"type": "text", "text": LONG, **MARK}]}, id="marked already"),
        pytest.param({"system": LONG, "messages": "nonsense"}, id="not understood"),
    ],
)
def test_other_requests_stay_as_they_came(fields: dict[str, Any]) -> None:
    sent = json.dumps({"messages": [{"role": "user", "content": "hi"}], **fields}).encode()
    assert marked_body(sent, Marks.MESSAGES, 1024) is sent


def test_threshold_is_the_operators_but_never_less_than_the_providers() -> None:
    sent = json.dumps({"system": "x" * 5000, "messages": []}).encode()
    assert marked_body(sent, Marks.MESSAGES, 1) != sent
    assert marked_body(sent, Marks.MESSAGES, 2000) is sent


def test_chat_marks_parts_of_system_and_last_message() -> None:
    system, ask = {"role": "system", "content": LONG}, {"role": "user", "content": "hi"}
    body = chat(system, ask)
    assert body["messages"][0]["content"] == [{"type": "text", "text": LONG, **MARK}]
    assert body["messages"][1]["content"] == [{"type": "text", "text": "hi", **MARK}]


def test_chat_leaves_results_of_tools_alone() -> None:
    result = {"role": "tool", "tool_call_id": "1", "content": "42"}
    body = chat({"role": "system", "content": LONG}, result)
    assert body["messages"][1] == result


def test_request_that_is_still_to_be_written_is_marked_likewise() -> None:
    asked = Request("m", False, Protocol.CHAT, [Message("user", [Text("hi")])], system=[Text(LONG)])
    made = marked(asked, 1024)
    parts = [*made.system, *made.messages[0].parts]
    assert [part.cache for part in parts if isinstance(part, Text)] == ["5m", "5m"]
    assert asked.system == [Text(LONG)]
    assert marked(made, 1024) is made
    assert marked(asked, 100_000) is asked


def test_tools_are_marked_where_there_are_no_instructions() -> None:
    asked = Request("m", False, Protocol.CHAT, [], tools=[Tool("f", LONG)])
    assert marked(asked, 1024).tools[0].cache == "5m"


@given(
    st.dictionaries(
        st.sampled_from(["system", "tools", "messages"]),
        st.recursive(
            st.none() | st.text(max_size=5) | st.integers(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["role", "content", "type", "text"]), inner)
            ),
            max_leaves=8,
        ),
    ),
    st.sampled_from([Marks.MESSAGES, Marks.CHAT]),
)
def test_any_json_is_marked_or_left_alone(fields: dict[str, Any], marks: Marks) -> None:
    msgspec.json.decode(marked_body(json.dumps({**fields, "tools_": LONG}).encode(), marks, 1))
