from dataclasses import replace

import pytest

from dataplane.filters.api import Context, Continue
from dataplane.filters.builtin import filters
from dataplane.filters.chain import run_request_chain
from dataplane.runtime.config import Filter
from dataplane.runtime.effects import CallFailed, CallHttp, Reply
from dataplane.runtime.messages import HttpReply, LocalReply, Request, ResponseDetail
from tests.support.playbook import play

CONFIG = {name: Filter(name, f"filter:{name}") for name in ("one", "two")}
REQUEST = Request("POST", "/v1/chat/completions", (), b'{"n":0}')
DETAIL = ResponseDetail.UPSTREAM_CONNECT_FAILED
JSON = (("content-type", "application/json"), ("accept", "application/json"))


def call(name: str, body: bytes) -> CallHttp:
    return CallHttp(f"filter:{name}", replace(REQUEST, headers=JSON, body=body), timeout_s=10.0)


def test_each_filter_sees_what_the_one_before_it_made() -> None:
    steps = run_request_chain(filters(["one", "two"], CONFIG), REQUEST, Context())
    verdict = play(
        steps,
        call("one", b'{"n":0}'),
        HttpReply(200, body=b'{"n":1}'),
        call("two", b'{"n":1}'),
        HttpReply(200, body=b'{"n":2}'),
    )
    assert verdict == Continue(replace(REQUEST, body=b'{"n":2}'))


def test_nobody_is_asked_after_a_refusal() -> None:
    steps = run_request_chain(filters(["one", "two"], CONFIG), REQUEST, Context())
    verdict = play(steps, call("one", b'{"n":0}'), HttpReply(403))
    assert isinstance(verdict, LocalReply)


def test_no_filters_change_nothing() -> None:
    assert play(run_request_chain([], REQUEST, Context())) == Continue(REQUEST)


@pytest.mark.parametrize("reply", [HttpReply(500), CallFailed(DETAIL, "gone")])
def test_a_filter_that_fails_open_is_passed_over(reply: Reply) -> None:
    config = {name: replace(one, fails_open=name == "one") for name, one in CONFIG.items()}
    steps = run_request_chain(filters(["one", "two"], config), REQUEST, Context())
    verdict = play(
        steps, call("one", b'{"n":0}'), reply, call("two", b'{"n":0}'), HttpReply(200, body=b"{}")
    )
    assert verdict == Continue(replace(REQUEST, body=b"{}"))


def test_a_filter_that_fails_open_may_refuse() -> None:
    config = {name: replace(one, fails_open=True) for name, one in CONFIG.items()}
    steps = run_request_chain(filters(["one"], config), REQUEST, Context())
    assert isinstance(play(steps, call("one", b'{"n":0}'), HttpReply(403)), LocalReply)
