"""An MCP server that does what the test says: with sessions, without, or both."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

Json = dict[str, Any]
SESSIONS, STATELESS = "2025-11-25", "2026-07-28"
STREAM = {"content-type": "text/event-stream"}


class Said:
    """One request that came, and ways to answer it."""

    def __init__(self, server: "McpFake", body: Json, request: web.Request) -> None:
        self.server = server
        self.body = body
        self.headers = {name.lower(): value for name, value in request.headers.items()}
        self.params: Json = body.get("params") or {}
        self._request = request
        self._stream: web.StreamResponse | None = None
        self.left = asyncio.Event()
        """Set when whoever asked went away before the answer was whole."""

    async def event(self, message: Json, name: str = "") -> None:
        """Say something on the stream of this answer."""
        if self._stream is None:
            self._stream = web.StreamResponse(headers=STREAM)
            await self._stream.prepare(self._request)
        head = f"id: {name}\n" if name else ""
        data = msgspec.json.encode({"jsonrpc": "2.0", **message}).decode()
        await self._stream.write(f"{head}event: message\ndata: {data}\n\n".encode())

    async def ask(self, method: str, params: Json, name: str | int = "q1") -> Json:
        """A request to the client, and its response."""
        waits = self.server.waiting[name] = asyncio.get_running_loop().create_future()
        await self.event({"id": name, "method": method, "params": params})
        answer: Json = await waits
        return answer

    async def done(self, result: Json) -> web.StreamResponse:
        """The response."""
        if self._stream is None:
            return web.json_response({"jsonrpc": "2.0", "id": self.body["id"], "result": result})
        await self.event({"id": self.body["id"], "result": result})
        return self._stream

    def cut(self) -> web.StreamResponse:
        """The stream, which ends without a response when that is returned."""
        assert self._stream is not None
        return self._stream


Tool = Callable[[Said], Awaitable[web.StreamResponse]]


def text(words: str) -> Json:
    """The result of a tool that says something."""
    return {"content": [{"type": "text", "text": words}]}


def says(words: str) -> Tool:
    """A tool that says something."""

    async def run(said: Said) -> web.StreamResponse:
        return await said.done(text(words))

    return run


@dataclass
class McpFake:
    """A running server; everything may be changed at any time."""

    url: str = ""
    name: str = "fake"
    generations: tuple[str, ...] = (SESSIONS,)
    tools: dict[str, Tool] = field(default_factory=dict)
    about: dict[str, Json] = field(default_factory=dict)
    """More of what is listed of a tool."""
    resources: dict[str, str] = field(default_factory=dict)
    prompts: tuple[str, ...] = ()
    capabilities: Json = field(default_factory=lambda: {"tools": {"listChanged": True}})
    page: int = 100
    """Entries of one page."""
    sessions: set[str] = field(default_factory=set)
    heard: list[Json] = field(default_factory=list)
    """Every message, in order."""
    headers: list[dict[str, str]] = field(default_factory=list)
    """Of every request."""
    ended: list[str] = field(default_factory=list)
    waiting: dict[Any, "asyncio.Future[Json]"] = field(default_factory=dict)
    streams: "list[asyncio.Queue[bytes]]" = field(default_factory=list)
    last_event: str | None = None

    def methods(self) -> list[str]:
        """What was asked for."""
        return [one["method"] for one in self.heard if "method" in one]

    async def say(self, message: Json, name: str = "") -> None:
        """Tell it to everybody who listens."""
        head = f"id: {name}\n" if name else ""
        data = msgspec.json.encode({"jsonrpc": "2.0", **message}).decode()
        for queue in self.streams:
            await queue.put(f"{head}data: {data}\n\n".encode())

    async def post(self, request: web.Request) -> web.StreamResponse:
        """One message."""
        body = msgspec.json.decode(await request.read())
        self.heard.append(body)
        said = Said(self, body, request)
        self.headers.append(said.headers)
        method = body.get("method")
        if said.headers.get("mcp-protocol-version") in (STATELESS, "2099-01-01"):
            return await self._stateless(said)
        if SESSIONS not in self.generations:
            return self._error(body, -32022, 400, {"supported": [STATELESS]})
        session = said.headers.get("mcp-session-id", "")
        if method == "initialize":
            session = f"{self.name}-{len(self.sessions) + len(self.ended)}"
            self.sessions.add(session)
            answer = {
                "protocolVersion": body["params"]["protocolVersion"],
                "capabilities": self.capabilities,
                "serverInfo": {"name": self.name, "version": "1"},
                "instructions": f"I am {self.name}.",
                "x-unknown": {"kept": True},
            }
            response = await said.done(answer)
            response.headers["mcp-session-id"] = session
            return response
        if session not in self.sessions:
            return self._error(body, -32001, 404)
        if "id" not in body or method is None:
            if method is None and body["id"] in self.waiting:
                self.waiting.pop(body["id"]).set_result(body)
            return web.Response(status=202)
        return await self._run(said)

    async def _stateless(self, said: Said) -> web.StreamResponse:
        if STATELESS not in self.generations:
            return self._error(said.body, -32000, 400)
        if said.body.get("method") == "server/discover":
            return await said.done(
                {
                    "resultType": "complete",
                    "supportedVersions": list(self.generations),
                    "capabilities": self.capabilities,
                    "instructions": f"I am {self.name}.",
                    "ttlMs": 0,
                    "cacheScope": "private",
                }
            )
        return await self._run(said)

    async def _run(self, said: Said) -> web.StreamResponse:
        try:
            return await self._answer(said)
        except (asyncio.CancelledError, ConnectionError):
            said.left.set()
            raise

    async def _answer(self, said: Said) -> web.StreamResponse:
        params = said.params
        match said.body["method"]:
            case "tools/call" if params.get("name") in self.tools:
                return await self.tools[params["name"]](said)
            case "tools/list":
                listed = [
                    {"name": name, "inputSchema": {"type": "object"}, **self.about.get(name, {})}
                    for name in self.tools
                ]
                return await said.done(self._page("tools", listed, params))
            case "prompts/list":
                named = [{"name": name} for name in self.prompts]
                return await said.done(self._page("prompts", named, params))
            case "prompts/get" if params["name"] in self.prompts:
                return await said.done({"description": f"{self.name} {params['name']}"})
            case "resources/list":
                found = [{"uri": uri, "name": uri} for uri in self.resources]
                return await said.done(self._page("resources", found, params))
            case "resources/read" if params["uri"] in self.resources:
                one = {"uri": params["uri"], "text": self.resources[params["uri"]]}
                return await said.done({"contents": [one]})
            case "resources/subscribe" | "resources/unsubscribe" if params["uri"] in self.resources:
                return await said.done({})
            case "subscriptions/listen":
                return await self._listened(said)
            case "logging/setLevel" | "ping":
                return await said.done({})
            case "completion/complete":
                return await said.done({"completion": {"values": [self.name]}})
            case "resources/read" | "resources/subscribe":
                return self._error(said.body, -32002)
            case "tools/call" | "prompts/get":
                return self._error(said.body, -32602)
            case _:
                return self._error(said.body, -32601)

    async def _listened(self, said: Said) -> web.StreamResponse:
        """What it says by itself, to who has no session."""
        await said.event({"method": "notifications/subscriptions/acknowledged", "params": {}})
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.streams.append(queue)
        try:
            while data := await queue.get():
                await said.cut().write(data)
        finally:
            self.streams.remove(queue)
        return said.cut()

    def _page(self, where: str, entries: list[Json], params: Json) -> Json:
        at = int(params.get("cursor", 0))
        page: Json = {where: entries[at : at + self.page], "x-unknown": 1.0}
        if at + self.page < len(entries):
            page["nextCursor"] = str(at + self.page)
        return page

    def _error(
        self, body: Json, code: int, status: int = 200, data: Json | None = None
    ) -> web.Response:
        error: Json = {"code": code, "message": f"{self.name} says {code}"}
        if data is not None:
            error["data"] = data
        told = {"jsonrpc": "2.0", "id": body.get("id"), "error": error}
        return web.json_response(told, status=status)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """The stream of what it says by itself."""
        if request.headers.get("mcp-session-id") not in self.sessions:
            return web.Response(status=404)
        self.last_event = request.headers.get("last-event-id")
        stream = web.StreamResponse(headers=STREAM)
        await stream.prepare(request)
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.streams.append(queue)
        try:
            while data := await queue.get():
                await stream.write(data)
        finally:
            self.streams.remove(queue)
        return stream

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """The end of a session."""
        session = request.headers["mcp-session-id"]
        self.sessions.discard(session)
        self.ended.append(session)
        return web.Response(status=200)


@asynccontextmanager
async def mcp_server(name: str = "fake", port: int = 0, **more: Any) -> AsyncIterator[McpFake]:
    """A server on a port of the system's choice, or on one that it had before."""
    fake = McpFake(name=name, **more)
    async with served(fake, port):
        yield fake


@asynccontextmanager
async def served(fake: McpFake, port: int = 0) -> AsyncIterator[None]:
    """The same of a server that exists: it comes, and goes."""
    app = web.Application()
    app.router.add_post("/mcp", fake.post)
    app.router.add_get("/mcp", fake.get)
    app.router.add_delete("/mcp", fake.delete)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
        fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
        yield
    finally:
        await runner.cleanup()
