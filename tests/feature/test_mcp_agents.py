"""Every agent listener is an MCP server whose tools are its agents."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.agents import Service, replies, says, service, starts_and_hangs
from tests.support.mcp_client import McpClient, mcp_client, of
from tests.support.planes import planes
from tests.support.wait import until

CONFIG = """\
version: v0.4.0
agents:
  - {{id: weather, url: "{weather}"}}
  - {{id: flights, url: "{flights}"}}
listeners:
  - type: agent
    name: travel
    address: 127.0.0.1
    port: 0
    agents:
      - {{id: weather, description: Tells the weather and the forecast of any city.}}
      - {{id: flights, description: Books flights and finds airline tickets., default: true}}
"""


@asynccontextmanager
async def travel(directory: Path) -> AsyncIterator[tuple[McpClient, Service, Service]]:
    async with service(says("Rain ", "in Oslo.")) as weather, service(says("At noon.")) as flights:
        config = CONFIG.format(weather=weather.url, flights=flights.url)
        async with (
            planes(config, directory) as made,
            mcp_client(f"{made.url('travel')}/mcp") as client,
        ):
            yield client, weather, flights


def words(result: dict[str, object]) -> str:
    content = result["content"]
    assert isinstance(content, list)
    return "".join(one["text"] for one in content)


async def test_agents_are_tools(tmp_path: Path) -> None:
    async with travel(tmp_path) as (client, weather, flights):
        told = await client.begin()
        assert told["capabilities"] == {"tools": {}}
        listed = (await client.ask("tools/list")).result["tools"]
        assert [tool["name"] for tool in listed] == ["weather", "flights", "ask"]
        assert listed[0]["description"] == "Tells the weather and the forecast of any city."
        answer = await client.call("weather", {"message": "Rain in Oslo?"})
        assert words(answer.result) == "Rain in Oslo."
        assert weather.received[0].body["messages"][-1]["content"] == "Rain in Oslo?"
        assert not any(name.startswith("mcp-") for name in weather.received[0].headers)
        assert not flights.received


async def test_router_chooses_for_who_only_asks(tmp_path: Path) -> None:
    async with travel(tmp_path) as (client, _, flights):
        await client.begin()
        answer = await client.call("ask", {"message": "book a flight with an airline"})
        assert words(answer.result) == "At noon."
        assert len(flights.received) == 1


async def test_client_without_a_session_calls_agents_too(tmp_path: Path) -> None:
    async with travel(tmp_path) as (client, _, _flights):
        told = (await client.stateless("server/discover")).result
        assert told["resultType"] == "complete"
        params = {"name": "weather", "arguments": {"message": "Rain?"}}
        answer = await client.stateless("tools/call", params)
        assert words(answer.result) == "Rain in Oslo."
        assert answer.result["resultType"] == "complete"
        wrong = await client.stateless("tools/call", params, mcp_name="other")
        assert (wrong.status, wrong.error["code"]) == (400, -32020)


async def test_answer_is_told_as_it_comes(tmp_path: Path) -> None:
    async with travel(tmp_path) as (client, _, _flights):
        await client.begin()
        params = {
            "name": "weather",
            "arguments": {"message": "Rain?"},
            "_meta": {"progressToken": "p"},
        }
        answer = await client.ask("tools/call", params)
        assert [one["params"] for one in answer.messages[:-1]] == [
            {"progressToken": "p", "progress": 1, "message": "Rain "},
            {"progressToken": "p", "progress": 2, "message": "in Oslo."},
        ]
        assert words(answer.result) == "Rain in Oslo."


async def test_conversation_keeps_its_version_of_an_agent(tmp_path: Path) -> None:
    async with service(says("Rain.")) as old, service(says("Snow.")) as new:

        def config(weight: int, other: int) -> str:
            versions = f"{{{{name: v1, url: '{old.url}', weight: {weight}}}}}, "
            versions += f"{{{{name: v2, url: '{new.url}', weight: {other}}}}}"
            made = CONFIG.replace('url: "{weather}"', f"versions: [{versions}]")
            return made.format(flights=old.url)

        async with (
            planes(config(1, 0), tmp_path) as made,
            mcp_client(f"{made.url('travel')}/mcp") as client,
        ):
            await client.begin()
            params = {"name": "weather", "arguments": {"message": "Rain?"}}
            mine = {"x-model-affinity": "mine"}
            assert words((await client.ask("tools/call", params, **mine)).result) == "Rain."
            await made.apply(config(0, 1))
            assert words((await client.ask("tools/call", params, **mine)).result) == "Rain."
            assert words((await client.ask("tools/call", params)).result) == "Snow."


async def test_agent_that_fails_is_an_error_of_its_tool(tmp_path: Path) -> None:
    async with travel(tmp_path) as (client, weather, _):
        weather.answer = replies(400, {"error": {"message": "No such city."}})
        await client.begin()
        answer = await client.call("weather", {"message": "Rain?"})
        assert answer.result["isError"] is True
        assert "No such city." in words(answer.result)


async def test_limit_of_the_listener_is_a_refusal_of_http(tmp_path: Path) -> None:
    async with service(says("Rain.")) as weather, service(says("-")) as flights:
        config = CONFIG.format(weather=weather.url, flights=flights.url)
        config += "limits: [{name: team, requests: {limit: 1, window: 1h}}]\n"
        async with (
            planes(config, tmp_path) as made,
            mcp_client(f"{made.url('travel')}/mcp") as client,
        ):
            await client.begin()
            answer = await client.call("weather", {"message": "Rain?"})
            assert words(answer.result) == "Rain."
            refused = await client.call("weather", {"message": "Rain?"})
            assert (refused.status, refused.error["code"]) == (429, -32000)
            assert refused.error["data"] == {"detail": "rate_limited"}
            assert int(refused.headers["retry-after"]) > 0


async def test_cancelled_call_stops_its_agent(tmp_path: Path) -> None:
    first = b"data: " + json.dumps({"choices": [{"delta": {"content": "Ra"}}]}).encode() + b"\n\n"
    async with travel(tmp_path) as (client, weather, _):
        weather.answer = starts_and_hangs(first)
        await client.begin()
        call = {"name": "weather", "arguments": {"message": "Rain?"}}
        params = {**call, "_meta": {"progressToken": "p"}}
        async with client.opened({"id": 9, "method": "tools/call", "params": params}) as (_a, come):
            await anext(come)
            cancel = {"method": "notifications/cancelled", "params": {"requestId": 9}}
            await client.send(cancel)
            assert "cancelled" in (await anext(come))["error"]["message"]
        await until(weather.received[0].cancelled.is_set)


async def test_client_that_leaves_stops_its_agent(tmp_path: Path) -> None:
    first = b"data: " + json.dumps({"choices": [{"delta": {"content": "Ra"}}]}).encode() + b"\n\n"
    async with travel(tmp_path) as (client, weather, _):
        weather.answer = starts_and_hangs(first)
        call = {"name": "weather", "arguments": {"message": "Rain?"}}
        params = {**call, "_meta": {"progressToken": "p"}}
        message = client.stateless_message("tools/call", params)
        async with client.opened(message, **of("tools/call", params, {})) as (_answer, come):
            await anext(come)
        await until(weather.received[0].cancelled.is_set)


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"name": "none", "arguments": {"message": "x"}}, "Unknown tool: none"),
        ({"name": "weather", "arguments": {}}, "It needs a message."),
    ],
)
async def test_what_no_tool_can_answer_is_refused(
    tmp_path: Path, params: dict[str, object], told: str
) -> None:
    async with travel(tmp_path) as (client, weather, _):
        await client.begin()
        answer = await client.ask("tools/call", params)
        assert answer.error == {"code": -32602, "message": told}
        assert not weather.received


async def test_web_pages_of_others_may_not_call(tmp_path: Path) -> None:
    async with travel(tmp_path) as (client, _, _flights):
        answer = await client.ask("tools/list", origin="https://evil.example.com")
        assert answer.status == 403
        async with client.opened(None, "GET") as (nothing, _coming):
            assert nothing.status == 405


@pytest.mark.parametrize(
    ("verdict", "told", "is_error"),
    [("refuse", "", True), ("redact", "The [REDACTED] is out.", False)],
)
async def test_output_filters_see_what_tools_say(
    tmp_path: Path, verdict: str, told: str, is_error: bool
) -> None:
    async with service(says("The ", "secret is out.")) as weather:
        hide = (
            "filters:\n  - id: hide\n    type: patterns\n    config:\n"
            f"      deny: [{{name: word, pattern: secret}}]\n      answers: {verdict}\nlisteners:"
        )
        config = CONFIG.format(weather=weather.url, flights=weather.url)
        config = config.replace("listeners:", hide) + "    output_filters: [hide]\n"
        async with (
            planes(config, tmp_path) as made,
            mcp_client(f"{made.url('travel')}/mcp") as client,
        ):
            await client.begin()
            answer = await client.call("weather", {"message": "Rain?"})
            assert answer.result.get("isError", False) is is_error
            assert "secret" not in words(answer.result)
            assert not told or words(answer.result) == told
