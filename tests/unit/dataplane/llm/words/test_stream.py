import json
from typing import Any

import pytest

from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.llm.framing import Framing
from dataplane.llm.words.replacing import Replacements, Replacing
from dataplane.llm.words.stream import WordsStream
from dataplane.runtime.protocols import Operation

NAMES = Replacements({"[A_1]": "anna", "[Q]": '"'})


def stream() -> WordsStream[Event]:
    return WordsStream(lambda is_json: Replacing(NAMES, is_json), NAMES.apply)


def event(data: Any, operation: Operation = Operation.CHAT) -> Event:
    said = data if isinstance(data, bytes) else json.dumps(data).encode()
    return Event(b"data: " + said + b"\n\n", Form(operation, Framing.SSE))


def passed(operation: Operation, *said: Any) -> list[Any]:
    words = stream()
    out: list[Event] = []
    for one in said:
        out += words.feed(event(one, operation))
    out += words.finish()
    found = [one.rewritten() for one in out]
    return [one.data if one.data == b"[DONE]" else one.json for one in found]


def chat(text: str | None = None, at: int = 0, finish: str | None = None) -> Any:
    delta = {} if text is None else {"content": text}
    return {"choices": [{"index": at, "delta": delta, "finish_reason": finish}]}


def test_words_over_several_events_are_changed() -> None:
    said = (chat("hi ["), chat("A_1"), chat("]!"), chat(finish="stop"), b"[DONE]")
    out = passed(Operation.CHAT, *said)
    assert out == [chat("hi "), chat(""), chat("anna!"), chat(finish="stop"), b"[DONE]"]


def test_what_is_held_at_the_end_is_put_into_the_last_piece() -> None:
    out = passed(Operation.CHAT, chat("see ["), chat(finish="stop"))
    assert out == [chat("see ["), chat(finish="stop")]


def test_a_stream_without_its_end_loses_nothing() -> None:
    assert passed(Operation.CHAT, chat("see [")) == [chat("see [")]


def test_events_keep_their_order_behind_a_held_one() -> None:
    words = stream()
    assert words.feed(event(chat("["))) == []
    assert words.feed(event(chat("b", at=1))) == []
    out = [one.rewritten().json for one in words.feed(event(chat("x")))]
    assert out == [chat(""), chat("b", at=1), chat("[x")]


def test_another_text_of_the_choice_ends_the_one_before() -> None:
    call = {"tool_calls": [{"index": 0, "function": {"arguments": '{"n":"[Q]"}'}}]}
    out = passed(Operation.CHAT, chat("see ["), {"choices": [{"index": 0, "delta": call}]})
    assert out[0] == chat("see [")
    calls = out[1]["choices"][0]["delta"]["tool_calls"]
    assert calls[0]["function"]["arguments"] == '{"n":"\\""}'


def test_messages_are_changed() -> None:
    def delta(text: str) -> Any:
        inner = {"type": "text_delta", "text": text}
        return {"type": "content_block_delta", "index": 0, "delta": inner}

    stop = {"type": "content_block_stop", "index": 0}
    out = passed(Operation.MESSAGES, delta("[A_"), delta("1] ["), stop, {"type": "message_stop"})
    assert out == [delta(""), delta("anna ["), stop, {"type": "message_stop"}]


def test_responses_are_changed_in_pieces_and_where_they_are_repeated() -> None:
    def delta(text: str) -> Any:
        where = {"output_index": 0, "content_index": 0}
        return {"type": "response.output_text.delta", "delta": text, **where}

    def done(text: str) -> Any:
        item = {"type": "message", "content": [{"type": "output_text", "text": text}]}
        return [
            {"type": "response.output_text.done", "output_index": 0, "text": text},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": {"id": "r", "output": [item]}},
        ]

    out = passed(Operation.RESPONSES, delta("[A"), delta("_1]"), *done("[A_1]"))
    assert out == [delta(""), delta("anna"), *done("anna")]


def test_gemini_is_changed() -> None:
    def said(part: Any, finish: str | None = None) -> Any:
        ends = {"finishReason": finish} if finish else {}
        return {"candidates": [{"content": {"parts": [part]}, **ends}]}

    def call(name: str) -> Any:
        return {"functionCall": {"name": "f", "args": {"n": name}}}

    out = passed(
        Operation.GENERATE_CONTENT,
        *(said({"text": "[A"}), said({"text": "_1] ["}), said(call("[A_1]"))),
        said({"text": "x["}, "STOP"),
    )
    assert out == [
        *(said({"text": ""}), said({"text": "anna ["}), said(call("anna"))),
        said({"text": "x["}, "STOP"),
    ]


def test_converse_is_changed() -> None:
    def delta(text: str) -> Any:
        return {"contentBlockIndex": 0, "delta": {"text": text}}

    stop, end = {"contentBlockIndex": 0}, {"stopReason": "end_turn"}
    out = passed(Operation.CONVERSE, delta("[A"), delta("_1]["), stop, end)
    assert out == [delta(""), delta("anna["), stop, end]


def test_a_whole_answer_is_changed_at_once() -> None:
    body = json.dumps({"choices": [{"index": 0, "message": {"content": "[A_1] ["}}]}).encode()
    (out,) = stream().feed(Event(body, Form(Operation.CHAT, Framing.WHOLE)))
    assert out.rewritten().text == "anna ["


@pytest.mark.parametrize("operation", Operation)
@pytest.mark.parametrize("data", [b"x", b"[]", b'{"choices":7,"type":7,"delta":[]}'])
def test_what_is_strange_passes_as_it_is(operation: Operation, data: bytes) -> None:
    out = stream().feed(event(data, operation))
    assert [one.rewritten().data for one in out] == [data]
