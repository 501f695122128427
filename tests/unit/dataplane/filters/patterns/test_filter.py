import json
import time
from typing import Any

import pytest

from dataplane.filters.api import AnswerFilter, Context, Continue, Cut, Head
from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.filters.patterns.filter import PatternsFilter
from dataplane.llm.framing import Framing
from dataplane.runtime.config import Filter
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import Operation

DENY = [{"name": "project", "pattern": r"project \w+", "ignore_case": True, "replacement": "***"}]


def patterns(**settings: Any) -> PatternsFilter:
    return PatternsFilter(Filter("words", kind="patterns", settings=json.dumps(settings)))


def request(*said: str) -> Request:
    messages = [{"role": "user", "content": text} for text in said]
    body = json.dumps({"model": "m", "messages": messages}).encode()
    return Request("POST", "/v1/chat/completions", (), body)


def piece(text: str) -> Event:
    chunk = {"choices": [{"index": 0, "delta": {"content": text}}]}
    return Event(f"data: {json.dumps(chunk)}\n\n".encode(), Form(Operation.CHAT, Framing.SSE))


def opened(filter_: PatternsFilter) -> AnswerFilter:
    answer = filter_.on_answer(request(), Context(Operation.CHAT))
    assert answer is not None
    return answer


def shown(passed: object) -> str:
    assert isinstance(passed, list)
    return "".join(one.text for one in passed)


def test_a_denied_word_is_refused_by_name() -> None:
    refused = patterns(deny=DENY).on_request(request("on Project Apollo"), Context(Operation.CHAT))
    assert isinstance(refused, LocalReply)
    assert (refused.status, refused.detail) == (400, ResponseDetail.FILTER_REFUSED)
    assert refused.message == "Filter 'words' refused the request: it has project in it."


def test_the_operator_says_what_a_refused_client_is_told() -> None:
    filter_ = patterns(deny=DENY, message="Not here.")
    refused = filter_.on_request(request("project x"), Context(Operation.CHAT))
    assert isinstance(refused, LocalReply)
    assert refused.message == "Not here."


def test_redacted_words_are_replaced() -> None:
    filter_ = patterns(deny=DENY, requests="redact")
    verdict = filter_.on_request(request("on Project Apollo now"), Context(Operation.CHAT))
    assert isinstance(verdict, Continue)
    assert json.loads(verdict.request.body)["messages"][0]["content"] == "on *** now"


def test_flagged_words_are_told_in_a_header() -> None:
    filter_ = patterns(deny=DENY, requests="flag", answers="ignore")
    context = Context(Operation.CHAT)
    assert isinstance(filter_.on_request(request("project x"), context), Continue)
    answer = filter_.on_answer(request(), context)
    assert answer is not None
    head = answer.on_head(Head(200))
    assert isinstance(head, Head)
    assert head.header("x-outrider-flagged") == "project"


@pytest.mark.parametrize(("said", "passes"), [("weather in Rome", True), ("stocks", False)])
def test_where_something_is_allowed_the_rest_is_not(said: str, passes: bool) -> None:
    filter_ = patterns(allow=[{"name": "weather", "pattern": "(?i)weather"}])
    verdict = filter_.on_request(request("weather?", said), Context(Operation.CHAT))
    assert isinstance(verdict, Continue) is passes


def test_an_answer_is_refused_before_the_word_is_seen() -> None:
    answer = opened(patterns(deny=DENY, window=16))
    assert shown(answer.on_event(piece("we are on proj"))) == ""
    refused = answer.on_event(piece("ect Apollo, you know"))
    assert isinstance(refused, LocalReply)
    assert refused.message == "Filter 'words' refused the answer: it has project in it."


def test_an_answer_is_cut_before_the_word() -> None:
    answer = opened(patterns(deny=DENY, answers="cut", window=16))
    assert shown(answer.on_event(piece("this is what we are on: "))) == ""
    cut = answer.on_event(piece("project Apollo, you know, the big one that nobody knows"))
    assert isinstance(cut, Cut)
    assert "".join(one.text for one in cut.before) == "this is what we are on: "


def test_an_answer_is_redacted() -> None:
    answer = opened(patterns(deny=DENY, answers="redact", window=16))
    said = [shown(answer.on_event(piece(text))) for text in ("on pro", "ject Ap", "ollo so")]
    assert "".join(said) + shown(answer.on_end(complete=True)) == "on *** so"


def test_no_pattern_takes_longer_than_its_text() -> None:
    filter_ = patterns(deny=[{"name": "evil", "pattern": r"(a+)+$"}])
    started = time.perf_counter()
    filter_.on_request(request("a" * 200_000 + "b"), Context(Operation.CHAT))
    assert time.perf_counter() - started < 1.0
