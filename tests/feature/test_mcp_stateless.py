"""Both generations of MCP on one URL: clients without sessions, and servers of the other kind."""

from pathlib import Path

import pytest
from aiohttp import web

from tests.feature.test_mcp import gateway, servers
from tests.support.mcp_client import META, of
from tests.support.mcp_server import SESSIONS, STATELESS, Said, text
from tests.support.wait import until

OLD, NEW = (SESSIONS,), (STATELESS,)
TOLD = {"resultType": "complete", "_meta": {f"{META}serverInfo": {"name": "a", "version": "1"}}}


async def test_new_server_is_seen_as_it_is_by_a_new_client(tmp_path: Path) -> None:
    async with servers("a", generations=NEW) as (a,), gateway(tmp_path, [a]) as (_, client):
        told = await client.stateless("server/discover")
        assert told.result["supportedVersions"] == [STATELESS]
        called = await client.stateless("tools/call", {"name": "say", "x": [1.0]}, mcp_param_q="7")
        assert called.result == text("a")
        assert a.heard[-1]["params"]["x"] == [1.0]
        assert a.headers[-1]["mcp-name"] == "say"
        assert a.headers[-1]["mcp-param-q"] == "7"
        assert "initialize" not in a.methods()


async def test_names_in_headers_are_the_servers(tmp_path: Path) -> None:
    async with (
        servers("a", "b", generations=NEW) as found,
        gateway(tmp_path, found) as (_, client),
    ):
        called = await client.stateless("tools/call", {"name": "b_say"})
        assert called.result == text("b")
        assert found[1].headers[-1]["mcp-name"] == "say"
        listed = await client.stateless("tools/list")
        assert [tool["name"] for tool in listed.result["tools"]] == ["a_say", "b_say"]
        assert listed.result["resultType"] == "complete"
        told = await client.stateless("server/discover")
        assert told.result["_meta"][f"{META}serverInfo"]["name"] == "outrider"


async def test_old_server_answers_a_new_client(tmp_path: Path) -> None:
    async with servers("a", generations=OLD) as (a,), gateway(tmp_path, [a]) as (_, client):
        told = (await client.stateless("server/discover")).result
        assert told["capabilities"] == {"tools": {"listChanged": True}}
        assert STATELESS in told["supportedVersions"]
        called = await client.stateless("tools/call", {"name": "say"})
        assert called.result == {**text("a"), **TOLD}
        listed = await client.stateless("tools/list")
        assert (listed.result["ttlMs"], listed.result["cacheScope"]) == (0, "private")
        assert a.methods().count("initialize") == 1
        a.sessions.clear()
        again = await client.stateless("tools/call", {"name": "say"})
        assert again.result == {**text("a"), **TOLD}
        unknown = await client.stateless("tools/call", {"name": "none"})
        assert (unknown.status, unknown.error["code"]) == (400, -32602)


async def test_progress_of_an_old_server_is_the_new_clients(tmp_path: Path) -> None:
    async def works(said: Said) -> web.StreamResponse:
        progress = {"progressToken": said.params["_meta"]["progressToken"], "progress": 1}
        await said.event({"method": "notifications/message", "params": {"level": "info"}})
        await said.event({"method": "notifications/progress", "params": progress})
        return await said.done(text("done"))

    async with servers("a", generations=OLD) as (a,), gateway(tmp_path, [a]) as (_, client):
        a.tools["work"] = works
        params = {"name": "work", "_meta": {"progressToken": "mine"}}
        answer = await client.stateless("tools/call", params)
        assert [one.get("params") for one in answer.messages[:-1]] == [
            {"progressToken": "mine", "progress": 1}
        ]
        assert a.heard[-1]["params"]["_meta"] != {"progressToken": "mine"}


async def test_old_server_asks_a_new_client(tmp_path: Path) -> None:
    async def asks(said: Said) -> web.StreamResponse:
        answer = await said.ask("elicitation/create", {"message": "Who?"})
        return await said.done(text(answer["result"]["content"]["name"]))

    async with servers("a", generations=OLD) as (a,), gateway(tmp_path, [a]) as (_, client):
        a.tools["ask"] = asks
        first = (await client.stateless("tools/call", {"name": "ask"})).result
        assert first["resultType"] == "input_required"
        ((key, wanted),) = first["inputRequests"].items()
        assert wanted == {"method": "elicitation/create", "params": {"message": "Who?"}}
        given = {key: {"action": "accept", "content": {"name": "Ann"}}}
        more = {"inputResponses": given, "requestState": first["requestState"]}
        last = await client.stateless("tools/call", {"name": "ask", **more})
        assert last.result == {**text("Ann"), **TOLD}
        again = await client.stateless("tools/call", {"name": "ask", **more})
        assert (again.status, again.error["code"]) == (400, -32602)


async def test_new_client_that_leaves_cancels_at_an_old_server(tmp_path: Path) -> None:
    async def waits(said: Said) -> web.StreamResponse:
        await said.event({"method": "notifications/progress", "params": {}})
        await said.left.wait()
        raise AssertionError

    async with servers("a", generations=OLD) as (a,), gateway(tmp_path, [a]) as (_, client):
        a.tools["wait"] = waits
        params = {"name": "wait", "_meta": {"progressToken": "t"}}
        message = client.stateless_message("tools/call", params)
        async with client.opened(message, **of("tools/call", params, {})) as (_answer, coming):
            await anext(coming)
        await until(lambda: "notifications/cancelled" in a.methods())
        (told,) = [one for one in a.heard if one.get("method") == "notifications/cancelled"]
        (called,) = [one for one in a.heard if one.get("method") == "tools/call"]
        assert told["params"]["requestId"] == called["id"]


async def test_new_server_answers_an_old_client(tmp_path: Path) -> None:
    async with servers("a", generations=NEW) as (a,), gateway(tmp_path, [a]) as (_, client):
        told = await client.begin({"roots": {}})
        assert told["protocolVersion"] == SESSIONS
        assert told["instructions"] == "I am a."
        assert (await client.ask("logging/setLevel", {"level": "info"})).result == {}
        assert (await client.call("say")).result == text("a")
        meta = a.heard[-1]["params"]["_meta"]
        assert meta[f"{META}clientCapabilities"] == {"roots": {}}
        assert meta[f"{META}logLevel"] == "info"
        assert a.headers[-1]["mcp-protocol-version"] == STATELESS
        assert (await client.ask("ping")).result == {}
        listed = await client.ask("tools/list")
        assert "resultType" not in listed.result


async def test_new_server_asks_an_old_client(tmp_path: Path) -> None:
    async def asks(said: Said) -> web.StreamResponse:
        given = said.params.get("inputResponses")
        if given is None:
            request = {"method": "roots/list", "params": {}}
            return await said.done(
                {
                    "resultType": "input_required",
                    "inputRequests": {"k": request},
                    "requestState": "s1",
                }
            )
        assert said.params["requestState"] == "s1"
        return await said.done({"resultType": "complete", **text(given["k"]["roots"][0])})

    async with servers("a", generations=NEW) as (a,), gateway(tmp_path, [a]) as (_, client):
        a.tools["ask"] = asks
        await client.begin({"roots": {}})
        message = {"id": 9, "method": "tools/call", "params": {"name": "ask"}}
        async with client.opened(message) as (_answer, coming):
            asked = await anext(coming)
            assert asked["method"] == "roots/list"
            back = await client.send({"id": asked["id"], "result": {"roots": ["file:///x"]}})
            assert back.status == 202
            last = await anext(coming)
            assert (last["id"], last["result"]) == (9, text("file:///x"))


async def test_old_client_hears_of_a_new_server_what_it_subscribes_to(tmp_path: Path) -> None:
    async with servers("a", generations=NEW) as (a,), gateway(tmp_path, [a]) as (_, client):
        a.resources = {"x://a": "of a"}
        await client.begin()
        async with client.opened(None, "GET") as (answer, coming):
            assert answer.status == 200
            await until(lambda: bool(a.streams))
            assert (await client.ask("resources/subscribe", {"uri": "x://a"})).result == {}
            await until(lambda: a.methods().count("subscriptions/listen") == 2)
            asked = [one for one in a.heard if one.get("method") == "subscriptions/listen"]
            wanted = [one["params"]["notifications"]["resourceSubscriptions"] for one in asked]
            assert wanted == [[], ["x://a"]]
            await until(lambda: len(a.streams) == 1)
            await a.say({"method": "notifications/resources/updated", "params": {"uri": "x://a"}})
            assert (await anext(coming))["params"] == {"uri": "x://a"}


@pytest.mark.parametrize("generations", [OLD, (SESSIONS, STATELESS)], ids=["old", "both"])
async def test_old_client_meets_a_server_in_its_own_generation(
    tmp_path: Path, generations: tuple[str, ...]
) -> None:
    async with servers("a", generations=generations) as (a,), gateway(tmp_path, [a]) as (_, client):
        await client.begin()
        assert (await client.call("say")).result == text("a")
        assert "server/discover" not in a.methods()


async def test_subscriber_hears_what_it_has_asked_for(tmp_path: Path) -> None:
    can = {"resources": {"subscribe": True}}
    async with (
        servers("a", "b", generations=OLD, capabilities=can) as found,
        gateway(tmp_path, found) as (_, client),
    ):
        a, b = found
        a.resources = b.resources = {"x://a": "of a"}
        wanted = {"toolsListChanged": True, "resourceSubscriptions": ["x://a"]}
        message = client.stateless_message("subscriptions/listen", {"notifications": wanted})
        headers = of("subscriptions/listen", None, {})
        async with client.opened(message, **headers) as (_answer, coming):
            first = await anext(coming)
            assert first["method"] == "notifications/subscriptions/acknowledged"
            assert first["params"]["_meta"] == {f"{META}subscriptionId": message["id"]}
            await until(lambda: bool(a.streams and b.streams))
            await b.say({"method": "notifications/prompts/list_changed"})
            await b.say({"method": "notifications/resources/updated", "params": {"uri": "x://a"}})
            heard = await anext(coming)
            assert heard["method"] == "notifications/resources/updated"
            assert heard["params"]["_meta"] == {f"{META}subscriptionId": message["id"]}
            assert "resources/subscribe" in b.methods()


@pytest.mark.parametrize(
    ("params", "headers", "status", "code"),
    [
        ({"name": "say"}, {"mcp_name": "other"}, 400, -32020),
        ({"name": "say"}, {"mcp_method": "tools/list"}, 400, -32020),
        ({"name": "say"}, {"mcp_protocol_version": "2026-01-01"}, 400, -32020),
        ({"name": "say"}, {"mcp_name": "=?base64?c2F5?="}, 200, 0),
        ({"name": "none"}, {}, 400, -32602),
    ],
    ids=["name", "method", "version", "encoded", "unknown"],
)
async def test_headers_must_agree_with_the_body(
    tmp_path: Path, params: dict[str, str], headers: dict[str, str], status: int, code: int
) -> None:
    async with servers("a", generations=OLD) as (a,), gateway(tmp_path, [a]) as (_, client):
        answer = await client.stateless("tools/call", params, **headers)
        assert answer.status == status
        assert answer.messages[-1].get("error", {"code": 0})["code"] == code
