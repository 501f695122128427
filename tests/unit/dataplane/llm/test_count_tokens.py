"""Our own count of tokens."""

import base64
import struct

import msgspec
import pytest

from dataplane.llm.count_tokens import (
    MAX_IMAGE,
    PDF_PAGE,
    count_text,
    count_tokens,
)
from dataplane.llm.hub.parts import Media, Part, Text, Thinking, ToolCall, ToolResult
from dataplane.llm.hub.request import Message, OutputFormat, Request, Tool
from dataplane.runtime.protocols import Protocol

PROSE = (
    "The gateway reads a request in the client's own protocol, decides which provider serves it, "
    "and writes it in that provider's words. Nothing that the client said may get lost on the way."
)

CODE = """
    def with_model(found: Peek, model: str) -> bytes:
        '''The body with another `model`, every other byte as it came.'''
        value = _ENCODER.encode(model)
        if found.start < 0 and found.model is None:
            return _with_new_key(found.body, value)
        return value
"""


def request(*parts: Part) -> Request:
    return Request("m", False, Protocol.MESSAGES, [Message("user", list(parts))])


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        pytest.param(PROSE, 38, id="english"),
        pytest.param(CODE, 70, id="python"),
        pytest.param("今天天气很好,我们一起去公园散步吧。", 14, id="chinese"),
        pytest.param("Сегодня хорошая погода, пойдём гулять в парк.", 14, id="russian"),
    ],
)
def test_text_is_counted_to_a_third(text: str, exact: int) -> None:
    # exact: OpenAI's o200k_base
    assert count_text(text) == pytest.approx(exact, rel=0.34)


def test_empty_text_is_nothing_and_any_other_something() -> None:
    assert count_text("") == 0
    assert count_text(" ") == 1


def test_long_text_is_counted_like_its_pieces() -> None:
    assert count_text(PROSE * 5000) == pytest.approx(count_text(PROSE) * 5000, rel=0.02)


def test_half_a_character_does_not_raise() -> None:
    assert count_text("\ud83d") == 1


def test_image_counts_by_its_pixels() -> None:
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIB", 13, b"IHDR", 750, 100, 8)
    data = base64.b64encode(head).decode()
    with_image = count_tokens(request(Media("image", "image/png", data)))
    assert with_image - count_tokens(request()) == 100


@pytest.mark.parametrize(
    "media",
    [
        pytest.param(Media("image", url="https://example.com/x.png"), id="image"),
        pytest.param(Media("audio", file_id="file_1"), id="sound"),
    ],
)
def test_media_of_unknown_size_counts_as_the_largest_image(media: Media) -> None:
    assert count_tokens(request(media)) - count_tokens(request()) == MAX_IMAGE


def test_document_counts_by_pages() -> None:
    pdf = Media("document", "application/pdf", "A" * 200_000)
    assert count_tokens(request(pdf)) - count_tokens(request()) == 3 * PDF_PAGE


def test_tools_and_the_schema_of_the_answer_count() -> None:
    plain = request(Text("hi"))
    schema = msgspec.Raw(b'{"type":"object","properties":{"city":{"type":"string"}}}')
    more = request(Text("hi"))
    more.tools = [Tool("get_weather", "The weather of a city.", schema)]
    both = request(Text("hi"))
    both.tools = more.tools
    both.output = OutputFormat("json_schema", schema=schema)
    assert count_tokens(plain) < count_tokens(more) < count_tokens(both)


def test_calls_and_results_count_and_earlier_thinking_does_not() -> None:
    call = ToolCall("t1", "get_weather", '{"city":"Berlin"}')
    result = ToolResult("t1", [Text("18 degrees")])
    assert count_tokens(request(call, result)) > count_tokens(request()) + 16
    assert count_tokens(request(Thinking("a long thought"))) == count_tokens(request())
