"""A client of MCP that shows what came, bytes and all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec

from dataplane.mcp.events import Event, EventDecoder

Json = dict[str, Any]
BOTH = "application/json, text/event-stream"
META = "io.modelcontextprotocol/"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    messages: list[Json] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def result(self) -> Json:
        """Of the response, which is the last message."""
        assert "result" in self.messages[-1], self.messages[-1]
        found: Json = self.messages[-1]["result"]
        return found

    @property
    def error(self) -> Json:
        """The same of an error."""
        found: Json = self.messages[-1]["error"]
        return found


class McpClient:
    """One client; `session` is the id that the server gave it."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http = http
        self.url = url
        self.session = ""
        self._last = 0

    def headers(self, **more: str) -> dict[str, str]:
        """Of a request in the session."""
        named = {name.replace("_", "-"): value for name, value in more.items()}
        session = {"mcp-session-id": self.session} if self.session else {}
        version = {"mcp-protocol-version": "2025-11-25"} if self.session else {}
        return {"accept": BOTH, "content-type": "application/json", **session, **version, **named}

    async def begin(self, capabilities: Json | None = None, **headers: str) -> Json:
        """A session."""
        params = {
            "protocolVersion": "2025-11-25",
            "capabilities": capabilities or {},
            "clientInfo": {"name": "test", "version": "1"},
        }
        answer = await self.ask("initialize", params, **headers)
        self.session = answer.headers["mcp-session-id"]
        told = await self.send({"method": "notifications/initialized"}, **headers)
        assert told.status == 202
        return answer.result

    async def ask(self, method: str, params: Json | None = None, **headers: str) -> Answer:
        """A request and everything until its response."""
        self._last += 1
        message: Json = {"id": self._last, "method": method}
        if params is not None:
            message["params"] = params
        return await self.send(message, **headers)

    async def call(self, tool: str, arguments: Json | None = None, **headers: str) -> Answer:
        """Call a tool."""
        return await self.ask("tools/call", {"name": tool, "arguments": arguments or {}}, **headers)

    async def send(self, message: Json, **headers: str) -> Answer:
        """A message, and what comes."""
        async with self.opened(message, **headers) as (answer, coming):
            async for _ in coming:
                pass
            return answer

    @asynccontextmanager
    async def opened(
        self, message: Json | None, method: str = "POST", **headers: str
    ) -> AsyncIterator[tuple[Answer, AsyncIterator[Json]]]:
        """A message, or nothing, and what comes, as it comes."""
        data = None
        if message is not None:
            data = msgspec.json.encode({"jsonrpc": "2.0", **message})
        asking = self.http.request(method, self.url, data=data, headers=self.headers(**headers))
        async with asking as response:
            named = {name.lower(): value for name, value in response.headers.items()}
            answer = Answer(response.status, named)
            yield answer, _coming(answer, response)

    async def stateless(self, method: str, params: Json | None = None, **headers: str) -> Answer:
        """A request of 2026-07-28."""
        return await self.send(
            self.stateless_message(method, params), **of(method, params, headers)
        )

    def stateless_message(self, method: str, params: Json | None = None) -> Json:
        """Its body."""
        self._last += 1
        meta = {
            f"{META}protocolVersion": "2026-07-28",
            f"{META}clientInfo": {"name": "test", "version": "1"},
            f"{META}clientCapabilities": {"elicitation": {}, "sampling": {}, "roots": {}},
            **((params or {}).get("_meta") or {}),
        }
        return {"id": self._last, "method": method, "params": {**(params or {}), "_meta": meta}}


def of(method: str, params: Json | None, more: dict[str, str]) -> dict[str, str]:
    """The headers of a request of 2026-07-28."""
    named = (params or {}).get("name") or (params or {}).get("uri")
    name = {"mcp_name": named} if named else {}
    return {"mcp_protocol_version": "2026-07-28", "mcp_method": method, **name, **more}


async def _coming(answer: Answer, response: aiohttp.ClientResponse) -> AsyncIterator[Json]:
    if response.content_type != "text/event-stream":
        body = await response.read()
        if body:
            answer.messages.append(msgspec.json.decode(body))
            yield answer.messages[-1]
        return
    decoder = EventDecoder()
    async for piece in response.content.iter_any():
        for event in decoder.feed(piece):
            answer.events.append(event)
            if event.is_message:
                answer.messages.append(msgspec.json.decode(event.data))
                yield answer.messages[-1]


@asynccontextmanager
async def mcp_client(url: str) -> AsyncIterator[McpClient]:
    """A client that has not begun."""
    async with aiohttp.ClientSession() as http:
        yield McpClient(http, url)
