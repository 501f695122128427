import json
from typing import Any

import msgspec
import pytest

from dataplane.llm.hub.answer import Answer, Choice, Finish, Usage
from dataplane.llm.hub.parts import Citation, Media, Native, Part, Refusal, Text, Thinking, ToolCall
from dataplane.llm.hub.request import Request
from dataplane.llm.hub.seal import seal
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.converse.wire import FIELDS
from dataplane.llm.translate.converse.write_answer import write_answer
from dataplane.llm.translate.converse.write_parts import tool_id
from dataplane.runtime.protocols import Protocol
from tests.support.bedrock import problems_of_answer

SEALED = seal(Protocol.GEMINI, "Sig+/==")


def echo(body: bytes = b"{}") -> Echo:
    return Echo(Request("m", False, Protocol.CONVERSE, [], echo=FIELDS.decode(body)), 1, "abc")


def write(answer: Answer, told: Echo | None = None) -> dict[str, Any]:
    body = write_answer(answer, told or echo())
    assert problems_of_answer(body) == []
    found: dict[str, Any] = json.loads(body)
    return found


def content(*parts: Part) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = write(Answer("", "", [Choice(list(parts))]))["output"]["message"][
        "content"
    ]
    return found


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Text("a"), {"text": "a"}),
        (Refusal("no"), {"text": "no"}),
        (
            Text("a", [Citation(title="T", cited_text="w")]),
            {
                "citationsContent": {
                    "content": [{"text": "a"}],
                    "citations": [{"title": "T", "sourceContent": [{"text": "w"}]}],
                }
            },
        ),
        (Thinking("t"), {"reasoningContent": {"reasoningText": {"text": "t"}}}),
        (
            Thinking("t", SEALED),
            {"reasoningContent": {"reasoningText": {"text": "t", "signature": SEALED}}},
        ),
        (
            Thinking(signature=SEALED, redacted=True),
            {"reasoningContent": {"redactedContent": "b3V0cmlkZXIuZ2VtaW5pLlNpZysvPT0="}},
        ),
        (
            ToolCall("call/1", "f", ""),
            {"toolUse": {"toolUseId": tool_id("call/1"), "name": "f", "input": {}}},
        ),
        (
            ToolCall("c", "f", '{"a":'),
            {"toolUse": {"toolUseId": "c", "name": "f", "input": '{"a":'}},
        ),
        (
            Media("image", "image/png", data="AAAA"),
            {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
        ),
        (Media("image", url="https://a.example/i"), {"text": "![image](https://a.example/i)"}),
    ],
)
def test_parts_become_blocks(part: Part, block: dict[str, Any]) -> None:
    assert content(part) == [block]


def test_what_is_empty_or_foreign_is_no_block() -> None:
    foreign = Native(Protocol.MESSAGES, "server_tool_use", msgspec.Raw(b"{}"))
    assert content(Text(""), Thinking(), Thinking(redacted=True), Refusal(""), foreign) == []


def test_media_without_a_word_for_them_are_named() -> None:
    (block,) = content(Media("video", "video/x-new", data="AAAA"))
    assert "video/x-new" in block["text"]


@pytest.mark.parametrize("finish", list(Finish))
def test_every_finish_has_a_reason(finish: Finish) -> None:
    write(Answer("", "", [Choice([Text("a")], finish)]))


def test_an_answer_with_calls_stops_for_them() -> None:
    body = write(Answer("", "", [Choice([ToolCall("c", "f", "{}")], Finish.STOP)]))
    assert body["stopReason"] == "tool_use"


def test_cached_tokens_are_told_apart() -> None:
    usage = Usage(input=34, output=6, cache_read=20, cache_write=10)
    assert write(Answer("", "", [Choice([])], usage))["usage"] == {
        "inputTokens": 4,
        "outputTokens": 6,
        "totalTokens": 40,
        "cacheReadInputTokens": 20,
        "cacheWriteInputTokens": 10,
    }


def test_an_answer_without_choices_is_empty() -> None:
    assert write(Answer("", "", []))["output"]["message"]["content"] == []


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/stop_sequence", {"stop_sequence": "x"}),
        ("/delta/stop_sequence", {"delta": {"stop_sequence": "x"}}),
    ],
)
def test_the_stop_sequence_is_told_when_asked_for(path: str, fields: dict[str, Any]) -> None:
    asked = echo(json.dumps({"additionalModelResponseFieldPaths": [path]}).encode())
    choice = Choice([Text("a")], Finish.STOP_SEQUENCE, "x")
    assert write(Answer("", "", [choice]), asked)["additionalModelResponseFields"] == fields


def test_a_service_tier_that_bedrock_knows_is_told() -> None:
    assert write(Answer("", "", [], service_tier="priority"))["serviceTier"] == {"type": "priority"}
