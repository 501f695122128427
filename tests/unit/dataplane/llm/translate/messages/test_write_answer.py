"""Answer -> Message."""

import json
from typing import Any

import msgspec
import pytest

from dataplane.llm.hub.answer import Answer, Choice, Finish, Usage
from dataplane.llm.hub.parts import (
    Citation,
    Media,
    Native,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from dataplane.llm.hub.request import Request
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.messages.write_answer import whole_block, write_answer
from dataplane.runtime.protocols import Protocol

ECHO = Echo(Request("alias", False, Protocol.MESSAGES, []), 1700000000, "0a1b")


def write(*parts: Part, finish: Finish = Finish.STOP, **more: Any) -> dict[str, Any]:
    answer = Answer("id", "", [Choice(list(parts), finish)], **more)
    found: dict[str, Any] = json.loads(write_answer(answer, ECHO))
    return found


def test_message_has_every_key_of_the_api() -> None:
    assert write(Text("hi"), usage=Usage(60, 5, cache_read=30, cache_write=20, reasoning=2)) == {
        "id": "msg_0a1b",
        "type": "message",
        "role": "assistant",
        "model": "alias",
        "content": [{"type": "text", "text": "hi", "citations": []}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": {
            "input_tokens": 10,
            "cache_creation_input_tokens": 20,
            "cache_read_input_tokens": 30,
            "cache_creation": None,
            "output_tokens": 5,
            "output_tokens_details": {"thinking_tokens": 2},
            "server_tool_use": None,
            "service_tier": None,
            "inference_geo": None,
        },
    }


@pytest.mark.parametrize("part", [Text(""), Refusal(""), Thinking(), Thinking(redacted=True)])
def test_empty_part_is_no_block(part: Part) -> None:
    assert write(part)["content"] == []


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        pytest.param('{"a":1}', {"a": 1}, id="object"),
        pytest.param("", {}, id="nothing"),
        pytest.param('{"a":', {"INVALID_JSON": '{"a":'}, id="cut"),
        pytest.param("[1]", {"INVALID_JSON": "[1]"}, id="a-list"),
    ],
)
def test_tool_is_called_with_an_object(arguments: str, given: object) -> None:
    assert write(ToolCall("t", "f", arguments))["content"][0]["input"] == given


def test_custom_tool_is_called_with_its_text() -> None:
    block = write(ToolCall("t", "f", "free text", custom=True))["content"][0]
    assert block["input"] == {"input": "free text"}


def test_thinking_comes_with_its_seal() -> None:
    found = write(Thinking("hm", "outrider.gemini.S"), Thinking("", "D", redacted=True))
    assert found["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "outrider.gemini.S"},
        {"type": "redacted_thinking", "data": "D"},
    ]


def test_citations_stand_on_their_text() -> None:
    block = write(Text("x", [Citation(url="https://e.com")]))["content"][0]
    assert block["citations"][0]["type"] == "web_search_result_location"


def test_media_is_named_in_words() -> None:
    linked = write(Media("image", url="https://e.com/x.png"))["content"][0]["text"]
    assert linked == "![image](https://e.com/x.png)"
    assert "audio/wav" in write(Media("audio", "audio/wav", "UklG"))["content"][0]["text"]


def test_blocks_of_other_protocols_are_left_out_and_own_ones_kept() -> None:
    raw = msgspec.Raw(b'{"type":"web_search_call"}')
    assert write(Native(Protocol.RESPONSES, "web_search_call", raw))["content"] == []
    own = msgspec.Raw(b'{"type":"server_tool_use"}')
    kept = write(Native(Protocol.MESSAGES, "server_tool_use", own))["content"]
    assert kept == [{"type": "server_tool_use"}]


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        (Finish.LENGTH, "max_tokens"),
        (Finish.TOOL_CALLS, "tool_use"),
        (Finish.CONTENT_FILTER, "refusal"),
        (Finish.REFUSAL, "refusal"),
        (Finish.ERROR, "refusal"),
        (Finish.PAUSE, "pause_turn"),
        (Finish.CONTEXT_LENGTH, "model_context_window_exceeded"),
    ],
)
def test_finish_is_told(finish: Finish, reason: str) -> None:
    assert write(Text("x"), finish=finish)["stop_reason"] == reason


def test_failed_generation_is_explained() -> None:
    details = write(finish=Finish.ERROR)["stop_details"]
    assert details["type"] == "refusal"
    assert "failed" in details["explanation"]


def test_answer_without_choices_is_an_empty_message() -> None:
    body = json.loads(write_answer(Answer("msg_7", "c", []), ECHO))
    assert (body["id"], body["content"], body["stop_reason"]) == ("msg_7", [], "end_turn")


@pytest.mark.parametrize("part", [Text("hi"), Refusal("no")])
def test_text_without_citations_has_none_of_them(part: Part) -> None:
    """The specification wants the key; Vercel's ai 6 refuses a null there, the API sends none."""
    block = whole_block(part)
    assert isinstance(block, dict)
    assert block["citations"] == []
