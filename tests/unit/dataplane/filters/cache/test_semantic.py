"""The semantic mode of a cache filter, played against a cache that is told what to say."""

import json
from typing import Any

from dataplane.filters.api import Context, Continue, Head
from dataplane.filters.cache.filter import CacheFilter
from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.llm.framing import Framing
from dataplane.runtime.config import Filter
from dataplane.runtime.effects import (
    Alike,
    Embed,
    Embedded,
    FindAlike,
    FoundAlike,
    Keep,
    LookUp,
    Meaning,
    Recalled,
    Reply,
)
from dataplane.runtime.messages import LocalReply, Request
from dataplane.runtime.protocols import Operation
from tests.support.agents import completion, events

FILTER = CacheFilter(Filter("kept", kind="cache", settings='{"mode":"semantic","threshold":0.9}'))
VECTOR = (1.0, 0.0)
BLOB = b"\x92\xb0application/json\xc4\x02{}"
"""What is kept of an answer: its content type and its body, as msgpack."""


def request(said: str = "Capital of France?", **headers: str) -> Request:
    body = {"model": "m", "messages": [{"role": "user", "content": said}]}
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Request("POST", "/v1/chat/completions", pairs, json.dumps(body).encode())


def played(asked: Request, context: Context, *replies: Reply) -> tuple[list[Any], Any]:
    """What the filter asks for, and what it says in the end."""
    steps: Any = FILTER.on_request(asked, context)
    asks: list[Any] = []
    for reply in (None, *replies):
        try:
            asks.append(steps.send(reply))
        except StopIteration as end:
            return asks, end.value
    raise AssertionError(f"it asks for more: {asks[-1]}")


MISS, MEANT = Recalled(None), Embedded(VECTOR)


def test_the_same_request_needs_no_encoder() -> None:
    asks, verdict = played(request(), Context(), Recalled(BLOB))
    assert [type(ask) for ask in asks] == [LookUp]
    assert isinstance(verdict, LocalReply)
    assert ("x-outrider-cache", "hit") in verdict.headers


def test_a_question_in_other_words_gets_the_answer() -> None:
    near = FoundAlike((Alike("What is the capital of France?", "key", 0.9412),))
    asks, verdict = played(request(), Context(), MISS, MEANT, near, Recalled(BLOB))
    assert asks[1] == Embed("Capital of France?")
    assert isinstance(asks[2], FindAlike)
    assert (asks[2].vector, asks[2].at_least) == (VECTOR, 0.9)
    assert asks[3] == LookUp("kept", "key", 0.9412)
    assert isinstance(verdict, LocalReply)
    assert verdict.body == b"{}"
    assert ("x-outrider-cache", "hit;similarity=0.941") in verdict.headers


def test_what_is_near_but_asks_something_else_is_not_looked_up() -> None:
    near = FoundAlike((Alike("Capital of Spain?", "key", 0.99),))
    _, verdict = played(request(), Context(), MISS, MEANT, near)
    assert verdict == Continue(request())


def test_the_next_one_is_tried_where_an_answer_is_gone() -> None:
    both = (Alike("The capital of France", "gone", 0.97), Alike("capital of France", "key", 0.95))
    asks, verdict = played(
        request(), Context(), MISS, MEANT, FoundAlike(both), MISS, Recalled(BLOB)
    )
    assert [ask.key for ask in asks[3:]] == ["gone", "key"]
    assert isinstance(verdict, LocalReply)


def test_groups_are_of_one_tenant_and_of_one_conversation() -> None:
    def group(asked: Request) -> str:
        found: str = played(asked, Context(), MISS, MEANT, FoundAlike())[0][2].group
        return found

    assert group(request("Hello")) == group(request("Goodbye"))
    assert group(request("Hello", authorization="Bearer a")) != group(
        request("Hello", authorization="Bearer b")
    )


def kept(context: Context, said: list[bytes], framing: Framing = Framing.SSE) -> list[Any]:
    answer = FILTER.on_answer(request(), context)
    assert answer is not None
    answer.on_head(Head(200, (("content-type", "text/event-stream"),)))
    for one in said:
        answer.on_event(Event(one, Form(Operation.CHAT, framing)))
    steps: Any = answer.on_end(complete=True)
    return list(steps)


def test_an_answer_is_kept_with_what_was_asked() -> None:
    context = Context()
    asks, _ = played(request(), context, MISS, MEANT, FoundAlike())
    (keep,) = kept(context, events(["Paris", "."]))
    assert isinstance(keep, Keep)
    assert keep.meaning == Meaning(asks[2].group, VECTOR, "Capital of France?")


def test_a_call_of_a_tool_is_kept_for_the_same_request_only() -> None:
    context = Context()
    played(request(), context, MISS, MEANT, FoundAlike())
    body = completion("Paris")
    body["choices"][0]["finish_reason"] = "tool_calls"
    (keep,) = kept(context, [json.dumps(body).encode()], Framing.WHOLE)
    assert keep.meaning is None


def test_without_an_encoder_it_is_exact() -> None:
    context = Context()
    _, verdict = played(request(), context, MISS, Embedded(None))
    assert verdict == Continue(request())
    (keep,) = kept(context, events(["Paris", "."]))
    assert keep.meaning is None


def test_who_wants_a_new_answer_is_not_looked_up_but_kept() -> None:
    context = Context()
    asks, verdict = played(request(cache_control="no-cache"), context, MEANT)
    assert [type(ask) for ask in asks] == [Embed]
    assert isinstance(verdict, Continue)
    (keep,) = kept(context, events(["Paris", "."]))
    assert keep.meaning is not None
