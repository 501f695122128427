"""Deltas -> events."""

import json
from typing import Any

import pytest

from dataplane.llm.hub.answer import Failure, Finish, Usage
from dataplane.llm.hub.delta import (
    ArgumentsDelta,
    Begin,
    CitationDelta,
    Delta,
    End,
    Failed,
    Finished,
    PartBegin,
    PartEnd,
    SignatureDelta,
    TextDelta,
    UsageDelta,
)
from dataplane.llm.hub.parts import Citation, Media, Refusal, Text, Thinking, ToolCall
from dataplane.llm.hub.request import Request
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.messages.write_stream import StreamWriter
from dataplane.runtime.protocols import Protocol

BEGIN = Begin("chatcmpl-1", "gpt")


def writer() -> StreamWriter:
    request = Request("alias", True, Protocol.MESSAGES, [])
    return StreamWriter(Echo(request, 1700000000, "0a1b"))


def events(*deltas: Delta) -> list[dict[str, Any]]:
    out = writer().feed(list(deltas)).decode()
    found = []
    for event in out.split("\n\n")[:-1]:
        name, data = event.split("\n")
        body = json.loads(data.removeprefix("data: "))
        assert name == f"event: {body['type']}"
        found.append(body)
    return found


def blocks(*deltas: Delta) -> list[dict[str, Any]]:
    """What stands between the start and the end."""
    return events(BEGIN, *deltas, Finished(Finish.STOP), End())[1:-2]


def test_order_is_start_blocks_delta_stop() -> None:
    found = events(
        BEGIN,
        PartBegin(Text("")),
        TextDelta(b'"a"'),
        PartEnd(),
        PartBegin(Text("")),
        TextDelta(b'"b"'),
        PartEnd(),
        UsageDelta(Usage(9, 4, cache_read=3)),
        Finished(Finish.STOP),
        End(),
    )
    assert [(event["type"], event.get("index")) for event in found] == [
        ("message_start", None),
        ("content_block_start", 0),
        ("content_block_delta", 0),
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_delta", 1),
        ("content_block_stop", 1),
        ("message_delta", None),
        ("message_stop", None),
    ]


def test_usage_is_zero_at_the_start_and_true_at_the_end() -> None:
    found = events(BEGIN, UsageDelta(Usage(9, 4, cache_read=3)), Finished(Finish.STOP), End())
    start, end = found[0]["message"]["usage"], found[1]["usage"]
    assert (start["input_tokens"], start["output_tokens"]) == (0, 0)
    assert (end["input_tokens"], end["cache_read_input_tokens"], end["output_tokens"]) == (6, 3, 4)


def test_id_is_the_apis_own() -> None:
    assert events(BEGIN)[0]["message"]["id"] == "msg_0a1b"
    assert events(Begin("msg_9", "c"))[0]["message"]["id"] == "msg_9"


def test_words_are_not_spelt_anew() -> None:
    out = writer().feed([BEGIN, PartBegin(Text("")), TextDelta(b'"\\u00e9\\/"')])
    assert b'"text":"\\u00e9\\/"}' in out


def test_text_that_stays_empty_is_no_block() -> None:
    assert blocks(PartBegin(Text("")), TextDelta(b'""'), PartEnd()) == []


def test_thinking_is_signed_at_its_end() -> None:
    found = blocks(
        PartBegin(Thinking()), TextDelta(b'"hm"'), SignatureDelta("outrider.chat.S"), PartEnd()
    )
    assert found[0]["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}
    assert [event.get("delta", {}).get("type") for event in found] == [
        None,
        "thinking_delta",
        "signature_delta",
        None,
    ]


@pytest.mark.parametrize(
    "deltas",
    [
        pytest.param([PartBegin(Thinking("", "D", redacted=True))], id="at-once"),
        pytest.param([PartBegin(Thinking(redacted=True)), SignatureDelta("D")], id="in-a-delta"),
    ],
)
def test_encrypted_thinking_is_redacted(deltas: list[Delta]) -> None:
    start, _ = blocks(*deltas, PartEnd())
    assert start["content_block"] == {"type": "redacted_thinking", "data": "D"}


def test_tool_input_is_handed_on() -> None:
    found = blocks(PartBegin(ToolCall("t", "f", "")), ArgumentsDelta(b'"{\\"a\\":1}"'), PartEnd())
    assert found[0]["content_block"]["input"] == {}
    assert found[1]["delta"] == {"type": "input_json_delta", "partial_json": '{"a":1}'}


def test_free_text_of_a_custom_tool_is_wrapped() -> None:
    found = blocks(
        PartBegin(ToolCall("t", "f", "", custom=True)),
        ArgumentsDelta(b'"a\\n"'),
        ArgumentsDelta(b'"b"'),
        PartEnd(),
    )
    assert json.loads(found[1]["delta"]["partial_json"]) == {"input": "a\nb"}


def test_citation_begins_its_text() -> None:
    found = blocks(PartBegin(Text("")), CitationDelta(Citation(url="https://e.com")), PartEnd())
    assert found[1]["delta"]["citation"]["url"] == "https://e.com"


def test_image_is_named_in_words() -> None:
    (start, _) = blocks(PartBegin(Media("image", "image/png", "iVBO")), PartEnd())
    assert "image/png" in start["content_block"]["text"]


def test_refusal_is_a_text_and_the_reason() -> None:
    found = events(
        BEGIN, PartBegin(Refusal("")), TextDelta(b'"No."'), PartEnd(), Finished(Finish.STOP), End()
    )
    assert found[2]["delta"]["text"] == "No."
    assert found[-2]["delta"]["stop_reason"] == "refusal"


def test_calls_are_the_reason_even_where_the_provider_says_stop() -> None:
    found = events(
        BEGIN, PartBegin(ToolCall("t", "f", "")), PartEnd(), Finished(Finish.STOP), End()
    )
    assert found[-2]["delta"]["stop_reason"] == "tool_use"


def test_other_choices_are_not_told() -> None:
    found = blocks(PartBegin(Text(""), choice=1), TextDelta(b'"x"', choice=1), PartEnd(choice=1))
    assert found == []


def test_failure_is_an_error_event_and_nothing_after_it() -> None:
    found = events(
        BEGIN,
        PartBegin(Text("")),
        Failed(Failure(529, "Busy")),
        TextDelta(b'"x"'),
        Finished(Finish.STOP),
        End(),
    )
    assert [event["type"] for event in found] == ["message_start", "error"]
    assert found[1]["error"] == {"type": "overloaded_error", "message": "Busy"}


def test_nothing_is_written_after_the_end() -> None:
    stream = writer()
    stream.feed([BEGIN, Finished(Finish.STOP), End()])
    assert stream.feed([PartBegin(Text("")), TextDelta(b'"x"'), End()]) == b""
