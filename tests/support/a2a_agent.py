"""A scripted A2A agent for tests: its card, and what it says to each call, over JSON-RPC of 1.0."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from dataplane.agents.a2a.telling import Folded
from dataplane.agents.a2a.values import mapping

Json = dict[str, Any]
IDS = {"taskId": "t-1", "contextId": "c-1"}


def status(state: str, said: str = "") -> Json:
    """A status update."""
    told: Json = {"state": f"TASK_STATE_{state}"}
    if said:
        told["message"] = {"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": said}]}
    return {"statusUpdate": IDS | {"status": told}}


def task(state: str, *artifacts: str) -> Json:
    """A task."""
    made: Json = {"id": "t-1", "contextId": "c-1", "status": {"state": f"TASK_STATE_{state}"}}
    if artifacts:
        made["artifacts"] = [{"artifactId": "a", "parts": [{"text": one}]} for one in artifacts]
    return {"task": made}


def artifact(said: str) -> Json:
    """More of an answer."""
    one = {"artifactId": "a", "parts": [{"text": said}]}
    return {"artifactUpdate": IDS | {"artifact": one, "append": True}}


HANG = "hang"
CUT = "cut"
Script = Callable[[Json], list[Json | str]]
"""The params of a message -> events, the words HANG and CUT among them."""


@dataclass(slots=True)
class Agent:
    """A running agent."""

    script: Script
    card: Json = field(default_factory=dict)
    url: str = ""
    calls: list[tuple[str, Json]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    tasks: list[Json] = field(default_factory=list)
    """What GetTask says, in turn; the last one stays."""
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    has_card: bool = True
    etag: str = ""
    """Of its card; the server answers 304 to who has it."""
    card_headers: list[dict[str, str]] = field(default_factory=list)
    """Of those who asked for its card."""

    async def on_card(self, request: web.Request) -> web.Response:
        """GET of the card."""
        self.card_headers.append({name.lower(): value for name, value in request.headers.items()})
        if not self.has_card:
            return web.Response(status=404)
        if not self.etag:
            return web.json_response(self.card)
        headers = {"etag": self.etag}
        if request.headers.get("if-none-match") == self.etag:
            return web.Response(status=304, headers=headers)
        return web.json_response(self.card, headers=headers)

    async def on_call(self, request: web.Request) -> web.StreamResponse:
        """POST of JSON-RPC."""
        body = json.loads(await request.read())
        self.calls.append((body["method"], body["params"]))
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.paths.append(request.path)
        match body["method"]:
            case "GetTask":
                found = self.tasks.pop(0) if len(self.tasks) > 1 else self.tasks[0]
                return self._result(found["task"])
            case "CancelTask":
                self.cancelled.set()
                return self._result(task("CANCELED")["task"])
            case "SendMessage":
                fold = Folded()
                for event in self.script(body["params"]):
                    fold.feed(mapping(event))
                return self._result(fold.result())
            case _:
                return await self._stream(request, body)

    async def _stream(self, request: web.Request, body: Json) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for event in self.script(body["params"]):
            if event == HANG:
                await asyncio.Event().wait()
            if event == CUT:
                assert request.transport is not None
                request.transport.close()
                return response
            data = json.dumps({"jsonrpc": "2.0", "id": body["id"], "result": event})
            await response.write(f"data: {data}\n\n".encode())
        return response

    @staticmethod
    def _result(value: object) -> web.Response:
        return web.json_response({"jsonrpc": "2.0", "id": 1, "result": value})


@asynccontextmanager
async def a2a_agent(script: Script, prefix: str = "") -> AsyncIterator[Agent]:
    """Serves below a path."""
    agent = Agent(script)
    app = web.Application()
    app.router.add_get(prefix + "/.well-known/agent-card.json", agent.on_card)
    app.router.add_post("/{path:.*}", agent.on_call)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        agent.url = f"http://{host}:{port}{prefix}"
        agent.card = {
            "name": "Locksmith",
            "description": "Finds keys of cellars and attics, and opens locked doors.",
            "version": "1.0.0",
            "supportedInterfaces": [
                {
                    # what an agent believes of its address is not where it is reached
                    "url": f"http://internal.example:9{prefix}/rpc",
                    "protocolBinding": "JSONRPC",
                    "protocolVersion": "1.0",
                }
            ],
            "capabilities": {"streaming": True},
            "defaultInputModes": ["text/plain"],
            "defaultOutputModes": ["text/plain"],
            "skills": [
                {
                    "id": "keys",
                    "name": "Keys",
                    "description": "Tells where a key is.",
                    "tags": ["keys"],
                    "examples": ["Where is the key of the cellar?"],
                }
            ],
        }
        yield agent
    finally:
        await runner.cleanup()
