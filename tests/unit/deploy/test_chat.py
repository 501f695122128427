"""The chat API around an agent: its words as they come, and failures as what they are."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientSession, web

from deploy.running.chat import Answer, Asked, Usage, application

HELLO = {"messages": [{"role": "user", "content": "Hello"}], "stream": True}


class RefusedError(Exception):
    """As SDKs raise it."""

    status_code = 429


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[ClientSession]:
    runner = web.AppRunner(application("agent", answer), access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with ClientSession(f"http://{host}:{port}") as http:
        yield http
    await runner.cleanup()


async def test_words_are_sent_as_they_are_said() -> None:
    heard = asyncio.Event()

    async def answer(_: Asked) -> AsyncIterator[str | Usage]:
        yield "Good "
        await heard.wait()
        yield "day."

    async with (
        serving(answer) as http,
        http.post("/v1/chat/completions", json=HELLO) as told,
    ):
        first = json.loads((await told.content.readuntil(b"\n\n"))[6:])
        assert first["choices"][0]["delta"]["content"] == "Good "
        heard.set()
        assert (await told.text()).endswith("data: [DONE]\n\n")


async def test_agent_gets_the_headers_of_the_run_to_pass_them_on() -> None:
    async def answer(asked: Asked) -> AsyncIterator[str | Usage]:
        yield json.dumps(asked.run_headers)

    run = {"x-outrider-run": "sealed", "traceparent": "00-1-2-01"}
    asked = {"messages": HELLO["messages"]}
    async with serving(answer) as http:
        others = {"authorization": "Bearer secret"}
        async with http.post("/v1/chat/completions", json=asked, headers=run | others) as told:
            completion = await told.json()
    assert json.loads(completion["choices"][0]["message"]["content"]) == run


async def test_what_a_model_refuses_is_refused() -> None:
    async def answer(_: Asked) -> AsyncIterator[str | Usage]:
        raise RefusedError("The budget is used up.")
        yield ""

    async with (
        serving(answer) as http,
        http.post("/v1/chat/completions", json=HELLO) as told,
    ):
        assert told.status == 429
        assert "The budget is used up." in (await told.json())["error"]["message"]


async def test_stream_that_fails_ends_with_the_error_and_no_end() -> None:
    async def answer(_: Asked) -> AsyncIterator[str | Usage]:
        yield "Good "
        raise RefusedError("The budget is used up.")

    async with (
        serving(answer) as http,
        http.post("/v1/chat/completions", json=HELLO) as told,
    ):
        assert told.status == 200
        text = await told.text()
    assert "The budget is used up." in text
    assert "[DONE]" not in text


async def test_client_that_leaves_ends_what_is_done_for_it() -> None:
    ended = asyncio.Event()

    async def answer(_: Asked) -> AsyncIterator[str | Usage]:
        try:
            yield "Good "
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with serving(answer) as http:
        told = await http.post("/v1/chat/completions", json=HELLO)
        await told.content.readuntil(b"\n\n")
        told.close()
        async with asyncio.timeout(5):
            await ended.wait()
