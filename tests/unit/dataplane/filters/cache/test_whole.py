import json
from typing import Any

import pytest

from dataplane.filters.cache.whole import Worth, worth_of
from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.llm.framing import Framing
from dataplane.runtime.protocols import Operation
from tests.support.agents import events


def whole(operation: Operation, body: Any) -> list[Event]:
    return [Event(json.dumps(body).encode(), Form(operation, Framing.WHOLE))]


def chat(finish: str) -> Any:
    choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": finish}
    return {"id": "1", "model": "m", "choices": [choice]}


def messages(reason: str) -> Any:
    content = [{"type": "text", "text": "x"}]
    usage = {"input_tokens": 1, "output_tokens": 1}
    return {"type": "message", "id": "1", "role": "assistant", "model": "m", "content": content,
            "stop_reason": reason, "usage": usage}  # fmt: skip


def streamed(*raw: bytes) -> list[Event]:
    return [Event(one, Form(Operation.CHAT, Framing.SSE)) for one in raw]


GOOD = {
    "chat": whole(Operation.CHAT, chat("stop")),
    "a call": whole(Operation.CHAT, chat("tool_calls")),
    "messages": whole(Operation.MESSAGES, messages("end_turn")),
    "a stream": streamed(*events(["a", "b"])),
    "embeddings": whole(Operation.EMBEDDINGS, {"data": [{"embedding": [0.1]}]}),
}
BAD = {
    "nothing": [],
    "one cut by length": whole(Operation.CHAT, chat("length")),
    "one that was withheld": whole(Operation.CHAT, chat("content_filter")),
    "messages cut by length": whole(Operation.MESSAGES, messages("max_tokens")),
    "no choices": whole(Operation.CHAT, {"id": "1", "model": "m", "choices": []}),
    "an error with 200": whole(Operation.CHAT, {"error": {"message": "x"}}),
    "no JSON": [Event(b"<html>", Form(Operation.CHAT, Framing.WHOLE))],
    "a stream without its end": streamed(*events(["a", "b"])[:2]),
    "a stream with an error": streamed(events(["a"])[0], b'data: {"error":{"message":"x"}}\n\n'),
    "no embeddings": whole(Operation.EMBEDDINGS, {"data": []}),
}


@pytest.mark.parametrize("said", GOOD.values(), ids=GOOD.keys())
def test_a_finished_answer_is_kept(said: list[Event]) -> None:
    assert worth_of(said[0].form.operation, said) is not Worth.NOBODY


def test_who_asks_nearly_the_same_gets_words_and_no_calls() -> None:
    assert worth_of(Operation.CHAT, GOOD["a stream"]) is Worth.ALIKE
    assert worth_of(Operation.CHAT, GOOD["a call"]) is Worth.SAME
    assert worth_of(Operation.EMBEDDINGS, GOOD["embeddings"]) is Worth.SAME


@pytest.mark.parametrize("said", BAD.values(), ids=BAD.keys())
def test_any_other_is_not(said: list[Event]) -> None:
    operation = said[0].form.operation if said else Operation.CHAT
    assert worth_of(operation, said) is Worth.NOBODY
