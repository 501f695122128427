import json
from typing import Any

import pytest

from dataplane.llm.hub.answer import Finish, Usage
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
    UsageDelta,
)
from dataplane.llm.hub.parts import Refusal, Text, Thinking, ToolCall
from dataplane.llm.sse import MAX_EVENT_BYTES
from dataplane.llm.translate.chat.read_stream import StreamReader
from tests.support.deltas import check, spread

DONE = b"data: [DONE]\n\n"


def event(data: object) -> bytes:
    return b"data: %b\n\n" % json.dumps(data).encode()


def chunk(delta: dict[str, Any] | None = None, **choice: Any) -> bytes:
    return event(
        {"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta or {}} | choice]}
    )


def text(words: str) -> bytes:
    return chunk({"content": words})


def call(arguments: str = "", name: str | None = None, **rest: Any) -> bytes:
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return chunk({"tool_calls": [{"function": function} | rest]})


def stop(reason: str = "stop", **choice: Any) -> bytes:
    return chunk(finish_reason=reason, **choice)


def read(*events: bytes) -> list[Delta]:
    reader = StreamReader()
    deltas = reader.feed(b"".join(events)) + reader.finish()
    check(deltas)
    return spread(deltas)


def of(kind: type[Any], deltas: list[Delta]) -> list[Any]:
    return [delta for delta in deltas if isinstance(delta, kind)]


def test_a_text_from_begin_to_end() -> None:
    assert read(text(""), text("a"), text("b"), text("c"), stop(), DONE) == [
        Begin("c", "m"),
        PartBegin(Text("")),
        TextDelta(b'"a"'),
        TextDelta(b'"b"'),
        TextDelta(b'"c"'),
        PartEnd(),
        Finished(Finish.STOP),
        End(),
    ]


@pytest.mark.parametrize("ending", [(stop(), DONE), (stop(),), (DONE,)])
def test_either_sign_of_an_end_is_one(ending: tuple[bytes, ...]) -> None:
    assert read(text("a"), *ending)[-2:] == [Finished(Finish.STOP), End()]


def test_a_stream_without_any_has_no_end() -> None:
    assert read(text("a"))[-1] == TextDelta(b'"a"')


def test_usage_of_a_stream_that_broke_off_is_told() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    deltas = read(text("a"), event({"id": "c", "choices": [], "usage": usage}))
    assert deltas[-1] == UsageDelta(Usage(1, 2))


def test_usage_is_told_once_the_last() -> None:
    events = [
        event({"choices": [{"delta": {"content": "a"}}], "usage": {"prompt_tokens": n}})
        for n in (1, 2, 3)
    ]
    assert of(UsageDelta, read(*events, stop(), DONE)) == [UsageDelta(Usage(3))]


def test_words_after_the_reason_are_not_lost() -> None:
    deltas = read(text("a"), stop("length"), text("b"), stop(), DONE)
    assert [delta.text for delta in of(TextDelta, deltas)] == [b'"a"', b'"b"']
    assert of(Finished, deltas) == [Finished(Finish.LENGTH)]


def test_nothing_is_read_after_the_end() -> None:
    reader = StreamReader()
    reader.feed(text("a") + DONE)
    assert reader.feed(text("b")) == reader.finish() == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"index": 0, "id": "a"}, {"index": 1, "id": "b"}),
        ({"index": 0, "id": "a"}, {"index": 0, "id": "b"}),
        ({"id": "a"}, {"id": "b"}),
        ({}, {}),
    ],
)
def test_whole_calls_are_told_apart(first: dict[str, Any], second: dict[str, Any]) -> None:
    deltas = read(call("{}", "f", **first), call("[]", "g", **second), stop("tool_calls"), DONE)
    assert [delta.part.name for delta in of(PartBegin, deltas)] == ["f", "g"]
    assert [delta.text for delta in of(ArgumentsDelta, deltas)] == [b'"{}"', b'"[]"']
    ids = [delta.part.id for delta in of(PartBegin, deltas)]
    assert ids == ([first["id"], second["id"]] if "id" in first else ["call_c_0", "call_c_1"])


@pytest.mark.parametrize("rest", [{}, {"index": 0}, {"index": 0, "id": "a"}, {"id": "a"}])
def test_pieces_of_one_call_stay_together(rest: dict[str, Any]) -> None:
    deltas = read(call("", "f", index=0, id="a"), call("{", **rest), call("}", **rest), stop())
    assert len(of(PartBegin, deltas)) == 1
    assert [delta.text for delta in of(ArgumentsDelta, deltas)] == [b'"{"', b'"}"']


def test_name_that_is_repeated_begins_no_other_call() -> None:
    deltas = read(call("{", "f", index=0, id="a"), call("}", "f", index=0, id="a"), stop(), DONE)
    assert len(of(PartBegin, deltas)) == 1


def test_arguments_that_come_before_the_name_wait_for_it() -> None:
    deltas = read(call("{", index=0, id="a"), call("}", "f", index=0), stop(), DONE)
    assert of(PartBegin, deltas) == [PartBegin(ToolCall("a", "f", ""))]
    assert len(of(ArgumentsDelta, deltas)) == 2


def test_tool_calls_that_end_with_stop_are_tool_calls() -> None:
    assert of(Finished, read(call("{}", "f", index=0), stop(), DONE)) == [
        Finished(Finish.TOOL_CALLS)
    ]


def test_stop_sequence_of_vllm_is_told() -> None:
    assert of(Finished, read(text("a"), stop(stop_reason="END"), DONE)) == [
        Finished(Finish.STOP_SEQUENCE, stop_sequence="END")
    ]


def test_kinds_of_words_are_parts_of_their_own() -> None:
    deltas = read(
        chunk({"reasoning_content": "Hm."}),
        chunk({"reasoning": "So."}),
        text("Yes."),
        chunk({"refusal": "No."}),
        stop(),
    )
    assert [type(delta.part) for delta in of(PartBegin, deltas)] == [Thinking, Text, Refusal]
    assert of(Finished, deltas) == [Finished(Finish.REFUSAL)]


def test_message_that_comes_whole_is_read() -> None:
    whole = event({"id": "c", "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]})
    assert of(TextDelta, read(whole, DONE)) == [TextDelta(b'"Hi"')]


def test_one_event_that_is_no_json_is_passed_over() -> None:
    deltas = read(text("a"), b"data: {\n\n", text("b"), stop(), DONE)
    assert of(TextDelta, deltas) == [TextDelta(b'"a"'), TextDelta(b'"b"')]
    assert isinstance(deltas[-1], End)


def test_stream_that_begins_with_no_json_is_none() -> None:
    assert "is not JSON" in of(Failed, read(b"data: {\n\n", text("b"), DONE))[0].failure.message


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (b'data: {"choices":4}\n\n', "is not of a streamed chat completion"),
        (b'data: {"usage":{"prompt_tokens":"x"}}\n\n' + DONE, "is not of a streamed"),
        (b"data: " + b"x" * (MAX_EVENT_BYTES + 1) + b"\n\n", "larger"),
        (call("{", "f", index=0) + call("", "g", index=1) + call("}", index=0), "has ended"),
    ],
)
def test_what_is_no_such_stream_is_a_failure(broken: bytes, problem: str) -> None:
    deltas = read(text("a"), broken, text("b"), DONE)
    failed = of(Failed, deltas)[0]
    assert deltas[-1] == failed
    assert failed.failure.status == 502
    assert problem in failed.failure.message


def test_done_alone_is_a_failure() -> None:
    assert isinstance(read(DONE)[-1], Failed)


@pytest.mark.parametrize(
    "told",
    [
        event({"error": {"message": "m", "code": 429}}),
        b'event: error\ndata: {"message":"m","type":"rate_limit_error"}\n\n',
        chunk(finish_reason="error")[:-3] + b',"error":{"message":"m","code":429}}\n\n',
    ],
)
def test_error_that_the_provider_tells_is_a_failure(told: bytes) -> None:
    failed = of(Failed, read(text("a"), told))[0]
    assert failed.failure.status == 429


@pytest.mark.parametrize(
    "changed",
    [
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]},
        {"reasoning_content": "Hm."},
        {"content": "b", "refusal": "No."},
    ],
)
def test_words_that_follow_something_else_begin_a_part(changed: dict[str, Any]) -> None:
    deltas = read(text("a"), text("b"), chunk(changed), text("c"), text("d"), stop(), DONE)
    assert isinstance(of(PartBegin, deltas)[-1].part, Text)


def test_arguments_within_events_of_words_are_not_lost() -> None:
    early = {"content": "a", "tool_calls": [{"index": 0, "function": {"arguments": "1"}}]}
    named = {"tool_calls": [{"index": 0, "function": {"name": "f"}}]}
    deltas = read(text("x"), chunk(early), chunk(early), chunk(named), stop(), DONE)
    assert [delta.text for delta in of(ArgumentsDelta, deltas)] == [b'"1"', b'"1"']
