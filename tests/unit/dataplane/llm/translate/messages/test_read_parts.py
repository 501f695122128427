"""Content blocks -> parts."""

from typing import Any

import msgspec
import pytest

from dataplane.llm.hub.parts import Media, Native, Part, Text, Thinking, ToolCall, ToolResult
from dataplane.llm.translate.messages.read_parts import BlockError, read_parts


def parts(*blocks: object) -> list[Part]:
    return read_parts(msgspec.Raw(msgspec.json.encode(blocks)), "at")


def document(source: dict[str, Any], **more: object) -> Part:
    return parts({"type": "document", "source": source, **more})[0]


def test_text_may_stand_alone() -> None:
    assert read_parts(msgspec.Raw(b'"hi"'), "at") == [Text("hi")]


@pytest.mark.parametrize("none", [b"", b"null", b'""', b"[]", b'[{"type":"text","text":""}]'])
def test_nothing_said_is_no_part(none: bytes) -> None:
    assert read_parts(msgspec.Raw(none), "at") == []


def test_cache_marker_is_kept() -> None:
    marker = {"type": "ephemeral", "ttl": "1h"}
    assert parts({"type": "text", "text": "x", "cache_control": marker}) == [Text("x", cache="1h")]


def test_tool_input_stays_as_it_was_spelt() -> None:
    raw = b'[{"type":"tool_use","id":"t","name":"f","input":{ "a": 1.0 }}]'
    assert read_parts(msgspec.Raw(raw), "at") == [ToolCall("t", "f", '{ "a": 1.0 }')]


def test_tool_result_holds_texts_and_images() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://e.com/x.png"}}
    result = {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [{"type": "text", "text": "x"}, image],
        "is_error": True,
    }
    media = Media("image", url="https://e.com/x.png")
    assert parts(result) == [ToolResult("t", [Text("x"), media], is_error=True)]


def test_thinking_keeps_its_signature() -> None:
    found = parts(
        {"type": "thinking", "thinking": "hm", "signature": "S"},
        {"type": "redacted_thinking", "data": "D"},
    )
    assert found == [Thinking("hm", "S"), Thinking("", "D", redacted=True)]


@pytest.mark.parametrize(
    ("source", "media"),
    [
        pytest.param(
            {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
            Media("document", "application/pdf", "JVBE"),
            id="base64",
        ),
        pytest.param(
            {"type": "text", "media_type": "text/plain", "data": "x"},
            Media("document", "text/plain", text="x"),
            id="text",
        ),
        pytest.param(
            {"type": "url", "url": "https://e.com/a.pdf"},
            Media("document", "application/pdf", url="https://e.com/a.pdf"),
            id="url",
        ),
        pytest.param(
            {"type": "file", "file_id": "file_1"}, Media("document", file_id="file_1"), id="file"
        ),
        pytest.param(
            {"type": "content", "content": "x"},
            Media("document", "text/plain", text="x"),
            id="content",
        ),
    ],
)
def test_document_comes_from_each_source(source: dict[str, Any], media: Media) -> None:
    assert document(source) == media


def test_document_has_a_title_a_context_and_citations() -> None:
    source = {"type": "text", "data": "x"}
    found = document(source, title="T", context="C", citations={"enabled": True})
    expected = Media("document", "text/plain", text="x", name="T", context="C", citations=True)
    assert found == expected


def test_document_with_images_in_it_is_native() -> None:
    image = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
    assert isinstance(document({"type": "content", "content": [image]}), Native)


def test_block_of_the_future_is_native() -> None:
    (found,) = parts({"type": "hologram", "x": 1})
    assert isinstance(found, Native)
    assert found.kind == "hologram"


@pytest.mark.parametrize(
    ("blocks", "place"),
    [
        pytest.param([{"text": "no type"}], "at[0]", id="no-type"),
        pytest.param([{"type": "text"}], "at[0]", id="no-text"),
        pytest.param([{"type": "text", "text": "x"}, 7], "at[1]", id="a-number"),
        pytest.param([{"type": "tool_use", "name": "f"}], "at[0]", id="no-id"),
        pytest.param(
            [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "thinking"}]}],
            "at[0].content[0]",
            id="thinking-of-a-tool",
        ),
    ],
)
def test_what_contradicts_itself_is_refused_with_its_place(blocks: list[Any], place: str) -> None:
    with pytest.raises(BlockError) as refused:
        parts(*blocks)
    assert str(refused.value).startswith(f"{place}: ")
