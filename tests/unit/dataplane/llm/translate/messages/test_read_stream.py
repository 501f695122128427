"""Events -> deltas."""

import json

import pytest

from dataplane.llm.hub.answer import Finish, Usage
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
from dataplane.llm.hub.parts import Native, Text, Thinking, ToolCall
from dataplane.llm.translate.messages.read_stream import StreamReader

START = {"type": "message_start", "message": {"id": "msg_1", "model": "c"}}
STOP = {"type": "message_stop"}


def block(index: int, **content: object) -> dict[str, object]:
    return {"type": "content_block_start", "index": index, "content_block": content}


def grow(index: int, kind: str, **more: object) -> dict[str, object]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **more}}


def done(index: int) -> dict[str, object]:
    return {"type": "content_block_stop", "index": index}


def stopped(reason: str, **usage: object) -> dict[str, object]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


def sse(*events: object) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events)


def read(*events: object) -> list[Delta]:
    reader = StreamReader()
    return reader.feed(sse(*events)) + reader.finish()


def failed(deltas: list[Delta]) -> str:
    last = deltas[-1]
    assert isinstance(last, Failed)
    return last.failure.message


def test_text_is_handed_on_as_it_was_spelt() -> None:
    deltas = read(
        START,
        block(0, type="text", text=""),
        grow(0, "text_delta", text="é\n"),
        done(0),
        stopped("end_turn", output_tokens=3),
        STOP,
    )
    assert deltas == [
        Begin("msg_1", "c"),
        PartBegin(Text("")),
        TextDelta(b'"\\u00e9\\n"'),
        PartEnd(),
        UsageDelta(Usage(output=3)),
        Finished(Finish.STOP),
        End(),
    ]


def test_tool_input_comes_in_pieces() -> None:
    deltas = read(
        START,
        block(0, type="tool_use", id="t", name="f", input={}),
        grow(0, "input_json_delta", partial_json=""),
        grow(0, "input_json_delta", partial_json='{"a":'),
        grow(0, "input_json_delta", partial_json="1}"),
        done(0),
        stopped("tool_use"),
        STOP,
    )
    assert deltas[1:5] == [
        PartBegin(ToolCall("t", "f", "")),
        ArgumentsDelta(b'"{\\"a\\":"'),
        ArgumentsDelta(b'"1}"'),
        PartEnd(),
    ]


@pytest.mark.parametrize(
    ("given", "arguments"), [({}, b'"{}"'), ({"a": 1}, b'"{\\"a\\": 1}"')], ids=["none", "whole"]
)
def test_tool_input_without_pieces_is_that_of_the_start(given: object, arguments: bytes) -> None:
    deltas = read(START, block(0, type="tool_use", id="t", name="f", input=given), done(0))
    assert deltas[2:] == [ArgumentsDelta(arguments), PartEnd()]


def test_thinking_and_its_signature_leave_sealed() -> None:
    deltas = read(
        START,
        block(0, type="thinking", thinking="", signature=""),
        grow(0, "thinking_delta", thinking="hm"),
        grow(0, "signature_delta", signature="Eq"),
        grow(0, "signature_delta", signature="QB"),
        done(0),
        block(1, type="redacted_thinking", data="D"),
        done(1),
    )
    signature = "".join(d.signature for d in deltas if isinstance(d, SignatureDelta))
    assert signature == "outrider.messages.EqQB"
    assert deltas[1:3] == [PartBegin(Thinking()), TextDelta(b'"hm"')]
    assert PartBegin(Thinking("", "outrider.messages.redacted.D", redacted=True)) in deltas


def test_citation_grows_its_text() -> None:
    cited = {"type": "char_location", "cited_text": "x", "document_index": 0}
    deltas = read(
        START, block(0, type="text", text=""), grow(0, "citations_delta", citation=cited), done(0)
    )
    (found,) = [delta for delta in deltas if isinstance(delta, CitationDelta)]
    assert (found.citation.document, found.citation.cited_text) == (0, "x")


def test_block_of_the_server_is_native_with_its_whole_input() -> None:
    deltas = read(
        START,
        block(0, type="server_tool_use", id="s", name="web_search", input={}),
        grow(0, "input_json_delta", partial_json='{"query":'),
        grow(0, "input_json_delta", partial_json='"x"}'),
        done(0),
    )
    (begun,) = [delta for delta in deltas if isinstance(delta, PartBegin)]
    assert isinstance(begun.part, Native)
    assert begun.part.kind == "server_tool_use"
    assert json.loads(bytes(begun.part.raw))["input"] == {"query": "x"}
    assert deltas[-1] == PartEnd()


def test_server_tool_whose_input_is_cut_shows_it() -> None:
    deltas = read(
        START,
        block(0, type="server_tool_use", id="s", name="web_search", input={}),
        grow(0, "input_json_delta", partial_json='{"query":'),
        done(0),
    )
    (begun,) = [delta for delta in deltas if isinstance(delta, PartBegin)]
    assert isinstance(begun.part, Native)
    assert json.loads(bytes(begun.part.raw))["input"] == {"INVALID_JSON": '{"query":'}


def test_usage_of_the_start_is_completed_by_the_end() -> None:
    start = {
        "type": "message_start",
        "message": {"usage": {"input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 1}},
    }
    deltas = read(start, stopped("end_turn", output_tokens=9, input_tokens=None), STOP)
    assert deltas[0] == Begin("", "", usage=Usage(12, 1, cache_read=7))
    assert deltas[1] == UsageDelta(Usage(12, 9, cache_read=7))


def test_stop_sequence_is_told() -> None:
    event = {
        "type": "message_delta",
        "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END"},
    }
    assert Finished(Finish.STOP_SEQUENCE, stop_sequence="END") in read(START, event, STOP)


def test_message_that_just_stops_is_finished() -> None:
    deltas = read(START, block(0, type="tool_use", id="t", name="f", input={}), STOP)
    assert deltas[-3:] == [PartEnd(), Finished(Finish.TOOL_CALLS), End()]


def test_nothing_comes_after_the_end() -> None:
    assert read(START, STOP, START, STOP)[-1] == End()
    assert sum(isinstance(delta, End) for delta in read(START, STOP, STOP)) == 1


def test_last_event_may_lack_its_empty_line() -> None:
    reader = StreamReader()
    deltas = reader.feed(sse(START, STOP).rstrip(b"\n")) + reader.finish()
    assert deltas[-1] == End()


def test_cut_stream_has_no_end() -> None:
    deltas = read(START, block(0, type="text", text=""), grow(0, "text_delta", text="Hel"))
    assert not any(isinstance(delta, End | Failed) for delta in deltas)


def test_error_event_fails_with_the_status_of_its_type() -> None:
    deltas = read(
        START, {"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}, STOP
    )
    (last,) = [delta for delta in deltas if isinstance(delta, Failed)]
    assert (last.failure.status, last.failure.message) == (529, "Busy")
    assert deltas[-1] is last


@pytest.mark.parametrize(
    ("events", "words"),
    [
        pytest.param([block(0, type="text", text="")], "before the message", id="no-start"),
        pytest.param([STOP], "did not begin", id="stop-alone"),
        pytest.param([START, START], "second message_start", id="two-starts"),
        pytest.param([START, grow(0, "text_delta", text="x")], "not open", id="late-delta"),
        pytest.param([START, done(0)], "not open", id="late-stop"),
        pytest.param(
            [START, block(0, type="text", text=""), block(1, type="text", text="")],
            "within another",
            id="nested",
        ),
        pytest.param(
            [START, block(0, type="tool_use", id="t", name="f"), grow(0, "text_delta", text="x")],
            "without a text",
            id="text-into-a-tool",
        ),
        pytest.param(
            [
                START,
                block(0, type="text", text=""),
                grow(0, "input_json_delta", partial_json="{"),
            ],
            "without a tool",
            id="input-into-a-text",
        ),
        pytest.param(
            [START, block(0, type="text", text=""), grow(0, "text_delta", text=7)],
            "without a text",
            id="text-is-a-number",
        ),
        pytest.param([START, block(0, type="text")], "`text`", id="block-without-text"),
        pytest.param([START, {"type": "content_block_start"}], "none", id="no-block"),
        pytest.param([7], "not of a streamed message", id="a-number"),
    ],
)
def test_what_breaks_the_order_fails(events: list[object], words: str) -> None:
    assert words in failed(read(*events))


def test_one_event_that_is_no_json_is_passed_over() -> None:
    reader = StreamReader()
    deltas = reader.feed(sse(START) + b"data: {oops\n\n" + sse(STOP))
    assert isinstance(deltas[0], Begin)
    assert isinstance(deltas[-1], End)


def test_stream_that_begins_with_no_json_is_none() -> None:
    assert failed(StreamReader().feed(b"data: {oops\n\n")).endswith("an event is not JSON.")


def test_half_of_a_character_does_not_break_the_stream() -> None:
    reader = StreamReader()
    deltas = reader.feed(sse(START, block(0, type="text", text="")))
    deltas += reader.feed(
        b'data: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"text_delta","text":"a\\ud83d"}}\n\n'
    )
    assert deltas[-1] == TextDelta(b'"a\\ufffd"')


def test_pings_and_events_of_the_future_are_passed_over() -> None:
    deltas = read(START, {"type": "ping"}, {"type": "some_future_event", "index": 3}, STOP)
    assert deltas == [Begin("msg_1", "c"), Finished(Finish.STOP), End()]
