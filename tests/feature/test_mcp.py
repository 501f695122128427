"""Several MCP servers under one URL, for clients that begin sessions (up to 2025-11-25)."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from tests.support.issuer import AUDIENCE, ISSUER, SigningKey, issuer
from tests.support.mcp_client import BOTH, McpClient, mcp_client
from tests.support.mcp_server import McpFake, Said, mcp_server, says, served, text
from tests.support.planes import Planes, planes
from tests.support.ports import free_port
from tests.support.wait import until

ENVIRON = {
    "TOKEN": "t-of-the-house",
    "KEY": "ok-a-key-of-16-chars",
    "KEY2": "ok-another-of-16-chars",
}


@asynccontextmanager
async def gateway(
    directory: Path,
    servers: Sequence[McpFake],
    more: str = "",
    listener: str = "",
    head: str = "",
    listeners: str = "listeners:\n",
) -> AsyncIterator[tuple[Planes, McpClient]]:
    """An MCP listener with these servers; `more` are keys of each of them."""
    entries = "".join(f'  - {{id: {one.name}, url: "{one.url}"{more}}}\n' for one in servers)
    names = ", ".join(one.name for one in servers)
    config = (
        f"version: v0.4.0\n{head}mcp_servers:\n{entries}{listeners}"
        f"  - {{type: mcp, name: tools, address: 127.0.0.1, port: 0,"
        f" mcp_servers: [{names}]{listener}}}\n"
    )
    async with (
        planes(config, directory, environ=ENVIRON) as made,
        mcp_client(f"{made.url('tools')}/mcp") as client,
    ):
        yield made, client


@asynccontextmanager
async def servers(*names: str, **more: Any) -> AsyncIterator[list[McpFake]]:
    """Each with a tool `say` that says its server's name."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(mcp_server(name, tools={"say": says(name)}, **more))
            for name in names
        ]


async def test_single_server_is_seen_as_it_is(tmp_path: Path) -> None:
    async with servers("a") as (a,), gateway(tmp_path, [a]) as (_, client):
        told = await client.begin()
        assert told["serverInfo"] == {"name": "a", "version": "1"}
        assert told["x-unknown"] == {"kept": True}
        listed = await client.ask("tools/list")
        assert listed.result == {
            "tools": [{"name": "say", "inputSchema": {"type": "object"}}],
            "x-unknown": 1.0,
        }
        assert (await client.call("say")).result == text("a")
        assert (await client.ask("x/y", {"deep": [1]})).error["code"] == -32601
        assert a.heard[-1]["params"] == {"deep": [1]}
        assert a.methods()[:2] == ["initialize", "notifications/initialized"]


async def test_several_servers_are_one(tmp_path: Path) -> None:
    async with servers("a", "b") as found, gateway(tmp_path, found) as (_, client):
        told = await client.begin()
        assert told["serverInfo"]["name"] == "outrider"
        assert told["capabilities"] == {"tools": {"listChanged": True}}
        assert told["instructions"] == "a_*: I am a.\n\nb_*: I am b."
        listed = await client.ask("tools/list")
        assert [tool["name"] for tool in listed.result["tools"]] == ["a_say", "b_say"]
        assert (await client.call("b_say")).result == text("b")
        assert found[1].heard[-1]["params"]["name"] == "say"
        unknown = await client.call("c_say")
        assert unknown.error == {"code": -32602, "message": "Unknown tool: c_say"}


async def test_pages_of_all_servers_are_pages_of_one(tmp_path: Path) -> None:
    async with servers("a", "b", page=2) as found, gateway(tmp_path, found) as (_, client):
        a, _ = found
        a.tools = {f"t{n}": says("a") for n in range(5)}
        await client.begin()
        names: list[str] = []
        params: dict[str, Any] = {}
        while True:
            page = (await client.ask("tools/list", params)).result
            names += [tool["name"] for tool in page["tools"]]
            if "nextCursor" not in page:
                break
            params = {"cursor": page["nextCursor"]}
        assert names == ["a_t0", "a_t1", "b_say", "a_t2", "a_t3", "a_t4"]
        wrong = await client.ask("tools/list", {"cursor": "bm9uZQ=="})
        assert wrong.error["code"] == -32602


async def test_tools_that_are_not_offered_do_not_exist(tmp_path: Path) -> None:
    rules = ", tools: {allow: ['s*', other], deny: ['*_secret']}"
    async with servers("a") as (a,), gateway(tmp_path, [a], rules) as (_, client):
        a.tools |= {"s_secret": says("no"), "other": says("yes"), "third": says("no")}
        await client.begin()
        listed = (await client.ask("tools/list")).result
        assert [tool["name"] for tool in listed["tools"]] == ["say", "other"]
        assert listed["x-unknown"] == 1.0
        refused = await client.call("s_secret")
        assert refused.error["message"] == "Unknown tool: s_secret"
        assert "tools/call" not in a.methods()


async def test_resources_prompts_and_completions_find_their_server(tmp_path: Path) -> None:
    can = {"resources": {"subscribe": True}, "prompts": {}, "completions": {}}
    async with (
        servers("a", "b", capabilities=can) as found,
        gateway(tmp_path, found) as (_, client),
    ):
        a, b = found
        a.resources, b.resources = {"x://a": "of a"}, {"x://b": "of b"}
        a.prompts = b.prompts = ("greet",)
        await client.begin()
        listed = (await client.ask("resources/list")).result
        assert [one["uri"] for one in listed["resources"]] == ["x://a", "x://b"]
        read = await client.ask("resources/read", {"uri": "x://b"})
        assert read.result["contents"] == [{"uri": "x://b", "text": "of b"}]
        assert "resources/read" not in a.methods()
        assert (await client.ask("resources/subscribe", {"uri": "x://b"})).result == {}
        nowhere = await client.ask("resources/read", {"uri": "x://c"})
        assert nowhere.error["code"] == -32002
        prompt = await client.ask("prompts/get", {"name": "b_greet"})
        assert prompt.result["description"] == "b greet"
        ref = {"type": "ref/prompt", "name": "b_greet"}
        params = {"ref": ref, "argument": {"name": "x", "value": "y"}}
        completed = await client.ask("completion/complete", params)
        assert completed.result["completion"]["values"] == ["b"]


async def test_server_that_is_down_is_missing_and_its_tools_say_so(tmp_path: Path) -> None:
    async with servers("a", "b") as found, gateway(tmp_path, found) as (_, client):
        a, b = found
        gone = McpFake(url="http://127.0.0.1:9/mcp", name="b", tools=b.tools)
        async with gateway(tmp_path / "2", [a, gone]) as (_, client):
            await client.begin()
            listed = (await client.ask("tools/list")).result
            assert [tool["name"] for tool in listed["tools"]] == ["a_say"]
            missing = listed["_meta"]["io.outrider/unavailable"]
            assert missing["b"].startswith("MCP server 'b' is not available: no connection: ")
            assert (await client.call("a_say")).result == text("a")
            refused = await client.call("b_say")
            assert refused.status == 502
            assert refused.headers["x-outrider-detail"] == "upstream_connect_failed"
            assert refused.error["message"] == missing["b"]
            assert refused.error["data"] == {"detail": "upstream_connect_failed"}


async def test_server_that_comes_later_joins_in(tmp_path: Path) -> None:
    async with servers("a") as (a,), AsyncExitStack() as stack:
        port = free_port()
        url = f"http://127.0.0.1:{port}/mcp"
        late = McpFake(name="late", url=url, tools={"say": says("late")})
        _, client = await stack.enter_async_context(gateway(tmp_path, [a, late]))
        await client.begin()
        assert (await client.call("late_say")).status == 502
        await stack.enter_async_context(served(late, port))
        assert (await client.call("late_say")).result == text("late")
        assert late.methods() == ["initialize", "notifications/initialized", "tools/call"]
        listed = (await client.ask("tools/list")).result
        assert [tool["name"] for tool in listed["tools"]] == ["a_say", "late_say"]


async def test_no_server_at_all_is_an_error(tmp_path: Path) -> None:
    gone = McpFake(url="http://127.0.0.1:9/mcp", name="b")
    async with gateway(tmp_path, [gone]) as (_, client):
        refused = await client.ask("initialize", {"protocolVersion": "2025-11-25"})
        assert refused.status == 502
        assert "no connection" in refused.error["message"]


async def test_expired_session_is_opened_anew(tmp_path: Path) -> None:
    async with servers("a", "b") as found, gateway(tmp_path, found) as (_, client):
        a, _ = found
        await client.begin(capabilities={"roots": {}})
        assert (await client.call("a_say")).result == text("a")
        a.sessions.clear()
        assert (await client.call("a_say")).result == text("a")
        assert a.methods().count("initialize") == 2
        assert a.heard[-3]["params"]["capabilities"] == {"roots": {}}
        a.sessions.clear()
        listed = (await client.ask("tools/list")).result
        assert [tool["name"] for tool in listed["tools"]] == ["a_say", "b_say"]


async def test_what_a_tool_says_on_its_way_is_heard(tmp_path: Path) -> None:
    async def works(said: Said) -> web.StreamResponse:
        token = said.params["_meta"]["progressToken"]
        progress = {"progressToken": token, "progress": 0.5, "x": 1}
        await said.event({"method": "notifications/progress", "params": progress}, "e1")
        await said.event({"method": "notifications/message", "params": {"level": "info"}})
        return await said.done(text("done"))

    async with servers("a", "b") as found, gateway(tmp_path, found) as (_, client):
        found[1].tools["work"] = works
        await client.begin()
        params = {"name": "b_work", "_meta": {"progressToken": "p7"}}
        answer = await client.ask("tools/call", params)
        assert [one.get("method") for one in answer.messages] == [
            "notifications/progress",
            "notifications/message",
            None,
        ]
        assert answer.messages[0]["params"] == {"progressToken": "p7", "progress": 0.5, "x": 1}
        assert answer.events[0].id == b"b:e1"
        assert answer.result == text("done")


@pytest.mark.parametrize("name", ["q1", 7])
async def test_servers_ask_clients(tmp_path: Path, name: str | int) -> None:
    async def asks(said: Said) -> web.StreamResponse:
        meta = {"_meta": {"progressToken": 3}}
        answer = await said.ask("sampling/createMessage", {"maxTokens": 9, **meta}, name)
        return await said.done(text(answer["result"]["said"]))

    async with servers("a", "b") as found, gateway(tmp_path, found) as (_, client):
        found[1].tools["ask"] = asks
        await client.begin({"sampling": {}})
        message = {"id": 9, "method": "tools/call", "params": {"name": "b_ask"}}
        async with client.opened(message) as (_answer, coming):
            asked = await anext(coming)
            assert asked["method"] == "sampling/createMessage"
            assert asked["params"] == {"maxTokens": 9, "_meta": {"progressToken": "b:3"}}
            progress = {"progressToken": "b:3", "progress": 1}
            told = {"method": "notifications/progress", "params": progress}
            assert (await client.send(told)).status == 202
            back = await client.send({"id": asked["id"], "result": {"said": "Hei"}})
            assert back.status == 202
            assert (await anext(coming))["result"] == text("Hei")
        seen = [one for one in found[1].heard if one.get("method") == "notifications/progress"]
        assert seen[0]["params"]["progressToken"] == 3
        assert not any("said" in str(one) for one in found[0].heard)


async def test_cancellation_reaches_the_server(tmp_path: Path) -> None:
    async with servers("a", "b") as found, gateway(tmp_path, found) as (_, client):
        await client.begin()
        params = {"requestId": 4, "reason": "no more"}
        told = await client.send({"method": "notifications/cancelled", "params": params})
        assert told.status == 202
        assert [one["params"] for one in (found[0].heard[-1], found[1].heard[-1])] == [params] * 2


async def test_stream_that_breaks_off_ends_with_an_error(tmp_path: Path) -> None:
    async def breaks(said: Said) -> web.StreamResponse:
        await said.event({"method": "notifications/message", "params": {"level": "info"}})
        return said.cut()

    async with servers("a") as (a,), gateway(tmp_path, [a]) as (_, client):
        a.tools["break"] = breaks
        await client.begin()
        answer = await client.call("break")
        assert answer.messages[-1]["id"] == 3 - 1
        assert "its stream ended without an answer" in answer.error["message"]


async def test_what_servers_say_by_themselves_comes_over_one_stream(tmp_path: Path) -> None:
    async with servers("a", "b") as found, gateway(tmp_path, found) as (_, client):
        a, b = found
        await client.begin()
        async with client.opened(None, "GET") as (answer, coming):
            assert answer.status == 200
            await until(lambda: bool(a.streams and b.streams))
            changed = {"method": "notifications/tools/list_changed"}
            await a.say(changed, "1")
            assert (await anext(coming))["method"] == changed["method"]
            await b.say({"id": 5, "method": "roots/list"})
            asked = await anext(coming)
            await client.send({"id": asked["id"], "result": {"roots": []}})
            assert b.heard[-1]["id"] == 5
            assert answer.events[0].id == b"a:1"
        await until(lambda: not (a.streams or b.streams))


async def test_stream_is_resumed_at_its_server(tmp_path: Path) -> None:
    async with servers("a", "b") as found, gateway(tmp_path, found) as (_, client):
        await client.begin()
        async with client.opened(None, "GET", last_event_id="b:x:7") as (answer, coming):
            assert answer.status == 200
            assert found[1].last_event == "x:7"
            assert not found[0].streams
            await found[1].say({"method": "notifications/message"}, "8")
            await anext(coming)
            assert answer.events[0].id == b"b:8"


async def test_end_of_a_session_is_its_end_everywhere(tmp_path: Path) -> None:
    async with servers("a", "b") as found, gateway(tmp_path, found) as (_, client):
        await client.begin()
        async with client.opened(None, "DELETE") as (answer, _coming):
            assert answer.status == 200
        assert [len(one.ended) for one in found] == [1, 1]
        gone = await client.ask("tools/list")
        assert gone.status == 404
        assert gone.headers["x-outrider-detail"] == "session_not_found"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example.com", 403),
        ("null", 403),
        ("http://localhost:1234", 200),
        ("https://app.example.com", 200),
    ],
)
async def test_pages_of_other_origins_may_not_call(
    tmp_path: Path, origin: str, status: int
) -> None:
    allowed = ', allowed_origins: ["https://app.example.com"]'
    async with servers("a") as (a,), gateway(tmp_path, [a], listener=allowed) as (_, client):
        answer = await client.ask("initialize", {"protocolVersion": "2025-11-25"}, origin=origin)
        assert answer.status == status
        assert bool(a.heard) is (status == 200)


async def test_session_stays_with_its_endpoint_until_that_is_gone(tmp_path: Path) -> None:
    fakes = [McpFake(name="a", tools={"say": says(name)}) for name in ("one", "two")]
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(AsyncExitStack()) for _ in fakes]
        for fake, its in zip(fakes, running, strict=True):
            await its.enter_async_context(served(fake))
        urls = ", ".join(f'"{fake.url}"' for fake in fakes)
        config = (
            f"version: v0.4.0\nmcp_servers: [{{id: a, endpoints: [{urls}]}}]\nlisteners:\n"
            "  - {type: mcp, name: tools, address: 127.0.0.1, port: 0, mcp_servers: [a]}\n"
        )
        made = await stack.enter_async_context(planes(config, tmp_path))
        client = await stack.enter_async_context(mcp_client(f"{made.url('tools')}/mcp"))
        await client.begin()
        at = next(index for index, fake in enumerate(fakes) if fake.sessions)
        for _ in range(4):
            assert (await client.call("say")).result == text(("one", "two")[at])
        await running[at].aclose()
        assert (await client.call("say")).result == text(("two", "one")[at])
        assert not fakes[1 - at].ended


async def test_session_is_its_callers_alone(tmp_path: Path) -> None:
    keys = "api_keys: [{name: one, key: $KEY}, {name: two, key: $KEY2}]\n"
    guarded = ", auth: {api_keys: true}"
    async with (
        servers("a") as (a,),
        gateway(tmp_path, [a], listener=guarded, head=keys) as (_, client),
    ):
        refused = await client.ask("initialize", {"protocolVersion": "2025-11-25"})
        assert refused.status == 401
        assert refused.headers["www-authenticate"].startswith("Bearer ")
        assert refused.messages[0]["error"]["data"] == {"detail": "unauthenticated"}
        mine: dict[str, Any] = {"authorization": f"Bearer {ENVIRON['KEY']}"}
        await client.begin(**mine)
        assert (await client.call("say", **mine)).result == text("a")
        stolen = await client.call("say", authorization=f"Bearer {ENVIRON['KEY2']}")
        assert stolen.status == 404
        assert all("authorization" not in one for one in a.headers)


async def test_clients_learn_who_gives_out_tokens(tmp_path: Path) -> None:
    key = SigningKey("EC", "one")
    async with issuer(key) as it, servers("a") as (a,):
        jwt = f'issuer: "{ISSUER}", audiences: [{AUDIENCE}], jwks_uri: "{it.url}"'
        guarded = f", auth: {{jwt: {{{jwt}}}}}"
        async with gateway(tmp_path, [a], listener=guarded) as (made, client):
            refused = await client.ask("initialize", {"protocolVersion": "2025-11-25"})
            assert refused.status == 401
            where = refused.headers["www-authenticate"].partition('resource_metadata="')[2][:-1]
            assert where == f"{made.url('tools')}/.well-known/oauth-protected-resource/mcp"
            async with client.http.get(where) as answer:
                assert answer.status == 200
                assert await answer.json() == {
                    "resource": client.url,
                    "authorization_servers": [ISSUER],
                    "bearer_methods_supported": ["header"],
                }
            async with client.http.get(f"{made.url('tools')}/.well-known/other") as answer:
                assert answer.status == 401
            await client.begin(authorization=f"Bearer {key.token()}")


REFUSALS: list[tuple[str, str, dict[str, str], int, str]] = [
    ("/other", "POST", {}, 404, "route_not_found"),
    ("/mcp", "PUT", {}, 405, "method_not_allowed"),
    ("/mcp", "POST", {"accept": "text/html"}, 406, "bad_request"),
    ("/mcp", "POST", {"body": "x" * 2000}, 413, "body_too_large"),
    ("/mcp", "POST", {"content-type": "text/plain"}, 415, "invalid_body"),
    ("/mcp", "POST", {"content-encoding": "gzip"}, 415, "invalid_body"),
    ("/mcp", "POST", {"x": "y" * 17_000}, 431, "headers_too_large"),
]


@pytest.mark.parametrize("listener", ["tools", "desk"])
async def test_refusals_of_ours_are_errors_of_json_rpc(tmp_path: Path, listener: str) -> None:
    desk = (
        "agents: [{id: x, url: 'http://127.0.0.1:1'}]\nlisteners:\n"
        "  - {type: agent, name: desk, address: 127.0.0.1, port: 0, limits: {max_body_bytes: 1024},"
        " agents: [{id: x, description: X.}]}\n"
    )
    limits = ", limits: {max_body_bytes: 1024}"
    async with (
        servers("a") as (a,),
        gateway(tmp_path, [a], listener=limits, listeners=desk) as (made, _),
        ClientSession() as http,
    ):
        for path, method, headers, status, detail in REFUSALS:
            named = {"accept": BOTH, "content-type": "application/json", **headers}
            body = named.pop("body", "{}").encode()
            url = made.url(listener) + path
            async with http.request(method, url, data=body, headers=named) as answer:
                told = await answer.json()
            assert (answer.status, answer.headers["x-outrider-detail"]) == (status, detail)
            if (listener, path) == ("desk", "/other"):
                assert told["error"]["code"] == detail  # no MCP is spoken there
                continue
            assert (told["jsonrpc"], told["id"]) == ("2.0", None)
            assert told["error"]["code"] == -32000
            assert told["error"]["message"]
            assert told["error"]["data"] == {"detail": detail}


async def test_what_is_too_much_or_too_slow_is_an_error_of_json_rpc(tmp_path: Path) -> None:
    running = asyncio.Event()

    async def hangs(_: Said) -> web.StreamResponse:
        running.set()
        await asyncio.Event().wait()
        raise AssertionError

    one = ", timeout: 1s, limits: {max_requests: 1, max_queue: 0}"
    async with (
        mcp_server("a", tools={"say": hangs}) as a,
        gateway(tmp_path, [a], "", one) as (
            _,
            client,
        ),
    ):
        await client.begin()
        slow = asyncio.ensure_future(client.call("say"))
        await running.wait()
        busy = await client.ask("ping")
        assert (busy.status, busy.error["code"]) == (503, -32603)
        assert busy.error["data"] == {"detail": "overloaded"}
        late = await slow
        assert (late.status, late.error["data"]) == (504, {"detail": "deadline_exceeded"})


async def test_credentials_go_where_the_operator_sends_them(tmp_path: Path) -> None:
    house = ", headers: {authorization: 'Bearer $TOKEN', x-team: blue}"
    async with servers("a") as (a,), gateway(tmp_path, [a], house) as (_, client):
        await client.begin(authorization="Bearer mine", cookie="c=1", x_tenant="t")
        one = a.headers[-1]
        assert one["authorization"] == "Bearer t-of-the-house"
        assert (one["x-team"], one["x-tenant"]) == ("blue", "t")
        assert "cookie" not in one
        stolen = await client.call("say", authorization="Bearer theirs")
        assert stolen.status == 404
    passing = ", passthrough_auth: true"
    async with servers("a") as (a,), gateway(tmp_path / "2", [a], passing) as (_, client):
        await client.begin(authorization="Bearer mine")
        assert a.headers[-1]["authorization"] == "Bearer mine"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, -32700),
        (b"[]", 400, -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":1}', 400, -32600),
    ],
)
async def test_what_is_no_message_is_told_so(
    tmp_path: Path, body: bytes, status: int, code: int
) -> None:
    async with servers("a") as (a,), gateway(tmp_path, [a]) as (_, client):
        await client.begin()
        answer = await client.http.post(client.url, data=body, headers=client.headers())
        assert answer.status == status
        assert json.loads(await answer.read())["error"]["code"] == code


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("PUT", {}, 405),
        ("POST", {"accept": "application/json"}, 406),
        ("POST", {"content_type": "text/plain"}, 415),
        ("GET", {"accept": "text/html"}, 406),
        ("GET", {}, 400),
        ("DELETE", {"mcp_session_id": "made-up"}, 404),
        ("POST", {"mcp_session_id": "made-up"}, 404),
    ],
)
async def test_requests_that_are_no_requests_of_mcp(
    tmp_path: Path, method: str, headers: dict[str, str], status: int
) -> None:
    async with servers("a") as (a,), gateway(tmp_path, [a]) as (_, client):
        ping = {"id": 1, "method": "ping"} if method != "GET" else None
        async with client.opened(ping, method, **headers) as (answer, _coming):
            assert answer.status == status
        assert a.heard == []
