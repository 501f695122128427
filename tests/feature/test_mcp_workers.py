"""MCP clients whose next request comes to another worker than the one that waits for it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import pytest
from aiohttp import web

from tests.feature.test_mcp_stateless import NEW, OLD
from tests.support.agents import service, starts_and_hangs
from tests.support.mcp_client import McpClient, mcp_client, of
from tests.support.mcp_server import McpFake, Said, mcp_server, says, text
from tests.support.planes import planes, processes
from tests.support.wait import until

HEAD = """\
version: v0.4.0
mcp_servers:
{servers}agents:
  - {{id: slow, url: "{agent}"}}
listeners:
  - {{type: mcp, name: tools, address: 127.0.0.1, port: 0, mcp_servers: [{names}]}}
  - type: agent
    name: desk
    address: 127.0.0.1
    port: 0
    agents: [{{id: slow, description: Takes its time.}}]
"""


def config(servers: Sequence[McpFake], agent: str = "http://127.0.0.1:1") -> str:
    entries = "".join(f'  - {{id: {one.name}, url: "{one.url}"}}\n' for one in servers)
    return HEAD.format(servers=entries, names=", ".join(one.name for one in servers), agent=agent)


@asynccontextmanager
async def workers(
    directory: Path, text_: str, listener: str = "tools"
) -> AsyncIterator[tuple[McpClient, McpClient]]:
    """Two workers of one data plane, and a client of each."""
    async with AsyncExitStack() as stack:
        shared = stack.enter_context(
            TemporaryDirectory(prefix="or-")
        )  # (paths of sockets are short)
        flags = ("--runtime-dir", shared, "--workers", "2")
        made = await stack.enter_async_context(planes(text_, directory, workers=2, flags=flags))
        urls = [f"{made.url(listener, worker)}/mcp" for worker in range(2)]
        one, two = [await stack.enter_async_context(mcp_client(url)) for url in urls]
        yield one, two


async def elicits(said: Said) -> web.StreamResponse:
    """Asks twice, in the protocol with sessions."""
    first = await said.ask("elicitation/create", {"message": "Who?"}, "q1")
    second = await said.ask("elicitation/create", {"message": "And?"}, "q2")
    names = [one["result"]["content"]["name"] for one in (first, second)]
    return await said.done(text(" ".join(names)))


async def wants_roots(said: Said) -> web.StreamResponse:
    """Asks, in the protocol without."""
    given = said.params.get("inputResponses")
    if given is None:
        request = {"method": "roots/list", "params": {}}
        made = {"resultType": "input_required", "inputRequests": {"k": request}}
        return await said.done(made)
    return await said.done({"resultType": "complete", **text(given["k"]["roots"][0])})


def answer_to(first: dict[str, object], name: str) -> dict[str, object]:
    wanted = first["inputRequests"]
    assert isinstance(wanted, dict)
    (key,) = wanted
    given = {key: {"action": "accept", "content": {"name": name}}}
    return {"name": "ask", "inputResponses": given, "requestState": first["requestState"]}


async def test_input_for_a_call_that_waits_elsewhere_gets_there(tmp_path: Path) -> None:
    tools = {"ask": elicits}
    async with (
        mcp_server("a", tools=tools, generations=OLD) as a,
        workers(tmp_path, config([a])) as (one, two),
    ):
        first = (await one.stateless("tools/call", {"name": "ask"})).result
        second = (await two.stateless("tools/call", answer_to(first, "Ann"))).result
        assert second["resultType"] == "input_required"
        last = await two.stateless("tools/call", answer_to(second, "Ben"))
        assert last.result["content"] == text("Ann Ben")["content"]
        again = await two.stateless("tools/call", answer_to(second, "Ben"))
        assert (again.status, again.error["code"]) == (400, -32602)


async def test_failure_of_a_call_that_waits_elsewhere_is_told(tmp_path: Path) -> None:
    async def breaks(said: Said) -> web.StreamResponse:
        await said.ask("elicitation/create", {"message": "Who?"}, "q1")
        return said.cut()

    async with (
        mcp_server("a", tools={"ask": breaks}, generations=OLD) as a,
        workers(tmp_path, config([a])) as (one, two),
    ):
        first = (await one.stateless("tools/call", {"name": "ask"})).result
        last = await two.stateless("tools/call", answer_to(first, "Ann"))
        assert last.status == 502
        assert "no more" in last.error["message"]


async def test_client_that_leaves_the_other_worker_cancels_the_call(tmp_path: Path) -> None:
    async def waits(said: Said) -> web.StreamResponse:
        await said.ask("elicitation/create", {"message": "Who?"}, "q1")
        await said.event({"method": "notifications/progress", "params": {}})
        await said.left.wait()
        raise AssertionError

    async with (
        mcp_server("a", tools={"ask": waits}, generations=OLD) as a,
        workers(tmp_path, config([a])) as (one, two),
    ):
        first = (await one.stateless("tools/call", {"name": "ask"})).result
        params = {**answer_to(first, "Ann"), "_meta": {"progressToken": "t"}}
        message = two.stateless_message("tools/call", params)
        async with two.opened(message, **of("tools/call", params, {})) as (_answer, coming):
            assert (await anext(coming))["method"] == "notifications/progress"
        await until(lambda: "notifications/cancelled" in a.methods())


async def test_answer_of_a_client_to_a_request_made_elsewhere_gets_there(tmp_path: Path) -> None:
    async with (
        mcp_server("a", tools={"ask": wants_roots}, generations=NEW) as a,
        workers(tmp_path, config([a])) as (one, two),
    ):
        await one.begin({"roots": {}})
        two.session = one.session
        message = {"id": 9, "method": "tools/call", "params": {"name": "ask"}}
        async with one.opened(message) as (_answer, coming):
            asked = await anext(coming)
            back = await two.send({"id": asked["id"], "result": {"roots": ["file:///x"]}})
            assert back.status == 202
            assert (await anext(coming))["result"] == text("file:///x")


async def test_client_cancels_a_call_to_a_server_without_sessions(tmp_path: Path) -> None:
    async def waits(said: Said) -> web.StreamResponse:
        await said.event({"method": "notifications/progress", "params": {}})
        await asyncio.Event().wait()
        raise AssertionError

    async with (
        mcp_server("a", tools={"wait": waits}, generations=NEW) as a,
        workers(tmp_path, config([a])) as (one, two),
    ):
        await one.begin()
        two.session = one.session
        message = {"id": 9, "method": "tools/call", "params": {"name": "wait"}}
        async with one.opened(message) as (_answer, coming):
            await anext(coming)
            await two.send({"method": "notifications/cancelled", "params": {"requestId": 9}})
            assert "cancelled" in (await anext(coming))["error"]["message"]


async def test_client_cancels_an_agent_that_works_elsewhere(tmp_path: Path) -> None:
    chunk = b'data: {"choices": [{"delta": {"content": "Ra"}}]}\n\n'
    async with (
        service(starts_and_hangs(chunk)) as agent,
        mcp_server("a") as a,
        workers(tmp_path, config([a], agent.url), "desk") as (one, two),
    ):
        await one.begin()
        two.session = one.session
        call = {"name": "slow", "arguments": {"message": "Rain?"}, "_meta": {"progressToken": "p"}}
        async with one.opened({"id": 9, "method": "tools/call", "params": call}) as (_a, coming):
            await anext(coming)
            await two.send({"method": "notifications/cancelled", "params": {"requestId": 9}})
            assert "cancelled" in (await anext(coming))["error"]["message"]
        await until(agent.received[0].cancelled.is_set)


async def test_session_is_what_it_is_now_in_every_worker(tmp_path: Path) -> None:
    async with (
        mcp_server("a", tools={"say": says("a")}, generations=NEW) as a,
        workers(tmp_path, config([a])) as (one, two),
    ):
        await one.begin()
        two.session = one.session
        await two.call("say")
        await one.ask("logging/setLevel", {"level": "debug"})
        await two.call("say")
        levels = [
            one["params"]["_meta"].get("io.modelcontextprotocol/logLevel")
            for one in a.heard
            if one.get("method") == "tools/call"
        ]
        assert levels == [None, "debug"]
        async with one.http.delete(one.url, headers=one.headers()) as ended:
            assert ended.status == 200
        assert (await two.call("say")).status == 404


@pytest.mark.slow
async def test_processes_answer_whatever_connection_a_request_comes_by(tmp_path: Path) -> None:
    async with (
        mcp_server("a", tools={"ask": elicits}, generations=OLD) as a,
        processes(config([a]), tmp_path, workers=2) as made,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http,
    ):
        client = McpClient(http, f"{made.url('tools')}/mcp")
        for _ in range(8):
            first = (await client.stateless("tools/call", {"name": "ask"})).result
            second = (await client.stateless("tools/call", answer_to(first, "Ann"))).result
            last = await client.stateless("tools/call", answer_to(second, "Ben"))
            assert last.result["content"] == text("Ann Ben")["content"]
