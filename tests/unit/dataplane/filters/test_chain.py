from dataclasses import replace

from dataplane.filters.api import Continue
from dataplane.filters.builtin import request_filters
from dataplane.filters.chain import run_request_chain
from dataplane.runtime.config import Filter
from dataplane.runtime.effects import CallHttp
from dataplane.runtime.messages import HttpReply, LocalReply, Request
from tests.support.playbook import play

CONFIG = {name: Filter(name, f"filter:{name}") for name in ("one", "two")}
REQUEST = Request("POST", "/v1/chat/completions", (), b'{"n":0}')
JSON = (("content-type", "application/json"), ("accept", "application/json"))


def call(name: str, body: bytes) -> CallHttp:
    return CallHttp(f"filter:{name}", replace(REQUEST, headers=JSON, body=body), timeout_s=10.0)


def test_each_filter_sees_what_the_one_before_it_made() -> None:
    steps = run_request_chain(request_filters(["one", "two"], CONFIG), REQUEST)
    verdict = play(
        steps,
        call("one", b'{"n":0}'),
        HttpReply(200, body=b'{"n":1}'),
        call("two", b'{"n":1}'),
        HttpReply(200, body=b'{"n":2}'),
    )
    assert verdict == Continue(replace(REQUEST, body=b'{"n":2}'))


def test_nobody_is_asked_after_a_refusal() -> None:
    steps = run_request_chain(request_filters(["one", "two"], CONFIG), REQUEST)
    verdict = play(steps, call("one", b'{"n":0}'), HttpReply(403))
    assert isinstance(verdict, LocalReply)


def test_no_filters_change_nothing() -> None:
    assert play(run_request_chain([], REQUEST)) == Continue(REQUEST)
