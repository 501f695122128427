"""Deltas -> the events of a streamed response."""

import json
from typing import Any

import msgspec
import pytest

from dataplane.llm.hub.answer import Answer, Choice, Failure, Finish, Usage
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
    TextRun,
)
from dataplane.llm.hub.parts import Citation, Media, Part, Refusal, Text, Thinking, ToolCall
from dataplane.llm.hub.request import Request
from dataplane.llm.hub.whole import deltas_of
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.responses.read_request import read_request
from dataplane.llm.translate.responses.write_answer import write_answer
from dataplane.llm.translate.responses.write_stream import StreamWriter

TOOLS = [
    {"type": "custom", "name": "patch"},
    {"type": "function", "name": "get"},
    {"type": "namespace", "name": "crm", "tools": [{"type": "function", "name": "get"}]},
]
BEGIN = Begin("c1", "gpt", 5)
END: list[Delta] = [Finished(Finish.STOP), End()]


def echo(**fields: object) -> Echo:
    body = json.dumps({"model": "m", "input": "Hi", "tools": TOOLS} | fields).encode()
    request = read_request(body, "", True)
    assert isinstance(request, Request)
    return Echo(request, 7, "abc")


def events(deltas: list[Delta]) -> list[dict[str, Any]]:
    blocks = StreamWriter(echo()).feed(deltas).decode().split("\n\n")[:-1]
    return [json.loads(block.partition("\ndata: ")[2]) for block in blocks]


def kinds(deltas: list[Delta]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events(deltas)]


def output(deltas: list[Delta]) -> list[dict[str, Any]]:
    last: list[dict[str, Any]] = events(deltas)[-1]["response"]["output"]
    return last


def call(name: str, *pieces: bytes, custom: bool = False) -> list[Delta]:
    words: list[Delta] = [ArgumentsDelta(piece) for piece in pieces]
    return [BEGIN, PartBegin(ToolCall("id", name, "", custom=custom)), *words, PartEnd(), *END]


def test_events_are_numbered_without_a_gap_however_many_come_at_once() -> None:
    runs: list[Delta] = [TextRun([b'"a"'] * many) for many in (3, 1000, 40, 500)]
    told = events([BEGIN, PartBegin(Text("")), *runs, PartEnd(), *END])
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    assert told[-1]["response"]["output"][0]["content"][0]["text"] == "a" * 1543


def test_text_has_every_event_in_order() -> None:
    deltas = [BEGIN, PartBegin(Text("")), TextDelta(b'"a"'), TextDelta(b'"b"'), PartEnd(), *END]
    assert kinds(deltas) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]


def test_events_are_numbered() -> None:
    numbers = [event["sequence_number"] for event in events(call("get", b'"{"', b'"}"'))]
    assert numbers == list(range(len(numbers)))


def test_member_of_a_namespace_is_called_by_its_own_name() -> None:
    (item,) = output(call("crm__get", b'"{}"'))
    assert (item["name"], item["namespace"]) == ("get", "crm")


def test_plain_function_has_no_namespace() -> None:
    (item,) = output(call("get", b'"{}"'))
    assert "namespace" not in item


def test_call_without_arguments_has_an_empty_object() -> None:
    told = events(call("get"))
    assert [event["delta"] for event in told if event["type"].endswith("delta")] == ["{}"]


def test_custom_tool_that_went_as_a_function_comes_back_as_custom() -> None:
    told = events(call("patch", b'"{\\"input\\":"', b'"\\"*** \\\\n\\"}"'))
    assert [event["type"].removeprefix("response.") for event in told[2:-1]] == [
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
    ]
    assert told[-1]["response"]["output"] == [
        {
            "id": "ctc_abc_0",
            "type": "custom_tool_call",
            "call_id": "id",
            "input": "*** \n",
            "name": "patch",
        }
    ]


def test_custom_call_of_the_provider_is_streamed_as_it_comes() -> None:
    told = events(call("patch", b'"ls "', b'"-l"', custom=True))
    assert [event["delta"] for event in told if event["type"].endswith("delta")] == ["ls ", "-l"]


def test_signature_of_a_call_is_an_item_before_it() -> None:
    begin = PartBegin(ToolCall("id", "get", "", signature="outrider.chat.s"))
    deltas: list[Delta] = [BEGIN, begin, ArgumentsDelta(b'"{}"'), PartEnd(), *END]
    assert [item["type"] for item in output(deltas)] == ["reasoning", "function_call"]


def test_signature_of_words_is_told_when_they_are_the_last() -> None:
    words: list[Delta] = [BEGIN, PartBegin(Text("")), TextDelta(b'"a"'), SignatureDelta("s")]
    assert [item["type"] for item in output([*words, PartEnd(), *END])] == ["message", "reasoning"]
    more = [*words, PartEnd(), *call("get", b'"{}"')[1:]]
    assert [item["type"] for item in output(more)] == ["message", "function_call"]


def test_message_that_was_cut_short_is_incomplete() -> None:
    deltas: list[Delta] = [
        BEGIN,
        PartBegin(Text("")),
        TextDelta(b'"a"'),
        PartEnd(),
        Finished(Finish.LENGTH),
    ]
    last = events([*deltas, End()])[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert last["response"]["output"][0]["status"] == "incomplete"


def test_failure_is_the_last_event_and_keeps_what_was_done() -> None:
    deltas: list[Delta] = [*call("get", b'"{}"')[:-2], Failed(Failure(429, "Slow down."))]
    writer = StreamWriter(echo())
    text = writer.feed(deltas).decode()
    assert writer.feed([PartBegin(Text("")), TextDelta(b'"x"'), *END]) == b""
    last = json.loads(text.split("data: ")[-1])
    assert last["type"] == "response.failed"
    assert last["response"]["error"] == {"code": "rate_limit_exceeded", "message": "Slow down."}
    assert len(last["response"]["output"]) == 1


def test_second_choice_is_not_mixed_into_the_first() -> None:
    deltas: list[Delta] = [BEGIN, PartBegin(Text("")), PartBegin(Text(""), 1), TextDelta(b'"x"', 1)]
    assert output([*deltas, PartEnd(1), PartEnd(), *END]) == []


def test_text_that_stays_empty_is_no_item() -> None:
    assert output([BEGIN, PartBegin(Text("")), TextDelta(b'""'), PartEnd(), *END]) == []


def test_request_is_repeated() -> None:
    told = StreamWriter(echo(instructions="Be brief.", temperature=0.2)).feed([BEGIN]).decode()
    response = json.loads(told.split("\n\n")[0].partition("\ndata: ")[2])["response"]
    assert (response["instructions"], response["temperature"]) == ("Be brief.", 0.2)
    assert response["tools"][1] == {
        "type": "function",
        "description": None,
        "parameters": None,
        "strict": True,
        "name": "get",
    }


ANSWERS: dict[str, list[Part]] = {
    "text": [Text("Hi")],
    "cited": [Text("Hi", [Citation("https://a", "A")]), Text("There", [Citation(document=1)])],
    "thinking": [Thinking("Hm", "s"), Thinking("", "r", redacted=True), Thinking("", "o")],
    "tools": [Text("Look"), ToolCall("1", "get", "{}"), ToolCall("2", "crm__get", "")],
    "custom": [ToolCall("1", "patch", '{"input":"x"}'), ToolCall("2", "patch", "y", custom=True)],
    "refusal": [Refusal("No.")],
    "signed": [Text("Hi", signature="g"), ToolCall("1", "get", "{}", signature="g")],
    "signed words": [Text("Hi", signature="g")],
    "image": [Text("See"), Media("image", "image/png", "aGk="), Text("Nice")],
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("finish", [Finish.STOP, Finish.LENGTH, Finish.REFUSAL, Finish.ERROR])
def test_stream_ends_with_what_an_answer_in_one_piece_is(name: str, finish: Finish) -> None:
    answer = Answer("c1", "gpt", [Choice(ANSWERS[name], finish)], Usage(3, 2), 5)
    body = write_answer(answer, echo())
    told = StreamWriter(echo()).feed(deltas_of(answer)).decode()
    last = told.split("\n\n")[-2].partition("\ndata: ")[2]
    assert json.loads(last)["response"] == msgspec.json.decode(body)
