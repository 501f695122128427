import base64
import json
from typing import Any

import pytest

from dataplane.llm.hub.parts import Media, Native, Part, Text, Thinking, ToolCall, ToolResult
from dataplane.llm.hub.seal import seal
from dataplane.llm.translate.converse.read_parts import BlockError, BlockReader
from dataplane.llm.translate.converse.wire import FIELDS
from dataplane.runtime.protocols import Protocol

AT = "messages[0].content"


def read_all(*blocks: dict[str, Any]) -> tuple[list[Part], BlockReader]:
    reader = BlockReader()
    raw = [FIELDS.decode(json.dumps(block)) for block in blocks]
    return reader.parts(raw, AT), reader


def read(block: dict[str, Any]) -> Part:
    parts, _ = read_all(block)
    return parts[0]


def test_an_image_keeps_its_bytes() -> None:
    image = read({"image": {"format": "jpeg", "source": {"bytes": "AAAA"}}})
    assert image == Media("image", "image/jpeg", data="AAAA")


def test_a_place_in_s3_is_for_bedrock_alone() -> None:
    image = read({"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/k"}}}})
    assert isinstance(image, Native)
    assert image.kind == "image.source.s3Location"


def test_bytes_of_a_text_document_become_its_text() -> None:
    data = base64.b64encode("é".encode()).decode()
    document = read({"document": {"format": "md", "name": "N", "source": {"bytes": data}}})
    assert document == Media("document", "text/markdown", text="é", name="N")


def test_bytes_that_are_no_text_stay_bytes() -> None:
    data = base64.b64encode(b"\xff\xfe").decode()
    document = read({"document": {"format": "txt", "name": "N", "source": {"bytes": data}}})
    assert document == Media("document", "text/plain", data=data, name="N")


def test_pieces_of_a_document_are_joined_when_nobody_cites_them() -> None:
    source = {"content": [{"text": "a"}, {"text": "b"}]}
    assert read({"document": {"name": "N", "source": source}}) == Media(
        "document", "text/plain", text="a\n\nb", name="N"
    )


def test_pieces_that_are_cited_are_for_bedrock_alone() -> None:
    source = {"content": [{"text": "a"}]}
    found = read({"document": {"name": "N", "source": source, "citations": {"enabled": True}}})
    assert isinstance(found, Native)


def test_a_call_keeps_its_input_as_it_came() -> None:
    found = read({"toolUse": {"toolUseId": "t", "name": "n", "input": {"a": [1.50]}}})
    assert found == ToolCall("t", "n", '{"a": [1.5]}')


def test_a_result_holds_json_texts_and_images() -> None:
    found = read(
        {
            "toolResult": {
                "toolUseId": "t",
                "content": [
                    {"json": {"a": 1}},
                    {"text": "x"},
                    {"image": {"format": "png", "source": {"bytes": "AA"}}},
                ],
                "status": "error",
            }
        }
    )
    parts: list[Any] = [Text('{"a": 1}'), Text("x"), Media("image", "image/png", data="AA")]
    assert found == ToolResult("t", parts, is_error=True)


def test_a_server_tool_is_for_bedrock_alone() -> None:
    use = {"toolUseId": "t", "name": "n", "input": {}, "type": "server_tool_use"}
    found = read({"toolUse": use})
    assert isinstance(found, Native)
    assert found.kind == "server_tool_use"


def test_a_cache_point_marks_the_block_before_it() -> None:
    parts, _ = read_all({"text": "a"}, {"cachePoint": {"type": "default", "ttl": "1h"}})
    assert parts == [Text("a", cache="1h")]


def test_a_cache_point_with_nothing_before_it_is_a_hint() -> None:
    _, reader = read_all({"cachePoint": {"type": "default"}})
    assert reader.hints == [f"{AT}[0].cachePoint"]


def test_thinking_keeps_its_signature() -> None:
    block = {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}}
    assert read(block) == Thinking("t", "s")


def test_sealed_bytes_are_another_protocols_signature() -> None:
    sealed = seal(Protocol.MESSAGES, "Eq==")
    data = base64.b64encode(sealed.encode()).decode()
    block = {"reasoningContent": {"redactedContent": data}}
    assert read(block) == Thinking(signature=sealed, redacted=True)


def test_bedrocks_own_bytes_stay_base64() -> None:
    block = {"reasoningContent": {"redactedContent": "c2VjcmV0"}}
    assert read(block) == Thinking(signature="c2VjcmV0", redacted=True)


def test_guarded_words_stay_and_the_guard_is_named() -> None:
    parts, reader = read_all({"guardContent": {"text": {"text": "a", "qualifiers": ["query"]}}})
    assert (parts, reader.unknown) == ([Text("a")], [f"{AT}[0].guardContent"])


@pytest.mark.parametrize("kind", ["searchResult", "toolAddition", "future"])
def test_other_blocks_are_kept_as_they_came(kind: str) -> None:
    found = read({kind: {"a": 1}})
    assert isinstance(found, Native)
    assert (found.kind, bytes(found.raw)) == (kind, b'{"a": 1}')


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ({}, f"{AT}[0]: expected one kind of content, found none"),
        ({"text": "a", "image": {}}, f"{AT}[0]: expected one kind of content, found text, image"),
        ({"text": 1}, f"{AT}[0].text: "),
        ({"toolUse": {"name": "n"}}, f"{AT}[0].toolUse: "),
        ({"toolResult": {"toolUseId": "t", "content": [{}]}}, f"{AT}[0].toolResult.content[0]: "),
    ],
)
def test_a_block_that_cannot_be_understood_is_refused_with_its_place(
    block: dict[str, Any], place: str
) -> None:
    with pytest.raises(BlockError) as caught:
        read(block)
    assert str(caught.value).startswith(place)
