"""Parts -> content blocks."""

import base64
from typing import Any

import msgspec
import pytest

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.namespaces import FlatNames
from dataplane.llm.hub.parts import (
    Citation,
    Media,
    Native,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from dataplane.llm.hub.request import Request, Tool
from dataplane.llm.translate.messages.write_parts import tool_id, write_parts
from dataplane.runtime.protocols import Protocol

PNG = "iVBORw0KGgoAAAA"


def write(*parts: Part) -> tuple[list[dict[str, Any]], Losses]:
    losses = Losses(Request("m", False, Protocol.CHAT, []))
    names = FlatNames([Tool("f", namespace="a"), Tool("f", namespace="b")])
    return write_parts(list(parts), "messages[0]", losses, names), losses


def block(part: Part) -> dict[str, Any]:
    (found,), losses = write(part)
    assert losses.refused == []
    return found


@pytest.mark.parametrize("part", [Text(""), Text(" \n"), Refusal("")])
def test_text_without_a_word_is_left_out(part: Part) -> None:
    blocks, losses = write(part)
    assert (blocks, losses.dropped()) == ([], ())


def test_refusal_is_told_as_text() -> None:
    assert block(Refusal("No.")) == {"type": "text", "text": "No."}


@pytest.mark.parametrize(
    ("cache", "control"),
    [
        ("5m", {"type": "ephemeral"}),
        ("1h", {"type": "ephemeral", "ttl": "1h"}),
    ],
)
def test_cache_marker_is_written(cache: str, control: dict[str, str]) -> None:
    assert block(Text("x", cache=cache))["cache_control"] == control


def test_citations_of_an_earlier_answer_are_a_hint() -> None:
    blocks, losses = write(Text("x", [Citation(url="https://e.com")]))
    assert blocks == [{"type": "text", "text": "x"}]
    assert losses.hints == ["messages[0]: citations"]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("toolu_01-A", "toolu_01-A"),
        ("call.1:x", "call_2e1_3ax"),
        ("é", "_e9"),
        ("", "call"),
    ],
)
def test_id_is_spelt_in_the_apis_letters(given: str, written: str) -> None:
    assert tool_id(given) == written
    assert block(ToolCall(given, "f", "{}"))["id"] == written
    assert block(ToolResult(given, []))["tool_use_id"] == written


def test_tool_in_a_namespace_is_called_by_its_flat_name() -> None:
    assert block(ToolCall("t", "f", "{}", namespace="b"))["name"] == "b__f"


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param([Text("x")], "x", id="one-text"),
        pytest.param(
            [Text("x"), Text("y")],
            [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}],
            id="texts",
        ),
        pytest.param(
            [Media("image", url="https://e.com/x.png")],
            [{"type": "image", "source": {"type": "url", "url": "https://e.com/x.png"}}],
            id="image",
        ),
    ],
)
def test_result_has_its_content(parts: list[Text | Media | Native], content: object) -> None:
    assert block(ToolResult("t", parts)).get("content") == content


def test_failed_tool_is_told() -> None:
    assert block(ToolResult("t", [Text("x")], is_error=True))["is_error"] is True


def test_thinking_goes_back_to_who_signed_it() -> None:
    blocks, losses = write(
        Thinking("hm", "outrider.messages.S"),
        Thinking("", "outrider.messages.redacted.D", redacted=True),
        Thinking("theirs", "outrider.gemini.G"),
        Thinking("unsigned"),
    )
    assert blocks == [
        {"type": "thinking", "thinking": "hm", "signature": "S"},
        {"type": "redacted_thinking", "data": "D"},
    ]
    assert losses.hints == ["thinking"]


def test_thinking_that_was_not_shown_is_not_taken_for_redacted() -> None:
    # chat has one form for both
    blocks, _ = write(Thinking("", "outrider.messages.S", redacted=True))
    assert blocks == [{"type": "thinking", "thinking": "", "signature": "S"}]


@pytest.mark.parametrize(
    ("client", "signature", "written"),
    [
        pytest.param(Protocol.CHAT, "outrider.converse.S", "S", id="made-on-bedrock"),
        pytest.param(Protocol.CONVERSE, "S", "S", id="given-to-a-client-of-bedrock"),
        pytest.param(Protocol.CONVERSE, "outrider.gemini.S", None, id="sealed-by-another"),
        pytest.param(Protocol.CHAT, "S", None, id="of-nobody"),
    ],
)
def test_claude_signs_alike_on_bedrock(
    client: Protocol, signature: str, written: str | None
) -> None:
    losses = Losses(Request("m", False, client, []))
    blocks = write_parts([Thinking("hm", signature)], "messages[0]", losses, FlatNames([]))
    assert [block["signature"] for block in blocks] == ([written] if written else [])


@pytest.mark.parametrize(
    ("media", "source"),
    [
        pytest.param(
            Media("image", "image/jpg", PNG),
            {"type": "base64", "media_type": "image/png", "data": PNG},
            id="image-says-itself-what-it-is",
        ),
        pytest.param(
            Media("image", "image/jpg", "AAAA"),
            {"type": "base64", "media_type": "image/jpeg", "data": "AAAA"},
            id="jpg",
        ),
        pytest.param(
            Media("image", file_id="file_1"), {"type": "file", "file_id": "file_1"}, id="own-file"
        ),
        pytest.param(
            Media("document", "", "JVBERi0x"),
            {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"},
            id="pdf-without-a-type",
        ),
        pytest.param(
            Media("document", "text/csv", base64.b64encode("ä,b".encode()).decode()),
            {"type": "text", "media_type": "text/plain", "data": "ä,b"},
            id="text-in-base64",
        ),
        pytest.param(
            Media("document", text="x"),
            {"type": "text", "media_type": "text/plain", "data": "x"},
            id="text",
        ),
    ],
)
def test_media_has_a_source(media: Media, source: dict[str, str]) -> None:
    assert block(media)["source"] == source


def test_document_has_its_title_context_and_citations() -> None:
    found = block(Media("document", text="x", name="T", context="C", citations=True))
    assert (found["title"], found["context"], found["citations"]) == ("T", "C", {"enabled": True})


@pytest.mark.parametrize(
    ("part", "words"),
    [
        pytest.param(Media("audio", "audio/wav", "UklG"), "audio", id="sound"),
        pytest.param(Media("video", url="https://e.com"), "video", id="video"),
        pytest.param(Media("image", "image/heic", "AAAA"), "image/heic", id="heic"),
        pytest.param(Media("image", file_id="file-1"), "file file-1", id="openai-file"),
        pytest.param(Media("document", url="gs://b/x"), "document at gs://b/x", id="bucket"),
        pytest.param(Media("document", "text/plain", "/w=="), "UTF-8", id="not-utf8"),
        pytest.param(
            Native(Protocol.RESPONSES, "computer_call", msgspec.Raw(b"{}")),
            "computer_call",
            id="native",
        ),
    ],
)
def test_what_cannot_be_said_is_refused_with_its_place(part: Part, words: str) -> None:
    blocks, losses = write(part)
    assert blocks == []
    (refused,) = losses.refused
    assert refused.startswith("messages[0]: ")
    assert words in refused


def test_how_closely_to_look_is_a_hint() -> None:
    _, losses = write(Media("image", url="https://e.com/x.png", detail="high"))
    assert losses.hints == ["messages[0]: detail"]
