"""Agents and filters for tests: aiohttp servers on port 0 that say what the test wants."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from dataplane.runtime.config import Endpoint

Answering = Callable[["Received"], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Received:
    """One request that came to a service."""

    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: dict[str, Any]
    request: web.Request
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the caller left before the answer was whole."""


class Service:
    """A running service; `answer` may be changed at any time."""

    def __init__(self, endpoint: Endpoint, answer: Answering, received: list[Received]) -> None:
        self.endpoint = endpoint
        self.answer = answer
        self.received = received
        self.open = 0
        """Requests that it works on."""

    @property
    def url(self) -> str:
        """Its base address."""
        return f"http://{self.endpoint.host}:{self.endpoint.port}"


@asynccontextmanager
async def service(answer: Answering) -> AsyncIterator[Service]:
    """Answers every POST with `answer`."""
    received: list[Received] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        one = Received(
            request.path,
            {name.lower(): value for name, value in request.headers.items()},
            _json(await request.read()),
            request,
        )
        received.append(one)
        running.open += 1
        try:
            return await running.answer(one)
        except (asyncio.CancelledError, ConnectionError):
            one.cancelled.set()
            raise
        finally:
            running.open -= 1

    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        running = Service(Endpoint(host, port), answer, received)
        yield running
    finally:
        await runner.cleanup()


def _json(body: bytes) -> dict[str, Any]:
    """A body; nothing when it is none (a piece of a stream)."""
    try:
        read: dict[str, Any] = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return read


def completion(text: str) -> dict[str, Any]:
    """A chat completion that says `text`."""
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": "test",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
    }


def events(words: Sequence[str]) -> list[bytes]:
    """The events of a streamed chat completion."""

    def event(choices: list[dict[str, Any]], **more: object) -> bytes:
        chunk = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "test",
            "choices": choices,
            **more,
        }
        return b"data: " + msgspec.json.encode(chunk) + b"\n\n"

    said = [event([{"index": 0, "delta": {"content": word}}]) for word in words]
    end = event([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    usage = event([], usage={"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8})
    return [*said, end, usage, b"data: [DONE]\n\n"]


def says(*words: str) -> Answering:
    """Answers with these words, streamed when asked to."""

    async def answer(one: Received) -> web.StreamResponse:
        if one.body.get("stream") is not True:
            return web.json_response(completion("".join(words)))
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(one.request)
        for data in events(words):
            await response.write(data)
        return response

    return answer


def replies(status: int, body: object = None, **headers: str) -> Answering:
    """Answers with a status and JSON."""

    async def answer(one: Received) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(body, status=status, headers=named)

    return answer


def in_turn(*answers: Answering) -> Answering:
    """The first for the first request and so on; the last one for all others."""
    left = list(answers)

    async def answer(one: Received) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(one)

    return answer


def never() -> Answering:
    """Does not answer."""

    async def answer(one: Received) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    return answer


def starts_and_hangs(first: bytes) -> Answering:
    """Begins a stream and says no more."""

    async def answer(one: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(one.request)
        await response.write(first)
        await asyncio.Event().wait()
        raise AssertionError

    return answer


def says_on(go_on: asyncio.Event, *words: str) -> Answering:
    """Streams the first of these words, and the others when it is told to go on."""

    async def answer(one: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(one.request)
        first, *others = events(words)
        await response.write(first)
        await go_on.wait()
        await response.write(b"".join(others))
        return response

    return answer
