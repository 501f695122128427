"""The events of a streamed response -> deltas."""

import json
from collections.abc import Mapping

import pytest

from dataplane.llm.hub.answer import Finish
from dataplane.llm.hub.delta import (
    ArgumentsDelta,
    Begin,
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
from dataplane.llm.hub.parts import Native, Text, Thinking, ToolCall
from dataplane.llm.translate.responses.read_stream import StreamReader

CREATED = {"type": "response.created", "response": {"id": "resp_1", "model": "m"}}
DONE = {"type": "response.completed", "response": {"status": "completed", "output": []}}
CALL = {"type": "function_call", "call_id": "c", "name": "get", "arguments": ""}


def event(kind: str, at: int = 0, **fields: object) -> dict[str, object]:
    return {"type": f"response.{kind}", "output_index": at, **fields}


def added(item: object, at: int = 0) -> dict[str, object]:
    return event("output_item.added", at, item=item)


def done(item: object, at: int = 0) -> dict[str, object]:
    return event("output_item.done", at, item=item)


def told(*events: Mapping[str, object]) -> list[Delta]:
    reader = StreamReader()
    return reader.feed(b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in events))


def inner(*events: Mapping[str, object]) -> list[Delta]:
    """What is told between the beginning and the end."""
    deltas = told(CREATED, *events, DONE)
    assert isinstance(deltas[-1], End), deltas[-1]
    return deltas[1:-2]


def problem(*events: Mapping[str, object]) -> str:
    last = told(*events)[-1]
    assert isinstance(last, Failed)
    return last.failure.message


def test_response_begins_once() -> None:
    again = {**CREATED, "type": "response.in_progress"}
    assert told(CREATED, again) == [Begin("resp_1", "m")]


def test_words_are_handed_on_as_they_were_spelt() -> None:
    data = b'{"type":"response.output_text.delta","output_index":0,"content_index":0,%b}'
    data %= b'"delta":"\\u00e9"'
    reader = StreamReader()
    for one in (CREATED, added({"type": "message"})):
        reader.feed(b"data: %b\n\n" % json.dumps(one).encode())
    assert reader.feed(b"data: %b\n\n" % data) == [PartBegin(Text("")), TextDelta(b'"\\u00e9"')]


def test_half_a_character_in_a_whole_item_is_a_replacement() -> None:
    item = {"type": "function_call", "call_id": "c", "name": "get", "arguments": "\ud83d"}
    assert ArgumentsDelta(b'"\xef\xbf\xbd"') in inner(done(item))


def test_item_that_comes_early_waits_for_the_one_before() -> None:
    first = event("output_text.delta", content_index=0, delta="One")
    deltas = inner(
        added({"type": "message"}),
        added(CALL, 1),
        event("function_call_arguments.delta", 1, delta="{}"),
        first,
        done({"type": "message", "content": [], "role": "assistant"}),
        done({**CALL, "arguments": "{}"}, 1),
    )
    assert deltas == [
        PartBegin(Text("")),
        TextDelta(b'"One"'),
        PartEnd(),
        PartBegin(ToolCall("c", "get", "")),
        ArgumentsDelta(b'"{}"'),
        PartEnd(),
    ]


def test_arguments_may_come_with_the_whole_item_only() -> None:
    deltas = inner(added(CALL), done({**CALL, "arguments": '{"a":1}'}))
    assert ArgumentsDelta(b'"{\\"a\\":1}"') in deltas


def test_output_that_nobody_streamed_is_in_the_last_event() -> None:
    words = {"type": "output_text", "text": "Hi"}
    message = {"type": "message", "role": "assistant", "content": [words]}
    last = {"type": "response.completed", "response": {"output": [message]}}
    deltas = told(CREATED, last)
    assert deltas[1:3] == [PartBegin(Text("")), TextDelta(b'"Hi"')]


def test_paragraphs_of_a_summary_are_one_thinking() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    deltas = inner(
        added(thought),
        event("reasoning_summary_text.delta", summary_index=0, delta="A"),
        event("reasoning_summary_text.done", summary_index=0, text="A"),
        event("reasoning_summary_text.done", summary_index=1, text="B"),
        done({**thought, "summary": [{"text": "A"}], "encrypted_content": "gA"}),
    )
    assert deltas == [
        PartBegin(Thinking()),
        TextDelta(b'"A"'),
        TextDelta(b'"\\n\\n"'),
        TextDelta(b'"B"'),
        SignatureDelta("outrider.responses.rs_1.gA"),
        PartEnd(),
    ]


def test_reasoning_that_tells_nothing_is_no_part() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    assert inner(added(thought), done(thought)) == []


def test_item_of_a_hosted_tool_is_kept_when_it_is_done() -> None:
    item = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    begin, end = inner(added({**item, "status": "in_progress"}), event("x.y"), done(item))
    assert isinstance(begin, PartBegin)
    assert isinstance(begin.part, Native)
    assert json.loads(bytes(begin.part.raw)) == item
    assert end == PartEnd()


def test_calls_end_a_response_for_tools() -> None:
    assert Finished(Finish.TOOL_CALLS) in told(CREATED, added(CALL), done(CALL), DONE)


def test_usage_comes_before_the_end() -> None:
    usage = {"input_tokens": 3, "output_tokens": 2}
    last = {"type": "response.completed", "response": {"output": [], "usage": usage}}
    assert any(isinstance(delta, UsageDelta) for delta in told(CREATED, last))


def test_nothing_comes_after_the_end() -> None:
    reader = StreamReader()
    for one in (CREATED, DONE):
        reader.feed(b"data: %b\n\n" % json.dumps(one).encode())
    assert reader.feed(b"data: nonsense\n\n") == []


def test_last_event_may_lack_its_empty_line() -> None:
    reader = StreamReader()
    reader.feed(b"data: %b\n\ndata: %b" % (json.dumps(CREATED).encode(), json.dumps(DONE).encode()))
    assert isinstance(reader.finish()[-1], End)


def test_cut_stream_has_no_end() -> None:
    reader = StreamReader()
    reader.feed(b"data: %b\n\n" % json.dumps(CREATED).encode())
    assert reader.finish() == []


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([added(CALL)], "an item came before the response"),
        ([CREATED, added(CALL), added(CALL)], "item 0 was added twice"),
        ([CREATED, event("output_text.delta", delta="x")], "item 0, which was not added"),
        (
            [CREATED, added(CALL), done(CALL), event("function_call_arguments.delta", delta="x")],
            "item 0, which is done",
        ),
        (
            [CREATED, added({"type": "message"}), event("output_text.delta", delta=1)],
            "a delta is no text",
        ),
        (
            [
                CREATED,
                added({"type": "message"}),
                event("function_call_arguments.delta", delta="x"),
            ],
            "arguments came without a call",
        ),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_what_cannot_be_is_a_failure(events: list[Mapping[str, object]], said: str) -> None:
    assert said in problem(*events)


def test_what_is_no_json_is_a_failure() -> None:
    (failed,) = StreamReader().feed(b"data: nonsense\n\n")
    assert isinstance(failed, Failed)
    assert failed.failure.status == 502


def test_error_within_the_stream_keeps_its_words() -> None:
    last = told(CREATED, {"type": "error", "code": "rate_limit_exceeded", "message": "Slow down."})
    failed = last[-1]
    assert isinstance(failed, Failed)
    assert (failed.failure.status, failed.failure.message) == (429, "Slow down.")


def test_item_that_ends_as_something_else_breaks_the_stream() -> None:
    message = {"type": "message", "role": "assistant", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    call = CALL | {"arguments": "{}"}
    deltas = told(CREATED, added(message), event("content_part.added", part=part), done(call))
    assert isinstance(deltas[-1], Failed)
