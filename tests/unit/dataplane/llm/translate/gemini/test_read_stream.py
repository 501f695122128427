"""Streams of Gemini providers, as they are and as they should not be."""

import json
from typing import Any

from dataplane.llm.hub.answer import Finish
from dataplane.llm.hub.delta import (
    ArgumentsDelta,
    Begin,
    CitationDelta,
    Delta,
    End,
    Failed,
    Finished,
    PartBegin,
    SignatureDelta,
    TextDelta,
    UsageDelta,
)
from dataplane.llm.hub.parts import Text, Thinking, ToolCall
from dataplane.llm.translate.gemini.read_stream import GeminiStreamReader


def chunk(*parts: dict[str, Any], finish: str = "", **more: Any) -> bytes:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return event({"candidates": [candidate], "responseId": "r1", "modelVersion": "m"} | more)


def event(told: object) -> bytes:
    return b"data: " + json.dumps(told).encode() + b"\r\n\r\n"


def read(*chunks: bytes) -> list[Delta]:
    reader = GeminiStreamReader()
    deltas = [delta for one in chunks for delta in reader.feed(one)]
    return deltas + reader.finish()


def test_text_is_handed_on_as_it_was_written() -> None:
    raw = b'{"candidates":[{"content":{"parts":[{"text":"\\u00e4\\/"}]}}]}'
    deltas = read(b"data: " + raw + b"\n\n")
    assert deltas[-1] == TextDelta(b'"\\u00e4\\/"')


def test_the_end_of_the_bytes_after_a_finish_is_the_end() -> None:
    deltas = read(chunk({"text": "a"}), chunk({"text": ""}, finish="STOP"))
    assert deltas[-2:] == [Finished(Finish.STOP), End()]


def test_without_a_finish_there_is_no_end() -> None:
    assert not any(isinstance(delta, End) for delta in read(chunk({"text": "a"})))


def test_no_bytes_are_no_stream() -> None:
    assert read(b"") == []


def test_the_last_usage_counts_once() -> None:
    deltas = read(
        chunk({"text": "a"}, usageMetadata={"promptTokenCount": 1}),
        chunk(
            finish="STOP",
            usageMetadata={"promptTokenCount": 1, "candidatesTokenCount": 2},
        ),
    )
    (usage,) = [delta.usage for delta in deltas if isinstance(delta, UsageDelta)]
    assert (usage.input, usage.output) == (1, 2)


def test_a_calls_signature_travels_in_thinking_before_it() -> None:
    deltas = read(
        chunk(
            {"functionCall": {"name": "a", "args": {}}, "thoughtSignature": "CiQB"},
            finish="STOP",
        )
    )
    begun = [delta.part for delta in deltas if isinstance(delta, PartBegin)]
    assert begun == [
        Thinking(signature="outrider.gemini.CiQB", redacted=True),
        ToolCall("call_r1_0_0", "a", ""),
    ]
    assert deltas[-2] == Finished(Finish.TOOL_CALLS)


def test_an_open_thought_takes_the_calls_signature() -> None:
    deltas = read(
        chunk({"text": "Hm", "thought": True}),
        chunk({"functionCall": {"name": "a"}, "thoughtSignature": "CiQB"}, finish="STOP"),
    )
    assert SignatureDelta("outrider.gemini.CiQB") in deltas
    assert sum(isinstance(delta, PartBegin) for delta in deltas) == 2


def test_grounding_is_told_before_the_text_ends() -> None:
    grounding = {"groundingChunks": [{"web": {"uri": "https://a.example"}}]}
    candidate = {"finishReason": "STOP", "groundingMetadata": grounding}
    deltas = read(chunk({"text": "a"}), event({"candidates": [candidate]}))
    assert [type(delta) for delta in deltas[2:4]] == [TextDelta, CitationDelta]


def test_words_after_the_finish_fail() -> None:
    deltas = read(chunk({"text": "a"}, finish="STOP"), chunk({"text": "b"}))
    assert isinstance(deltas[-1], Failed)


def test_an_empty_signed_text_after_the_finish_is_fine() -> None:
    late = chunk({"text": "", "thoughtSignature": "CiQB"})
    assert isinstance(read(chunk({"text": "a"}, finish="STOP"), late)[-1], End)


def test_what_is_no_response_fails_and_nothing_follows() -> None:
    deltas = read(b"data: [1]\n\n", chunk({"text": "a"}, finish="STOP"))
    assert [type(delta) for delta in deltas] == [Failed]


def test_an_error_within_fails_with_its_status() -> None:
    error = {"error": {"code": 429, "message": "Slow down", "status": "RESOURCE_EXHAUSTED"}}
    deltas = read(chunk({"text": "a"}), event(error))
    assert isinstance(deltas[-1], Failed)
    failure = deltas[-1].failure
    assert (failure.status, failure.type) == (429, "rate_limit")


def test_a_picture_of_many_megabytes_is_one_event() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "A" * (3 << 20)}}
    assert isinstance(read(chunk(picture, finish="STOP"))[-1], End)


def test_calls_of_an_answer_without_an_id_are_unlike_those_of_another() -> None:
    def call_id(name: str) -> str:
        candidate = {"content": {"parts": [{"functionCall": {"name": name}}]}}
        deltas = read(event({"candidates": [candidate]}))
        assert isinstance(deltas[0], Begin)
        return next(
            delta.part.id
            for delta in deltas
            if isinstance(delta, PartBegin) and isinstance(delta.part, ToolCall)
        )

    assert call_id("a") != call_id("b")


def test_text_and_thoughts_are_parts_of_their_own() -> None:
    deltas = read(chunk({"text": "Hm", "thought": True}, {"text": "a"}, {"text": "b"}))
    assert [delta.part for delta in deltas if isinstance(delta, PartBegin)] == [
        Thinking(),
        Text(""),
    ]


def test_bytes_that_are_no_utf8_do_not_crash() -> None:
    call = b'{"functionCall":{"name":"a","args":{"b":"\xff"}}}'
    deltas = read(b'data: {"candidates":[{"content":{"parts":[' + call + b"]}}]}\n\n")
    assert any(isinstance(delta, ArgumentsDelta) for delta in deltas)
