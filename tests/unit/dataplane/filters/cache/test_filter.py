import json
from typing import Any

import pytest

from dataplane.filters.api import AnswerFilter, Context, Continue, Head
from dataplane.filters.cache.filter import CacheFilter
from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.llm.framing import Framing
from dataplane.runtime.config import Filter
from dataplane.runtime.effects import Keep, LookUp, Recalled
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import Operation
from tests.support.agents import completion, events

BODY = {"model": "m", "messages": [{"role": "user", "content": "u"}]}
KEPT = CacheFilter(Filter("kept", kind="cache"))


def request(**header: str) -> Request:
    headers = tuple((name.replace("_", "-"), value) for name, value in header.items())
    return Request("POST", "/v1/chat/completions", headers, json.dumps(BODY).encode())


def looked_up(asked: Request, context: Context, found: bytes | None) -> Any:
    """What the filter says when its cache has this; None when it does not look."""
    steps = KEPT.on_request(asked, context)
    try:
        effect = next(steps)
    except StopIteration as end:
        return end.value
    assert isinstance(effect, LookUp)
    with pytest.raises(StopIteration) as ended:
        steps.send(Recalled(found))
    return ended.value.value


def kept(answer: AnswerFilter, said: list[Event], complete: bool = True) -> Keep | None:
    """What is put into the cache of an answer."""
    answer.on_head(Head(200, (("content-type", "text/event-stream"),)))
    for one in said:
        assert answer.on_event(one) is one
    steps: Any = answer.on_end(complete)
    effect = next(steps, None)
    assert effect is None or isinstance(effect, Keep)
    return effect


STREAM = [Event(raw, Form(Operation.CHAT, Framing.SSE)) for raw in events(["a", "b"])]


def missed() -> AnswerFilter:
    context = Context(Operation.CHAT)
    asked = request()
    assert looked_up(asked, context, None) == Continue(asked)
    answer = KEPT.on_answer(asked, context)
    assert answer is not None
    return answer


def test_what_was_answered_is_answered_again_byte_for_byte() -> None:
    effect = kept(missed(), STREAM)
    assert effect is not None
    assert effect.ttl_s == 3600.0
    context = Context(Operation.CHAT)
    reply = looked_up(request(), context, effect.value)
    assert isinstance(reply, LocalReply)
    assert (reply.status, reply.detail) == (200, ResponseDetail.CACHE_HIT)
    assert reply.body == b"".join(one.raw for one in STREAM)
    assert dict(reply.headers) == {"content-type": "text/event-stream", "x-outrider-cache": "hit"}
    assert KEPT.on_answer(request(), context) is None


def test_a_miss_is_told() -> None:
    head = missed().on_head(Head(200))
    assert isinstance(head, Head)
    assert head.header("x-outrider-cache") == "miss"


def test_what_broke_off_is_not_kept() -> None:
    assert kept(missed(), STREAM, complete=False) is None
    assert kept(missed(), STREAM[:2]) is None


def test_an_error_is_not_kept() -> None:
    answer = missed()
    whole = Event(json.dumps(completion("x")).encode(), Form(Operation.CHAT, Framing.WHOLE))
    answer.on_head(Head(500))
    answer.on_event(whole)
    steps: Any = answer.on_end(complete=True)
    assert list(steps) == []


def test_a_long_answer_is_not_kept() -> None:
    small = CacheFilter(Filter("kept", kind="cache", settings='{"max_entry_bytes":1024}'))
    context = Context(Operation.CHAT)
    asked = request()
    steps: Any = small.on_request(asked, context)
    next(steps)
    with pytest.raises(StopIteration):
        steps.send(Recalled(None))
    answer = small.on_answer(request(), context)
    assert answer is not None
    assert kept(answer, STREAM * 9) is None


def test_a_client_may_want_a_new_answer_or_none_kept() -> None:
    context = Context(Operation.CHAT)
    asked = request(cache_control="no-cache")
    assert looked_up(asked, context, b"never asked") == Continue(asked)
    assert KEPT.on_answer(asked, context) is not None
    context = Context(Operation.CHAT)
    asked = request(cache_control="private, no-store")
    assert looked_up(asked, context, b"never asked") == Continue(asked)
    assert KEPT.on_answer(asked, context) is None


def test_what_somebody_else_has_put_there_is_nothing() -> None:
    asked = request()
    assert looked_up(asked, Context(Operation.CHAT), b"\xc1 strange") == Continue(asked)


def test_other_operations_pass() -> None:
    asked = request()
    assert looked_up(asked, Context(Operation.COUNT_TOKENS), b"never asked") == Continue(asked)
