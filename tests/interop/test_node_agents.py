"""Agents in JavaScript as services, apart from any gateway: what deploy/running/chat.mjs promises.

The run of two of them behind a listener is what the examples themselves assert.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import ClientSession, web

from deploy.examples.frameworks.programs import agent
from tests.support.agents import Received, Service, replies, service, starts_and_hangs
from tests.support.ports import free_port

FRAMEWORKS = ["vercel_ai", pytest.param("langchain_js", marks=pytest.mark.full)]
HELLO = [{"role": "user", "content": "Hello"}]
START_S = 60
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}

pytestmark = [pytest.mark.interop, pytest.mark.parametrize("framework", FRAMEWORKS)]


def chunk(content: str, finish: str | None = None) -> bytes:
    """An event of the model's."""
    delta = {"role": "assistant", "content": content}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps(CHUNK | {"choices": [choice]}).encode() + b"\n\n"


@asynccontextmanager
async def writer(framework: str, model: Service) -> AsyncIterator[ClientSession]:
    """A client of the writer, which asks the model directly."""
    program = await asyncio.to_thread(agent, framework, "writer", free_port(), f"{model.url}/v1")
    url = program.ready_url.removesuffix("/healthz")
    process = await asyncio.create_subprocess_exec(*program.command)
    try:
        async with ClientSession(url, timeout=aiohttp.ClientTimeout(30)) as client:
            async with asyncio.timeout(START_S):
                while not await _serves(client):  # noqa: ASYNC110 - each look is a request
                    await asyncio.sleep(0.05)
            yield client
    finally:
        process.terminate()
        assert await process.wait() == 0


async def _serves(client: ClientSession) -> bool:
    try:
        async with client.get("/healthz") as answer:
            return answer.status == 200
    except aiohttp.ClientConnectorError:
        return False


async def test_model_is_asked_within_the_run(framework: str) -> None:
    run = {"x-outrider-run": "sealed", "traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}
    async with (
        service(replies(429, {"error": {"message": "The budget is used up."}})) as model,
        writer(framework, model) as client,
    ):
        asked = {"messages": HELLO, "stream": True}
        async with client.post("/v1/chat/completions", json=asked, headers=run) as answer:
            told = (answer.status, await answer.json())
    assert told[0] == 429
    assert "The budget is used up." in told[1]["error"]["message"]
    sent = [{name: one.headers.get(name) for name in run} for one in model.received]
    assert sent == [run]  # once: who tries again is the gateway


async def test_runs_at_the_same_time_keep_their_calls_apart(framework: str) -> None:
    """One agent answers all requests: what belongs to a run must not stay in it."""
    runs = [f"run-{at}" for at in range(8)]
    all_there = asyncio.Event()

    async def says_which_run(one: Received) -> web.StreamResponse:
        if len(model.received) == len(runs):
            all_there.set()
        await all_there.wait()
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(one.request)
        await response.write(chunk(one.headers["x-outrider-run"]))
        await response.write(chunk("", "stop") + b"data: [DONE]\n\n")
        return response

    async def asked(client: ClientSession, run: str) -> str:
        body = {"messages": [{"role": "user", "content": "Which run is it?"}]}
        headers = {"x-outrider-run": run}
        async with client.post("/v1/chat/completions", json=body, headers=headers) as answer:
            told = await answer.json()
        words: str = told["choices"][0]["message"]["content"]
        return words

    async with service(says_which_run) as model, writer(framework, model) as client:
        assert await asyncio.gather(*(asked(client, run) for run in runs)) == runs


async def test_client_that_leaves_takes_the_call_of_the_model_along(framework: str) -> None:
    async with (
        service(starts_and_hangs(chunk("Dear "))) as model,
        writer(framework, model) as client,
    ):
        asked = {"messages": HELLO, "stream": True}
        answer = await client.post("/v1/chat/completions", json=asked)
        first = json.loads((await answer.content.readline())[6:])
        assert first["choices"][0]["delta"] == {"role": "assistant", "content": "Dear "}
        answer.close()
        async with asyncio.timeout(5):
            await model.received[0].cancelled.wait()


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"messages": []}', '{"messages": [7]}'])
async def test_what_is_no_request_is_refused(framework: str, body: str) -> None:
    async with (
        service(replies(500, {})) as model,
        writer(framework, model) as client,
        client.post("/v1/chat/completions", data=body) as answer,
    ):
        assert answer.status == 400
        assert "messages" in (await answer.json())["error"]["message"]
    assert model.received == []
