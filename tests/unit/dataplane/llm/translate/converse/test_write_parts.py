import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from dataplane.llm.hub.seal import seal
from dataplane.llm.translate.converse.wire import ABSENT
from dataplane.llm.translate.converse.write_parts import BlockWriter, tool_id, tool_input
from dataplane.runtime.protocols import Protocol

AT = "messages[0]"


def write(
    *parts: Part, family: str = "anthropic", tools: tuple[Tool, ...] = ()
) -> tuple[list[dict[str, Any]], Losses]:
    losses = Losses(Request("m", False, Protocol.CHAT, []))
    return BlockWriter(family, FlatNames(list(tools)), losses).blocks(list(parts), AT), losses


def block(part: Part) -> dict[str, Any]:
    (found,), losses = write(part)
    assert losses.dropped() == ()
    return found


def test_texts_without_a_word_are_left_out() -> None:
    assert write(Text(" \n"), Refusal(""), Text("a"))[0] == [{"text": "a"}]


def test_a_cache_point_follows_what_it_marks() -> None:
    assert write(Text("a", cache="1h"), Text("b", cache="5m"))[0] == [
        {"text": "a"},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
        {"text": "b"},
        {"cachePoint": {"type": "default"}},
    ]


@pytest.mark.parametrize(
    ("media", "form"),
    [
        (Media("image", "image/jpg", data="AAAA"), "jpeg"),
        (Media("image", "", data="iVBORw0KGgoAAA"), "png"),
        (Media("image", "image/png", data="/9j/AAAA"), "jpeg"),
        (Media("document", "", data="JVBERi0x"), "pdf"),
        (Media("document", "text/csv; charset=utf-8", data="AAAA"), "csv"),
        (Media("document", "application/json", text="{}"), "txt"),
        (Media("document", "text/markdown", text="#"), "md"),
        (Media("audio", "audio/mp3", data="AAAA"), "mp3"),
        (Media("audio", "audio/x-wav", data="AAAA"), "wav"),
        (Media("video", "video/quicktime", data="AAAA"), "mov"),
        (Media("video", "video/x-matroska", data="AAAA"), "mkv"),
    ],
)
def test_formats_have_bedrocks_words(media: Media, form: str) -> None:
    assert block(media)[media.kind]["format"] == form


@pytest.mark.parametrize(
    ("media", "refused"),
    [
        (Media("image", "image/tiff", data="AAAA"), f"{AT}: image/tiff"),
        (Media("image", url="https://a.example/i.png"), f"{AT}: image at a URL"),
        (Media("document", file_id="file-1"), f"{AT}: document by file id"),
        (Media("video", data="AAAA"), f"{AT}: video"),
    ],
)
def test_media_that_bedrock_cannot_have_are_refused(media: Media, refused: str) -> None:
    blocks, losses = write(media)
    assert (blocks, losses.refused) == ([], [refused])


def test_a_place_in_s3_is_one() -> None:
    found = block(Media("image", "image/png", url="s3://bucket/i.png"))
    assert found["image"]["source"] == {"s3Location": {"uri": "s3://bucket/i.png"}}


def test_a_document_says_all_that_is_known_of_it() -> None:
    media = Media("document", "text/plain", text="é", name="a.txt", context="c", citations=True)
    data = base64.b64encode("é".encode()).decode()
    assert block(media)["document"] == {
        "format": "txt",
        "source": {"bytes": data},
        "name": "a",
        "context": "c",
        "citations": {"enabled": True},
    }


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("Q3 Report (final)_v2.pdf", "Q3 Report (final) v2"),
        ("../etc/passwd", "etc passwd"),
        ("", "document"),
        ("Übersicht", "bersicht"),
        ("日本.pdf", "document"),
        ("x" * 300, "x" * 190),
    ],
)
def test_document_names_have_bedrocks_alphabet(given_name: str, name: str) -> None:
    media = Media("document", "application/pdf", data="AAAA", name=given_name)
    assert block(media)["document"]["name"] == name


def test_no_two_documents_have_one_name() -> None:
    media = [Media("document", "application/pdf", data="AAAA") for _ in range(3)]
    names = [found["document"]["name"] for found in write(*media)[0]]
    assert names == ["document", "document 2", "document 3"]


def test_how_closely_to_look_is_advice() -> None:
    _, losses = write(Media("image", "image/png", data="AAAA", detail="low"))
    assert losses.hints == [f"{AT}: detail"]


@given(st.text())
def test_every_id_becomes_one_that_bedrock_takes(given_id: str) -> None:
    assert re.fullmatch(r"[a-zA-Z0-9_.:-]{1,64}", tool_id(given_id))


def test_ids_that_bedrock_takes_stay() -> None:
    assert tool_id("call_aZ-9.x:1") == "call_aZ-9.x:1"


def test_long_ids_that_begin_alike_stay_apart() -> None:
    assert tool_id("x" * 70 + "a") != tool_id("x" * 70 + "b")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (ToolCall("c", "f", '{"a":1}'), {"a": 1}),
        (ToolCall("c", "f", " "), {}),
        (ToolCall("c", "f", '{"a":'), {"INVALID_JSON": '{"a":'}),
        (ToolCall("c", "f", "[1]"), {"INVALID_JSON": "[1]"}),
        (ToolCall("c", "f", "print(1)", custom=True), {"input": "print(1)"}),
    ],
)
def test_a_call_is_given_an_object(call: ToolCall, expected: dict[str, Any]) -> None:
    assert json.loads(bytes(tool_input(call))) == expected


def test_calls_and_results_have_one_id() -> None:
    call, result = write(ToolCall("a|b", "f", "{}"), ToolResult("a|b", [Text("x")]))[0]
    assert call["toolUse"]["toolUseId"] == result["toolResult"]["toolUseId"]


def test_a_call_has_its_tools_flat_name() -> None:
    tools = (Tool("f", namespace="a"), Tool("f", namespace="b"))
    (found,), _ = write(ToolCall("c", "f", "{}", namespace="b"), tools=tools)
    assert found["toolUse"]["name"] == "b__f"


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (ToolResult("t", [Text("a"), Text("")]), {"content": [{"text": "a"}]}),
        (ToolResult("t", []), {"content": [{"json": {}}]}),
        (
            ToolResult("t", [Text("a")], is_error=True),
            {"content": [{"text": "a"}], "status": "error"},
        ),
    ],
)
def test_results_are_never_empty(result: ToolResult, expected: dict[str, Any]) -> None:
    assert block(result)["toolResult"] == {"toolUseId": "t"} | expected


def test_sound_in_a_result_is_refused() -> None:
    _, losses = write(ToolResult("t", [Media("audio", "audio/wav", data="AAAA")]))
    assert losses.refused == [f"{AT}: audio"]


@pytest.mark.parametrize(
    ("thinking", "expected"),
    [
        (
            Thinking("t", seal(Protocol.CONVERSE, "s")),
            {"reasoningText": {"text": "t", "signature": "s"}},
        ),
        (
            Thinking("t", seal(Protocol.MESSAGES, "s")),
            {"reasoningText": {"text": "t", "signature": "s"}},
        ),
        (
            Thinking(signature=seal(Protocol.CONVERSE, "AAAA"), redacted=True),
            {"redactedContent": "AAAA"},
        ),
    ],
)
def test_thinking_comes_back_to_whom_signed_it(
    thinking: Thinking, expected: dict[str, Any]
) -> None:
    assert block(thinking) == {"reasoningContent": expected}


@pytest.mark.parametrize(
    ("thinking", "family"),
    [
        (Thinking("t"), "anthropic"),
        (Thinking("t", "raw"), "anthropic"),
        (Thinking("t", seal(Protocol.GEMINI, "s")), "anthropic"),
        (Thinking("t", seal(Protocol.MESSAGES, "s")), "nova"),
        (Thinking(signature=seal(Protocol.MESSAGES, "s"), redacted=True), "anthropic"),
    ],
)
def test_other_thinking_is_left_out(thinking: Thinking, family: str) -> None:
    blocks, losses = write(thinking, family=family)
    assert (blocks, losses.hints) == ([], ["thinking"])


def test_citations_of_documents_come_back() -> None:
    cited = Text("a", [Citation(document=0, document_start=1, document_end=2, unit="page")])
    location = {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}}
    assert block(cited) == {
        "citationsContent": {"content": [{"text": "a"}], "citations": [{"location": location}]}
    }


def test_other_citations_are_advice() -> None:
    blocks, losses = write(Text("a", [Citation(url="https://a.example")]))
    assert (blocks, losses.hints) == ([{"text": "a"}], [f"{AT}: citations"])


def test_what_only_another_protocol_knows_is_refused() -> None:
    blocks, losses = write(Native(Protocol.MESSAGES, "server_tool_use", ABSENT))
    assert (blocks, losses.refused) == ([], [f"{AT}: server_tool_use"])
