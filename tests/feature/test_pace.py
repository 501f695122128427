"""A stream that comes, but too slowly to be worth waiting for."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from dataplane.runtime.retry import Recovery, RetryPolicy
from tests.support.gateway import AT_ONCE, FALLBACK, PROVIDER, gateway, model_config, with_fallback
from tests.support.raw_client import connected, post
from tests.support.upstream import (
    DONE,
    Received,
    Step,
    always,
    chunk,
    chunked_head,
    event,
    json_answer,
    upstream,
)
from tests.support.wait import until, until_still

TOLD = replace(AT_ONCE, throughput_window_s=0.2, stream_recovery=Recovery.ERROR)
SLOW = replace(TOLD, min_bytes_per_second=20_000.0)
SLOW_IN_TOKENS = replace(TOLD, min_tokens_per_second=40.0)
POLICIES = [pytest.param(SLOW, id="bytes"), pytest.param(SLOW_IN_TOKENS, id="tokens")]
STREAMED = post(b'{"model":"gpt","stream":true,"messages":[]}')
MESSAGES = b'{"model":"gpt","max_tokens":9,%b"messages":[{"role":"user","content":"hi"}]}'


async def crawls(received: Received) -> AsyncIterator[Step]:
    yield chunked_head() + chunk(event("a"))
    for _ in range(100):
        await asyncio.sleep(0.05)
        yield chunk(event("b"))


async def runs(received: Received) -> AsyncIterator[Step]:
    yield chunked_head()
    for _ in range(12):
        await asyncio.sleep(0.05)
        yield chunk(event("b" * 1000) * 100)  # one is enough for a window that lasts too long
    yield chunk(DONE) + b"0\r\n\r\n"


@pytest.mark.parametrize("retry", POLICIES)
@pytest.mark.parametrize(
    "asked",
    [STREAMED, post(MESSAGES % b'"stream":true,', path="/v1/messages")],
    ids=["relayed", "translated"],
)
async def test_a_stream_that_becomes_slow_ends_with_the_truth(
    retry: RetryPolicy, asked: bytes
) -> None:
    async with (
        upstream(crawls) as fake,
        upstream() as other,
        gateway(with_fallback(model_config(fake.endpoint), other.endpoint, retry=retry)) as gate,
        connected(gate.port) as client,
    ):
        client.send(asked)
        reply = await client.reply()
        assert reply.status == 200
        assert not reply.whole
        assert b"[DONE]" not in reply.body
        assert b"message_stop" not in reply.body
        assert gate.records[0].detail == "upstream_slow"
        await until(lambda: fake.open == 0)


async def test_an_answer_that_is_collected_too_slowly_is_asked_elsewhere() -> None:
    async with (
        upstream(crawls) as fake,
        upstream() as other,
        gateway(with_fallback(model_config(fake.endpoint), other.endpoint, retry=SLOW)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(MESSAGES % b"", path="/v1/messages"))
        reply = await client.reply()
        assert reply.status == 200
        assert gate.records[0].provider == FALLBACK
        assert gate.records[0].failures == (f"{PROVIDER}: slow",)


@pytest.mark.parametrize("retry", POLICIES)
async def test_a_stream_that_is_fast_enough_is_whole(retry: RetryPolicy) -> None:
    async with (
        upstream(runs) as fake,
        upstream(always(json_answer())) as other,
        gateway(with_fallback(model_config(fake.endpoint), other.endpoint, retry=retry)) as gate,
        connected(gate.port) as client,
    ):
        client.send(STREAMED)
        reply = await client.reply()
        assert reply.whole
        assert reply.body.endswith(DONE)


async def test_a_client_that_does_not_read_is_not_the_providers_fault() -> None:
    async def pours(received: Received) -> AsyncIterator[Step]:
        yield chunked_head()
        for _ in range(200):
            yield chunk(event("b" * 60_000))
        yield chunk(DONE) + b"0\r\n\r\n"

    async with (
        upstream(pours) as fake,
        upstream() as other,
        gateway(with_fallback(model_config(fake.endpoint), other.endpoint, retry=SLOW)) as gate,
        connected(gate.port) as client,
    ):
        ask = b'{"model":"gpt","stream":true,"messages":[]}'
        client.send(post(ask, headers=b"connection: close\r\n"))
        await client.reader.readexactly(100)
        await until_still(lambda: fake.written)  # everybody's buffers are full
        assert gate.records == []
        assert (await client.everything(10)).endswith(b"0\r\n\r\n")
