"""A client that leaves: whatever runs for it is stopped at once, in every state."""

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from dataplane.runtime.config import RuntimeConfig
from dataplane.runtime.retry import RetryPolicy
from dataplane.server.translated import BIG_BODY_BYTES
from tests.support.gateway import (
    AT_ONCE,
    Gateway,
    gateway,
    model_config,
    with_fallback,
)
from tests.support.raw_client import RawClient, connected, post
from tests.support.upstream import (
    DONE,
    USAGE,
    USAGE_EVENT,
    Received,
    Script,
    Step,
    always,
    chunk,
    chunked_head,
    event,
    json_answer,
    upstream,
)
from tests.support.wait import until

CHAT = post(b'{"model":"gpt","stream":true,"messages":[]}')
MESSAGES = post(
    b'{"model":"gpt","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}',
    path="/v1/messages",
)
ASKS = [pytest.param(CHAT, id="relayed"), pytest.param(MESSAGES, id="translated")]
ENDS = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'
STATES = [
    pytest.param((), id="before the head"),
    pytest.param((chunked_head(),), id="before the first event"),
    pytest.param((chunked_head() + chunk(ROLE),), id="before the content"),
    pytest.param((chunked_head() + chunk(event("Sun")),), id="in the content"),
    pytest.param((b"HTTP/1.1 503 No\r\ncontent-length: 9\r\n\r\n{",), id="within an error"),
]


def then_nothing(*steps: Step) -> Script:
    async def script(received: Received) -> AsyncIterator[Step]:
        for step in steps:
            yield step
        await asyncio.Event().wait()

    return script


def left(gate: Gateway) -> None:
    """Nothing is left of any request."""
    for name in "cd":
        standing = gate.services.standings.of(name)
        assert [load.active for load in standing.loads] in ([], [0])
        assert (standing.waiting, standing.retries.running) == (0, 0)


async def leave(client: RawClient, gate: Gateway) -> None:
    """And wait until that is known."""
    client.close()
    await until(lambda: bool(gate.records))
    (record,) = gate.records
    assert record.detail == "downstream_gone"


@pytest.mark.parametrize("asked", ASKS)
@pytest.mark.parametrize("steps", STATES)
async def test_the_provider_is_cut_off(asked: bytes, steps: tuple[bytes, ...]) -> None:
    async with (
        upstream(then_nothing(*steps)) as fake,
        upstream() as other,
        gateway(with_fallback(model_config(fake.endpoint), other.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(asked)
        await until(lambda: fake.written >= sum(map(len, steps)) and bool(fake.requests))
        await leave(client, gate)
        await until(lambda: fake.open == 0)
        assert other.requests == []
        left(gate)


LAST = [pytest.param(CHAT, b"[DONE]", id="relayed")]
LAST += [pytest.param(MESSAGES, b"message_stop", id="translated")]


@pytest.mark.parametrize(("asked", "last"), LAST)
async def test_who_leaves_after_the_last_event_has_had_all(asked: bytes, last: bytes) -> None:
    """OpenAI's SDK does (2.x): it reads `[DONE]` and hangs up, whatever the body still says."""
    stream = event("Sun"), ENDS, USAGE_EVENT, DONE
    steps = chunked_head(), *map(chunk, stream)
    async with (
        upstream(then_nothing(*steps)) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(asked)
        async with asyncio.timeout(5):
            await client.reader.readuntil(last)
        client.close()
        await until(lambda: bool(gate.records))
        (record,) = gate.records
        assert record.detail == "via_upstream"
        told = (record.input_tokens, record.output_tokens)
        assert told == (USAGE["prompt_tokens"], USAGE["completion_tokens"])
        await until(lambda: fake.open == 0)


def one(config: RuntimeConfig, retry: RetryPolicy) -> RuntimeConfig:
    listener = config.listeners["m"]
    route = replace(listener.routes[0], retry=retry)
    return replace(
        config, listeners={"m": replace(listener, routes=(route,), by_model={"gpt": route})}
    )


@pytest.mark.parametrize("asked", ASKS)
async def test_there_is_no_next_attempt(asked: bytes) -> None:
    retry_after = json_answer(b"{}", "429 Slow", b"retry-after: 5\r\n")
    async with (
        upstream(always(retry_after)) as fake,
        gateway(one(model_config(fake.endpoint), AT_ONCE)) as gate,
        connected(gate.port) as client,
    ):
        client.send(asked)
        await until(lambda: gate.services.standings.of("c").waiting == 1)
        await leave(client, gate)
        left(gate)
        assert len(fake.requests) == 1


async def test_what_a_thread_translates_is_not_sent() -> None:
    body = b'{"model":"gpt","max_tokens":9,"messages":[{"role":"user","content":"%b"}]}' % (
        b"a " * (BIG_BODY_BYTES // 2)
    )
    go = threading.Event()
    pool = ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(pool)
    async with upstream() as fake, gateway(model_config(fake.endpoint)) as gate:
        try:
            busy = asyncio.get_running_loop().run_in_executor(None, go.wait)
            async with connected(gate.port) as client:
                client.send(post(body, path="/v1/messages"))
                standing = gate.services.standings.of("c")
                await until(lambda: sum(load.active for load in standing.loads) == 1)
                await leave(client, gate)
        finally:
            go.set()
        await busy
        await asyncio.get_running_loop().run_in_executor(None, int)  # after the translation
        await asyncio.sleep(0)
        assert fake.accepted == 0
        left(gate)
