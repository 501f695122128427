"""Agents that speak another API of models."""

import json

from dataplane.agents.wire import Reworded, Wording, worded
from dataplane.llm.hub.answer import Failure
from dataplane.runtime.agents import Agent, AgentProtocol
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail

AGENT = Agent("a", "agent:a", "/base", protocol=AgentProtocol.MESSAGES)
ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "Yes."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 3, "output_tokens": 5},
}
JSON = (("Content-Type", "application/json"), ("ETag", "1"), ("X-Own", "y"))


def asked(**more: object) -> Wording:
    body = {"model": "m", "messages": [{"role": "user", "content": "Well?"}]} | more
    request = Request("POST", "/x", (("x-own", "y"),), json.dumps(body).encode(), "q=1")
    found = worded(AGENT, request, "1")
    assert isinstance(found, Wording)
    return found


def answered(wording: Wording, status: int, body: object) -> tuple[Reworded, bytes | Failure]:
    reworded = wording.answer(status, JSON)
    assert reworded.feed(json.dumps(body).encode()) == b""
    return reworded, reworded.finish()


def test_request_goes_to_the_protocols_path_below_the_agents_own() -> None:
    request = asked().request
    assert (request.path, request.query) == ("/base/v1/messages", "")
    assert request.header("x-own") == "y"
    assert request.header("anthropic-version") == "2023-06-01"
    assert json.loads(request.body)["messages"][0]["role"] == "user"


def test_headers_that_speak_of_the_agents_bytes_do_not_go_with_ours() -> None:
    reworded, body = answered(asked(), 200, ANSWER)
    assert reworded.headers == (("X-Own", "y"), ("content-type", "application/json"))
    assert isinstance(body, bytes)
    assert json.loads(body)["choices"][0]["message"]["content"] == "Yes."


def test_whole_answer_to_a_stream_is_streamed() -> None:
    reworded, body = answered(asked(stream=True), 200, ANSWER)
    assert reworded.headers[-1] == ("content-type", "text/event-stream")
    assert isinstance(body, bytes)
    assert body.endswith(b"data: [DONE]\n\n")


def test_error_is_one_of_chat_with_its_own_status() -> None:
    told = {"type": "error", "error": {"type": "not_found_error", "message": "Nobody."}}
    reworded, body = answered(asked(stream=True), 404, told)
    assert reworded.status == 404
    assert isinstance(body, bytes)
    assert json.loads(body)["error"]["message"] == "Nobody."


def test_answer_that_is_none_is_a_failure() -> None:
    _, failure = answered(asked(), 200, {"hello": "world"})
    assert isinstance(failure, Failure)
    assert failure.status == 502


def test_what_its_protocol_cannot_say_is_refused_unless_it_is_dropped() -> None:
    body = b'{"messages":[{"role":"user","content":"Well?"}],"logit_bias":{"5":1}}'
    refused = worded(AGENT, Request("POST", "/x", (), body), "1")
    assert isinstance(refused, LocalReply)
    assert refused.detail is ResponseDetail.UNTRANSLATABLE
    lenient = Agent("a", "c", protocol=AgentProtocol.MESSAGES, drop_untranslatable=True)
    assert isinstance(worded(lenient, Request("POST", "/x", (), body), "1"), Wording)


def test_body_that_is_no_json_is_refused() -> None:
    assert isinstance(worded(AGENT, Request("POST", "/x", (), b"{"), "1"), LocalReply)
