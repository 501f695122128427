import msgspec
import pytest

from dataplane.filters.api import Context, Continue, Verdict
from dataplane.filters.http.filter import HttpFilter
from dataplane.runtime.config import Filter
from dataplane.runtime.effects import CallFailed, CallHttp, Steps
from dataplane.runtime.messages import HttpReply, LocalReply, Request, ResponseDetail
from tests.support.playbook import play

CONFIG = Filter("guard", "filter:guard", "/check", timeout_s=2.0)
PROMPT = Request(
    "POST",
    "/v1/chat/completions",
    (("authorization", "Bearer x"), ("x-tenant", "t1"), ("accept", "text/event-stream")),
    b'{"messages":[]}',
    "key=secret",
)
CHECK = CallHttp(
    "filter:guard",
    Request(
        "POST",
        "/check/v1/chat/completions",
        (
            ("x-tenant", "t1"),
            ("content-type", "application/json"),
            ("accept", "application/json"),
        ),
        PROMPT.body,
    ),
    timeout_s=2.0,
)


def check() -> Steps[Verdict]:
    return HttpFilter(CONFIG).on_request(PROMPT, Context())


def refusal(reply: HttpReply | CallFailed) -> LocalReply:
    verdict = play(check(), CHECK, reply)
    assert isinstance(verdict, LocalReply)
    return verdict


def test_answer_replaces_the_body() -> None:
    verdict = play(check(), CHECK, HttpReply(200, body=b'{"messages":[1]}'))
    assert verdict == Continue(
        Request("POST", PROMPT.path, PROMPT.headers, b'{"messages":[1]}', PROMPT.query)
    )


@pytest.mark.parametrize("body", [b"", b"ok", b"[]", b'"ok"'])
def test_answer_that_is_no_object_is_the_filters_fault(body: bytes) -> None:
    reply = refusal(HttpReply(200, body=body))
    assert (reply.status, reply.detail) == (502, ResponseDetail.FILTER_FAILED)
    assert reply.message.startswith("Filter 'guard' answered 200 with a")


def test_refusal_keeps_status_sentence_and_body() -> None:
    reply = refusal(HttpReply(422, body=b'{"error":{"message":"PII found"},"at":7}'))
    assert (reply.status, reply.detail) == (422, ResponseDetail.FILTER_REFUSED)
    assert reply.body is not None
    assert msgspec.json.decode(reply.body) == {
        "error": {
            "message": "Filter 'guard' refused the request: PII found",
            "type": "invalid_request_error",
            "param": None,
            "code": "filter_refused",
            "filter": "guard",
            "filter_response": {"error": {"message": "PII found"}, "at": 7},
        }
    }


def test_refusal_without_words_tells_its_status() -> None:
    assert refusal(HttpReply(403)).message.endswith("refused the request: it answered 403")


@pytest.mark.parametrize("status", [101, 302, 500, 503])
def test_any_other_status_is_a_failure(status: int) -> None:
    reply = refusal(HttpReply(status))
    assert (reply.status, reply.detail) == (502, ResponseDetail.FILTER_FAILED)
    assert reply.message == f"Filter 'guard' answered {status}."


def test_filter_out_of_reach_is_a_failure() -> None:
    reply = refusal(CallFailed(ResponseDetail.UPSTREAM_CONNECT_FAILED, "connection refused"))
    assert (reply.status, reply.detail) == (502, ResponseDetail.FILTER_FAILED)


def test_slow_filter_is_a_timeout() -> None:
    failed = CallFailed(ResponseDetail.DEADLINE_EXCEEDED, "2 s are over", timed_out=True)
    reply = refusal(failed)
    assert (reply.status, reply.detail) == (504, ResponseDetail.FILTER_TIMEOUT)
