"""Agents and their clients speak what they like: any API in, any API to the agent, one answer."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from tests.support.agents import (
    Answering,
    Received,
    Service,
    replies,
    says,
    service,
    starts_and_hangs,
)
from tests.support.planes import Planes, planes

CONFIG = """\
version: v0.4.0
on_untranslatable: {verdict}
agents:
  - id: helper
    url: {url}/base
    protocol: {protocol}
listeners:
  - type: agent
    name: desk
    address: 127.0.0.1
    port: 0
    agents:
      - id: helper
        description: Helps.
"""
QUESTION = {"role": "user", "content": "Where is the key?"}
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", {"model": "m", "messages": [QUESTION]}),
    "responses": ("/v1/responses", {"model": "m", "input": "Where is the key?"}),
    "messages": ("/v1/messages", {"model": "m", "max_tokens": 99, "messages": [QUESTION]}),
    "gemini": (
        "/v1beta/models/m:{verb}",
        {"contents": [{"role": "user", "parts": [{"text": "Where is the key?"}]}]},
    ),
    "converse": (
        "/model/m/{verb}",
        {"messages": [{"role": "user", "content": [{"text": "Where is the key?"}]}]},
    ),
}
VERBS = {
    "gemini": ("generateContent", "streamGenerateContent?alt=sse"),
    "converse": ("converse", "converse-stream"),
}


class Desk:
    """One agent behind a listener."""

    def __init__(self, made: Planes, agent: Service) -> None:
        self.planes = made
        self.agent = agent

    async def ask(
        self, protocol: str, *, stream: bool = False, **more: Any
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer, in a client's API."""
        path, body = ASKED[protocol]
        if protocol in VERBS:
            path = path.replace("{verb}", VERBS[protocol][stream])
        elif stream:
            body = body | {"stream": True}
        return await self.post(path, body | more)

    async def post(self, path: str, body: object) -> tuple[int, dict[str, str], bytes]:
        """Send JSON."""
        url = self.planes.url("desk") + path
        async with ClientSession() as session, session.post(url, json=body) as answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            try:
                return answer.status, headers, await answer.read()
            except Exception:
                return answer.status, headers | {"cut": "yes"}, b""


Start = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def start(answer: Answering, protocol: str = "chat", verdict: str = "refuse") -> Desk:
            agent = await stack.enter_async_context(service(answer))
            config = CONFIG.format(url=agent.url, protocol=protocol, verdict=verdict)
            made = await stack.enter_async_context(planes(config, tmp_path))
            return Desk(made, agent)

        yield start


WORDS: dict[str, tuple[str | int, ...]] = {
    "chat": ("choices", 0, "message", "content"),
    "responses": ("output", 0, "content", 0, "text"),
    "messages": ("content", 0, "text"),
    "gemini": ("candidates", 0, "content", "parts", 0, "text"),
    "converse": ("output", "message", "content", 0, "text"),
}


def words(protocol: str, body: bytes) -> str:
    """The text of a whole answer."""
    said: Any = json.loads(body)
    for step in WORDS[protocol]:
        said = said[step]
    assert isinstance(said, str)
    return said


@pytest.mark.parametrize("protocol", ASKED)
async def test_client_is_answered_in_its_own_api(desk: Start, protocol: str) -> None:
    made = await desk(says("Under ", "the mat."))
    status, headers, body = await made.ask(protocol)
    assert (status, words(protocol, body)) == (200, "Under the mat.")
    assert headers["x-outrider-agents"] == "helper"
    assert headers["content-type"].startswith("application/json")
    (received,) = made.agent.received
    assert received.path == "/base/v1/chat/completions"
    assert received.body["messages"] == [QUESTION]


ENDS = {
    "chat": b"data: [DONE]",
    "responses": b"event: response.completed",
    "messages": b"event: message_stop",
    "gemini": b'"finishReason":"STOP"',
    "converse": b"metadata",
}


@pytest.mark.parametrize("protocol", ASKED)
async def test_stream_is_told_in_the_clients_events_to_its_end(desk: Start, protocol: str) -> None:
    made = await desk(says("Under ", "the mat."))
    status, headers, body = await made.ask(protocol, stream=True)
    assert status == 200
    kind = "vnd.amazon.eventstream" if protocol == "converse" else "text/event-stream"
    assert kind in headers["content-type"]
    assert b"Under " in body
    assert b"the mat." in body
    assert ENDS[protocol] in body


ERRORS = {
    "chat": ("error", "message"),
    "responses": ("error", "message"),
    "messages": ("error", "message"),
    "gemini": ("error", "message"),
    "converse": ("message",),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("protocol", ASKED)
async def test_agents_error_has_the_shape_of_the_clients_api(
    desk: Start, protocol: str, stream: bool
) -> None:
    made = await desk(replies(422, {"error": {"message": "No such key."}}))
    status, _, body = await made.ask(protocol, stream=stream)
    said = json.loads(body)
    for name in ERRORS[protocol]:
        said = said[name]
    assert (status, said) == (422, "No such key.")


@pytest.mark.parametrize("protocol", ASKED)
async def test_agent_that_cannot_be_reached_is_told_in_the_shape_of_the_clients_api(
    desk: Start, protocol: str
) -> None:
    made = await desk(says("never"))
    await made.planes.apply(
        CONFIG.format(url="http://127.0.0.1:1", protocol="chat", verdict="drop")
    )
    status, headers, body = await made.ask(protocol)
    said = json.loads(body)
    for name in ERRORS[protocol]:
        said = said[name]
    assert status == 502
    assert headers["x-outrider-detail"] == "upstream_connect_failed"
    assert "helper" in said


@pytest.mark.parametrize("protocol", ["responses", "messages", "gemini", "converse"])
async def test_stream_that_breaks_off_has_no_good_end(desk: Start, protocol: str) -> None:
    begun = b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"Under"}}]}\n\n'

    async def breaks(one: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(one.request)
        await response.write(begun)
        one.request.transport.close()  # type: ignore[union-attr]
        return response

    made = await desk(breaks)
    status, headers, body = await made.ask(protocol, stream=True)
    assert "cut" in headers or status == 502  # whether its first words had left us already
    assert ENDS[protocol] not in body


async def test_field_that_chat_cannot_say_is_refused_by_name(desk: Start) -> None:
    made = await desk(says("never"))
    status, headers, body = await made.ask("messages", top_k=3)
    assert (status, headers["x-outrider-detail"]) == (400, "untranslatable")
    assert "top_k" in json.loads(body)["error"]["message"]
    assert not made.agent.received


async def test_field_that_chat_cannot_say_is_left_out_and_told_when_the_operator_says_so(
    desk: Start,
) -> None:
    made = await desk(says("Under the mat."), verdict="drop")
    status, headers, _ = await made.ask("messages", top_k=3)
    assert (status, headers["x-outrider-dropped"]) == (200, "top_k")


async def test_unknown_chat_fields_reach_a_chat_agent_untouched(desk: Start) -> None:
    made = await desk(says("Under the mat."))
    await made.ask("chat", x_mood={"calm": [1, 2]})
    assert made.agent.received[0].body["x_mood"] == {"calm": [1, 2]}


async def test_response_is_kept_and_continued(desk: Start) -> None:
    made = await desk(says("Under the mat."))
    _, _, body = await made.ask("responses")
    first = json.loads(body)["id"]
    status, _, _ = await made.ask("responses", input="Whose?", previous_response_id=first)
    assert status == 200
    assert [turn["role"] for turn in made.agent.received[1].body["messages"]] == [
        "user",
        "assistant",
        "user",
    ]


async def test_response_that_nobody_kept_is_not_continued(desk: Start) -> None:
    made = await desk(says("never"))
    status, headers, _ = await made.ask("responses", previous_response_id="resp_1")
    assert (status, headers["x-outrider-detail"]) == (400, "response_not_found")


async def test_streamed_response_is_kept(desk: Start) -> None:
    made = await desk(says("Under ", "the mat."))
    _, _, body = await made.ask("responses", stream=True)
    last = body.split(b"event: response.completed\ndata: ")[1].split(b"\n")[0]
    first = json.loads(last)["response"]["id"]
    async with (
        ClientSession() as session,
        session.get(made.planes.url("desk") + f"/v1/responses/{first}") as kept,
    ):
        assert (await kept.json())["output"][0]["content"][0]["text"] == "Under the mat."


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/messages/count_tokens", "/v1/completions"])
async def test_what_agents_cannot_do_is_not_there(desk: Start, path: str) -> None:
    made = await desk(says("never"))
    status, headers, _ = await made.post(path, {"model": "m", "input": "x"})
    assert (status, headers["x-outrider-detail"]) == (404, "route_not_found")


RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "m",
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Under the mat.", "annotations": []}],
        }
    ],
    "usage": {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8},
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "Under the mat."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 5},
}
WHOLE = {"responses": RESPONSE, "messages": MESSAGE}


@pytest.mark.parametrize("client", ["chat", "messages", "gemini"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("protocol", WHOLE)
async def test_agent_is_asked_in_its_own_api(
    desk: Start, protocol: str, stream: bool, client: str
) -> None:
    made = await desk(replies(200, WHOLE[protocol]), protocol)
    status, headers, body = await made.ask(client, stream=stream)
    assert status == 200
    assert headers["x-outrider-agents"] == "helper"
    assert b"Under the mat." in body
    (received,) = made.agent.received
    assert received.path == f"/base/v1/{protocol}"
    assert ("input" if protocol == "responses" else "messages") in received.body
    assert received.body.get("stream", False) is stream
    if protocol == "messages":
        assert received.headers["anthropic-version"] == "2023-06-01"


def event(kind: str, **more: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()


BEGINS = [
    event("message_start", message=MESSAGE | {"content": [], "stop_reason": None}),
    event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Under "}),
]


async def test_agents_events_become_the_clients(desk: Start) -> None:
    ends = [
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": "the mat."}),
        event("content_block_stop", index=0),
        event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 5}),
        event("message_stop"),
    ]

    async def streams(one: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(one.request)
        for data in (*BEGINS, *ends):
            await response.write(data)
        return response

    made = await desk(streams, "messages")
    _, _, chat = await made.ask("chat", stream=True)
    assert b'"content":"Under "' in chat
    assert b'"content":"the mat."' in chat
    assert chat.endswith(b"data: [DONE]\n\n")
    _, _, again = await made.ask("messages", stream=True)
    assert b'"text":"the mat."' in again
    assert b"event: message_stop" in again


@pytest.mark.parametrize("client", ["chat", "responses"])
async def test_agents_error_within_its_stream_is_the_clients_error(
    desk: Start, client: str
) -> None:
    told = event("error", error={"type": "rate_limit_error", "message": "Too many."})

    async def streams(one: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(one.request)
        await response.write(BEGINS[0] + told)
        return response

    made = await desk(streams, "messages")
    status, _, body = await made.ask(client, stream=True)
    assert status == 429
    assert "Too many." in json.loads(body)["error"]["message"]


async def test_answer_that_is_none_of_its_api_is_no_answer(desk: Start) -> None:
    made = await desk(replies(200, {"hello": "world"}), "messages")
    status, headers, _ = await made.ask("chat")
    assert (status, headers["x-outrider-detail"]) == (502, "upstream_protocol_error")


async def test_agent_that_cannot_be_asked_that_way_refuses_in_chats_shape(desk: Start) -> None:
    made = await desk(replies(200, MESSAGE), "messages")
    status, headers, body = await made.ask("chat", logit_bias={"5": 1})
    assert (status, headers["x-outrider-detail"]) == (400, "untranslatable")
    assert "logit_bias" in json.loads(body)["error"]["message"]
    assert not made.agent.received


async def test_client_that_leaves_cuts_the_agent_of_another_protocol(desk: Start) -> None:
    made = await desk(starts_and_hangs(b"".join(BEGINS)), "messages")
    url = made.planes.url("desk") + "/v1/responses"
    async with ClientSession() as session:
        answer = await session.post(url, json=ASKED["responses"][1] | {"stream": True})
        await answer.content.readany()
        answer.close()
    await made.agent.received[0].cancelled.wait()
