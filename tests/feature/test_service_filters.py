"""HTTP services and MCP tools as filters, on both sides of models and agents."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from aiohttp import web

from tests.support.agents import Received, Service, replies, says
from tests.support.agents import service as serving
from tests.support.mcp_server import SESSIONS, STATELESS, McpFake, Said, Tool, mcp_server
from tests.support.planes import Planes, planes
from tests.support.plano import scenario

CONFIG = """\
version: v0.4.0
agents:
  - id: helper
    url: {upstream}
  - id: tool
    url: {tool}
filters:
  - id: guard
    type: http
    url: {guard}/check
  - id: whole
    type: http
    url: {guard}/whole
    failure_mode: open
    config: {{answers: whole}}
  - id: head
    type: http
    url: {guard}/head
    config: {{head: true}}
  - id: tool3
    url: {tool}/mcp
    type: mcp
    tool: head
    config: {{head: true}}
  - id: tool2
    url: {tool}/mcp
    type: mcp
    transport: streamable-http
    tool: tool
model_providers:
  - model: openai/tiny
    base_url: {upstream}/v1
    access_key: $TINY_KEY
    default: true
listeners:
  - type: model
    name: http-models
    address: 127.0.0.1
    port: 0
    output_filters: [guard]
  - type: agent
    name: http-agents
    address: 127.0.0.1
    port: 0
    output_filters: [guard]
    agents:
      - {{id: helper, description: Helps.}}
  - type: model
    name: whole
    address: 127.0.0.1
    port: 0
    output_filters: [whole]
  - type: model
    name: http-head
    address: 127.0.0.1
    port: 0
    retry: {{num_retries: 0}}
    output_filters: [head]
  - type: agent
    name: mcp-head
    address: 127.0.0.1
    port: 0
    output_filters: [tool3]
    retry: {{num_retries: 0}}
    agents:
      - {{id: helper, description: Helps.}}
  - type: model
    name: mcp-models
    address: 127.0.0.1
    port: 0
    input_filters: [tool]
    output_filters: [tool2]
  - type: agent
    name: mcp-agents
    address: 127.0.0.1
    port: 0
    agents:
      - {{id: helper, description: Helps., input_filters: [tool], output_filters: [tool2]}}
"""


class House:
    """The planes, who answers, and the filters."""

    def __init__(self, made: Planes, upstream: Service, guard: Service, tool: McpFake) -> None:
        self.planes = made
        self.upstream = upstream
        self.guard = guard
        self.tool = tool

    async def chat(self, listener: str, stream: bool) -> str:
        base = self.planes.url(listener) + "/v1"
        asked: Any = {"model": "tiny", "messages": [{"role": "user", "content": "4111"}]}
        async with openai.AsyncOpenAI(base_url=base, api_key="k", max_retries=0) as client:
            answer: Any = await client.chat.completions.create(**asked, stream=stream)
            if not stream:
                return str(answer.choices[0].message.content)
            return "".join([c.choices[0].delta.content or "" async for c in answer if c.choices])


async def shouts(one: Received) -> web.StreamResponse:
    """An HTTP filter as Plano's users write them: raw pieces in, raw pieces out."""
    return web.Response(body=(await one.request.read()).replace(b"quiet", b"QUIET"))


async def hides(said: Said) -> web.StreamResponse:
    """A tool that hides a number in whatever it gets."""
    body = said.params["arguments"]["body"]
    if isinstance(body, str):
        return await said.done({"structuredContent": {"result": body.replace("quiet", "hush")}})
    if "choices" in body:
        body["choices"][0]["message"]["content"] = "Be hush now"
    else:
        body["messages"][-1]["content"] = "****"
    return await said.done({"structuredContent": {"result": body}})


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with (
        serving(says("Be ", "quiet", " now")) as upstream,
        serving(shouts) as guard,
        mcp_server("tool", tools={"tool": hides}) as tool,
    ):
        where = tool.url.removesuffix("/mcp")
        config = CONFIG.format(upstream=upstream.url, guard=guard.url, tool=where)
        async with planes(config, tmp_path, environ={"TINY_KEY": "sk-tiny"}) as made:
            yield House(made, upstream, guard, tool)


STREAMED = pytest.mark.parametrize("stream", [False, True])


@STREAMED
@pytest.mark.parametrize("listener", ["http-models", "http-agents"])
async def test_an_http_filter_sees_answers_in_the_clients_api(
    house: House, listener: str, stream: bool
) -> None:
    assert await house.chat(listener, stream) == "Be QUIET now"
    first = house.guard.received[0]
    assert first.path == "/check/v1/chat/completions"
    kind = "text/event-stream" if stream else "application/json"
    assert first.headers["content-type"] == kind
    assert "authorization" not in first.headers


async def test_a_stream_may_be_seen_as_a_whole(house: House) -> None:
    assert await house.chat("whole", True) == "Be QUIET now"
    assert [one.path for one in house.guard.received] == ["/whole/v1/chat/completions"]


@STREAMED
async def test_an_http_filter_that_fails(house: House, stream: bool) -> None:
    house.guard.answer = replies(500)
    assert await house.chat("whole", stream) == "Be quiet now"
    with pytest.raises(openai.InternalServerError) as caught:
        await house.chat("http-models", stream)
    assert (caught.value.status_code, caught.value.code) == (502, "filter_failed")


@STREAMED
async def test_an_http_filter_that_refuses_an_answer(house: House, stream: bool) -> None:
    house.guard.answer = replies(451, {"error": {"message": "secrets"}})
    async with httpx.AsyncClient() as http:
        asked = {"model": "tiny", "stream": stream, "messages": [{"role": "user", "content": "x"}]}
        url = house.planes.url("http-models") + "/v1/chat/completions"
        answer = await http.post(url, json=asked)
    assert answer.status_code == 451
    assert answer.headers["x-outrider-detail"] == "filter_refused"
    assert answer.json()["error"]["message"] == "Filter 'guard' refused the answer: secrets"


@scenario(11, "better: plain JSON is an answer of MCP like any other")
@STREAMED
@pytest.mark.parametrize("listener", ["mcp-models", "mcp-agents"])
@pytest.mark.parametrize("generation", [SESSIONS, STATELESS])
async def test_a_tool_filters_both_sides(
    house: House, listener: str, stream: bool, generation: str
) -> None:
    house.tool.generations = (generation,)
    assert await house.chat(listener, stream) == "Be hush now"
    assert await house.chat(listener, stream) == "Be hush now"
    assert [one.body["messages"][-1]["content"] for one in house.upstream.received] == ["****"] * 2
    begun = house.tool.methods().count("initialize")
    assert begun == 2  # one for each filter, whatever comes of it


async def raw(house: House, listener: str, stream: bool) -> httpx.Response:
    asked = {"model": "tiny", "stream": stream, "messages": [{"role": "user", "content": "x"}]}
    async with httpx.AsyncClient() as http:
        return await http.post(house.planes.url(listener) + "/v1/chat/completions", json=asked)


@STREAMED
async def test_an_http_filter_changes_status_and_headers(house: House, stream: bool) -> None:
    async def answers(one: Received) -> web.StreamResponse:
        told = {"x-outrider-answer-headers": json.dumps({"x-team": "blue", "x-request-id": None})}
        if "x-outrider-answer-status" in one.headers:
            told = {
                "x-outrider-answer-status": "203",
                "x-outrider-answer-headers": json.dumps({"x-team": "blue"}),
            }
        return web.Response(body=await one.request.read(), headers=told)

    house.guard.answer = answers
    answer = await raw(house, "http-head", stream)
    assert (answer.status_code, answer.headers["x-team"]) == (203, "blue")
    assert "quiet" in answer.text
    first, *others = house.guard.received
    assert first.headers["x-outrider-answer-status"] == "200"
    kind = "text/event-stream" if stream else "application/json"
    told = json.loads(first.headers["x-outrider-answer-headers"])
    assert told["content-type"].startswith(kind)
    # the head has gone with the first piece: the others say nothing of it, and change nothing
    assert all("x-outrider-answer-status" not in one.headers for one in others)


async def test_a_filter_that_sees_status_sees_errors(house: House) -> None:
    async def softens(one: Received) -> web.StreamResponse:
        assert one.headers["x-outrider-answer-status"] == "418"
        error = {"error": {"message": "Come back.", "type": "t", "code": "c"}}
        headers = {"x-outrider-answer-status": "503", "content-type": "application/json"}
        return web.Response(body=json.dumps(error), headers=headers)

    house.upstream.answer = replies(418, {"error": {"message": "teapot"}})
    house.guard.answer = softens
    answer = await raw(house, "http-head", False)
    assert (answer.status_code, answer.json()["error"]["message"]) == (503, "Come back.")


async def test_a_filter_that_would_make_an_error_of_success_has_failed(house: House) -> None:
    async def forges(one: Received) -> web.StreamResponse:
        body = await one.request.read()
        return web.Response(body=body, headers={"x-outrider-answer-status": "500"})

    house.guard.answer = forges
    answer = await raw(house, "http-head", False)
    assert (answer.status_code, answer.headers["x-outrider-detail"]) == (502, "filter_failed")
    assert "of the status '500'" in answer.text


@STREAMED
@pytest.mark.parametrize("generation", [SESSIONS, STATELESS])
async def test_a_tool_changes_headers(house: House, stream: bool, generation: str) -> None:
    seen: list[Any] = []

    async def heads(said: Said) -> web.StreamResponse:
        arguments = said.params["arguments"]
        seen.append((arguments.get("status"), sorted(arguments.get("headers", {}))))
        more = {"headers": {"x-team": "blue"}} if "status" in arguments else {}
        return await said.done({"structuredContent": {"result": arguments["body"], **more}})

    house.tool.generations = (generation,)
    house.tool.tools["head"] = heads
    answer = await raw(house, "mcp-head", stream)
    assert (answer.status_code, answer.headers["x-team"]) == (200, "blue")
    assert "quiet" in answer.text
    assert seen[0][0] == 200
    assert "content-type" in seen[0][1]


async def test_a_session_that_has_expired_is_opened_again(house: House) -> None:
    assert await house.chat("mcp-models", False) == "Be hush now"
    house.tool.sessions.clear()
    assert await house.chat("mcp-models", False) == "Be hush now"


async def says_error(said: Said) -> web.StreamResponse:
    return await said.done({"isError": True, "content": [{"type": "text", "text": "no numbers"}]})


async def test_an_error_of_a_tool_refuses(house: House) -> None:
    tool: Tool = says_error
    house.tool.tools["tool"] = tool
    with pytest.raises(openai.BadRequestError, match="refused the request: no numbers"):
        await house.chat("mcp-models", False)
    assert house.upstream.received == []
