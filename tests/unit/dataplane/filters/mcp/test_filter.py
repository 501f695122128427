"""MCP filters: sessions kept and begun anew, both generations, whatever form answers have."""

from typing import Any

import msgspec
import pytest

from dataplane.filters.api import Context, Continue, UnusableFilterError, Verdict
from dataplane.filters.mcp import wire
from dataplane.filters.mcp.filter import McpFilter
from dataplane.runtime.config import Filter
from dataplane.runtime.effects import CallFailed, CallHttp, Reply
from dataplane.runtime.messages import Headers, HttpReply, LocalReply, Request, ResponseDetail
from tests.support.playbook import play

SPEC = Filter("guard", "filter:guard", timeout_s=2.0, kind="mcp", settings='{"tool":"check"}')
ASKED = Request("POST", "/v1/chat/completions", (("authorization", "x"),), b'{"n":0}')
JSON = (("content-type", "application/json"),)
SESSION = (("mcp-protocol-version", "2025-06-18"), ("mcp-session-id", "s1"))


def post(body: bytes, *headers: tuple[str, str]) -> CallHttp:
    return CallHttp("filter:guard", Request("POST", "/mcp", (*headers, *wire.ACCEPT), body), 2.0)


BEGIN = post(
    wire.message(
        "initialize",
        {"protocolVersion": wire.SESSIONS, "capabilities": {}, "clientInfo": wire.CLIENT},
        "1",
    )
)
BEGUN = post(wire.message("notifications/initialized", {}), *SESSION)
PARAMS = {"name": "check", "arguments": {"body": {"n": 0}, "path": "/v1/chat/completions"}}
CALL = post(wire.message("tools/call", PARAMS, "1"), *SESSION)
ALONE = post(
    wire.message("tools/call", wire.stateless(PARAMS), "1"),
    ("mcp-protocol-version", wire.STATELESS),
    ("mcp-method", "tools/call"),
    ("mcp-name", "check"),
)
ACCEPTED = HttpReply(202)


def says(result: Any, status: int = 200, headers: Headers = JSON) -> HttpReply:
    return HttpReply(status, headers, msgspec.json.encode({"id": "1", "result": result}))


def errs(code: int, status: int = 200) -> HttpReply:
    told = {"jsonrpc": "2.0", "id": "1", "error": {"code": code, "message": "no"}}
    return HttpReply(status, JSON, msgspec.json.encode(told))


STARTED = says({"protocolVersion": "2025-06-18"}, headers=(*JSON, ("Mcp-Session-Id", "s1")))
OPENED: tuple[CallHttp | Reply, ...] = (BEGIN, STARTED, BEGUN, ACCEPTED)
NEW = says({"structuredContent": {"result": {"n": 1}}})


def run(one: McpFilter, *script: CallHttp | Reply) -> Verdict:
    return play(one.on_request(ASKED, Context()), *script)


def body_of(verdict: Verdict) -> bytes:
    assert isinstance(verdict, Continue), verdict
    return verdict.request.body


def test_a_session_is_begun_once_and_used_again() -> None:
    one = McpFilter(SPEC)
    assert body_of(run(one, *OPENED, CALL, NEW)) == b'{"n":1}'
    assert body_of(run(one, CALL, NEW)) == b'{"n":1}'


@pytest.mark.parametrize("status", [404, 400])
def test_a_session_that_is_not_known_any_more_is_begun_anew(status: int) -> None:
    one = McpFilter(SPEC)
    run(one, *OPENED, CALL, NEW)
    assert body_of(run(one, CALL, errs(-32001, status), *OPENED, CALL, NEW)) == b'{"n":1}'


def test_but_once_for_each_call() -> None:
    gone = errs(-32001, 404)
    verdict = run(McpFilter(SPEC), *OPENED, CALL, gone, *OPENED, CALL, gone)
    assert isinstance(verdict, LocalReply)
    assert (verdict.status, verdict.detail) == (502, ResponseDetail.FILTER_FAILED)


@pytest.mark.parametrize("code", [-32022, -32601])
def test_a_server_without_sessions_is_asked_without(code: int) -> None:
    one = McpFilter(SPEC)
    assert body_of(run(one, BEGIN, errs(code, 400), ALONE, NEW)) == b'{"n":1}'
    assert body_of(run(one, ALONE, NEW)) == b'{"n":1}'


def test_a_server_that_names_no_session_is_asked_without_one() -> None:
    version = SESSION[:1]
    begun = post(wire.message("notifications/initialized", {}), *version)
    call = post(wire.message("tools/call", PARAMS, "1"), *version)
    script = (BEGIN, says({"protocolVersion": "2025-06-18"}), begun, ACCEPTED, call, NEW)
    assert body_of(run(McpFilter(SPEC), *script)) == b'{"n":1}'


def stream(*events: Any) -> HttpReply:
    data = b"".join(b": hi\n\nid: 1\ndata: %b\n\n" % msgspec.json.encode(one) for one in events)
    return HttpReply(200, (("content-type", "text/event-stream; charset=utf-8"),), data[:-2])


@pytest.mark.parametrize(
    "answer",
    [
        NEW,
        stream({"method": "notifications/progress"}, msgspec.json.decode(NEW.body)),
        says({"structuredContent": {"n": 1}}),
        says({"content": [{"type": "text", "text": '{"n":1}'}]}),
    ],
    ids=["json", "stream", "structured", "text"],
)
def test_answers_in_any_form(answer: HttpReply) -> None:
    assert body_of(run(McpFilter(SPEC), *OPENED, CALL, answer)) == b'{"n":1}'


def test_an_error_of_the_tool_is_a_refusal() -> None:
    said = says({"isError": True, "content": [{"type": "text", "text": "a secret"}]})
    verdict = run(McpFilter(SPEC), *OPENED, CALL, said)
    assert verdict == LocalReply(
        400, "Filter 'guard' refused the request: a secret", ResponseDetail.FILTER_REFUSED
    )


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (HttpReply(503), "answered 503"),
        (errs(-32602), "answered with error -32602: no"),
        (HttpReply(200, JSON, b"<html>"), "no response of MCP"),
        (says({"structuredContent": {"result": [1]}}), "returned no JSON object"),
        (CallFailed(ResponseDetail.UPSTREAM_CONNECT_FAILED, "gone"), "could not be asked: gone"),
    ],
)
def test_whatever_is_no_result_is_a_failure(answer: Reply, why: str) -> None:
    verdict = run(McpFilter(SPEC), *OPENED, CALL, answer)
    assert isinstance(verdict, LocalReply)
    assert (verdict.status, verdict.detail) == (502, ResponseDetail.FILTER_FAILED)
    assert why in verdict.message


def test_silence_is_a_504() -> None:
    late = CallFailed(ResponseDetail.UPSTREAM_SILENT, "late", timed_out=True)
    verdict = run(McpFilter(SPEC), BEGIN, late)
    assert isinstance(verdict, LocalReply)
    assert (verdict.status, verdict.detail) == (504, ResponseDetail.FILTER_TIMEOUT)


def test_without_an_address_there_is_no_filter() -> None:
    with pytest.raises(UnusableFilterError):
        McpFilter(Filter("guard", kind="mcp"))
