import json
from typing import Any

import pytest

from dataplane.filters.api import Context, Continue, Head
from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.filters.log.filter import LogFilter
from dataplane.llm.framing import Framing
from dataplane.runtime.config import Filter
from dataplane.runtime.effects import Emit, Recalled
from dataplane.runtime.messages import Request
from dataplane.runtime.principal import Principal
from dataplane.runtime.protocols import Operation

CONTEXT = Context(Operation.CHAT, "models", "m", True, "req-1", Principal("anna", "acme"))


def log(**settings: Any) -> LogFilter:
    return LogFilter(Filter("diary", kind="log", settings=json.dumps(settings)))


def request(said: str) -> Request:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": said}]}).encode()
    return Request("POST", "/v1/chat/completions", (), body)


def written(filter_: LogFilter, asked: Request) -> Any:
    steps = filter_.on_request(asked, CONTEXT)
    effect = next(steps, None)
    if effect is None:
        return None
    assert isinstance(effect, Emit)
    assert effect.sink == "diary"
    return json.loads(effect.entry)


def piece(text: str) -> Event:
    chunk = {"choices": [{"index": 0, "delta": {"content": text}}]}
    return Event(f"data: {json.dumps(chunk)}\n\n".encode(), Form(Operation.CHAT, Framing.SSE))


def told(filter_: LogFilter, *pieces: str, complete: bool = True) -> Any:
    answer = filter_.on_answer(request("x"), CONTEXT)
    assert answer is not None
    answer.on_head(Head(200))
    for one in pieces:
        answer.on_event(piece(one))
    steps: Any = answer.on_end(complete)
    effect = next(steps)
    assert isinstance(effect, Emit)
    return json.loads(effect.entry)


def test_a_request_is_written_down_without_what_is_personal() -> None:
    entry = written(log(), request("I am anna@mail.example"))
    assert entry["body"]["messages"] == [{"role": "user", "content": "I am [EMAIL]"}]
    del entry["body"], entry["body_bytes"]
    assert entry == {
        "entry": "request",
        "filter": "diary",
        "request_id": "req-1",
        "listener": "models",
        "operation": "chat",
        "model": "m",
        "stream": True,
        "principal": "anna",
        "tenant": "acme",
    }


def test_a_request_goes_on_as_it_came() -> None:
    asked = request("anna@mail.example")
    steps = log().on_request(asked, CONTEXT)
    next(steps)
    with pytest.raises(StopIteration) as ended:
        steps.send(Recalled())
    assert ended.value.value == Continue(asked)


def test_a_long_body_is_left_out() -> None:
    entry = written(log(max_body_bytes=100), request("x" * 200))
    assert entry["truncated"] is True
    assert "body" not in entry
    assert entry["body_bytes"] > 200


def test_an_answer_is_written_down_whole_and_without_what_is_personal() -> None:
    entry = told(log(), "write to anna@ma", "il.example")
    assert (entry["entry"], entry["status"], entry["text"]) == ("answer", 200, "write to [EMAIL]")


def test_what_broke_off_says_so() -> None:
    assert told(log(), "half", complete=False)["complete"] is False


def test_a_long_answer_is_cut() -> None:
    entry = told(log(max_body_bytes=10), "123456", "7890123")
    assert (entry["text"], entry["truncated"]) == ("1234567890", True)


def test_only_what_is_wanted_is_written() -> None:
    assert written(log(entries=["answer"]), request("x")) is None
    assert log(entries=["request"]).on_answer(request("x"), CONTEXT) is None


def test_all_is_written_as_it_is_where_that_is_wanted() -> None:
    entry = written(log(redact=[]), request("anna@mail.example"))
    assert entry["body"]["messages"][0]["content"] == "anna@mail.example"
