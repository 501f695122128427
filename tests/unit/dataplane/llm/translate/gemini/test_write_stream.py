"""Streams for Gemini clients."""

import json

from dataplane.llm.hub.answer import Failure, Finish
from dataplane.llm.hub.delta import (
    ArgumentsDelta,
    Begin,
    Delta,
    End,
    Failed,
    Finished,
    PartBegin,
    PartEnd,
    TextDelta,
)
from dataplane.llm.hub.parts import Text, ToolCall
from dataplane.llm.hub.request import Request
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.gemini.write_stream import GeminiStreamWriter
from dataplane.runtime.protocols import Protocol

WORDS: list[Delta] = [
    Begin("r", "m"),
    PartBegin(Text("")),
    TextDelta(b'"a"'),
    TextDelta(b'"b"'),
    PartEnd(),
    Finished(Finish.STOP),
    End(),
]


def writer() -> GeminiStreamWriter:
    request = Request("asked", True, Protocol.GEMINI, [])
    return GeminiStreamWriter(Echo(request, 0, "id"))


def test_the_last_chunk_has_words_and_the_reason() -> None:
    last = json.loads(writer().feed(WORDS).split(b"data: ")[-1])["candidates"][0]
    assert last["content"]["parts"] == [{"text": "b"}]
    assert last["finishReason"] == "STOP"


def test_words_that_wait_are_written_before_an_error() -> None:
    told = writer().feed([*WORDS[:4], Failed(Failure(500, "boom"))])
    assert b'"text":"b"' in told
    assert b'"status":"INTERNAL"' in told


def test_nothing_follows_the_end() -> None:
    made = writer()
    made.feed(WORDS)
    assert made.feed([TextDelta(b'"c"'), End()]) == b""


def test_arguments_that_are_no_object_are_kept_as_text() -> None:
    deltas: list[Delta] = [
        Begin("r", "m"),
        PartBegin(ToolCall("c1", "f", "")),
        ArgumentsDelta(b'"{\\"a\\": "'),
        PartEnd(),
        Finished(Finish.LENGTH),
        End(),
    ]
    part = json.loads(writer().feed(deltas)[6:])["candidates"][0]["content"]["parts"][0]
    assert part["functionCall"]["args"] == {"arguments": '{"a": '}
