"""Answers that pass filters which wait: order, back-pressure, and every way in which it may end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace

from dataplane.filters.python.author import Event
from dataplane.runtime.config import Endpoint, Filter, RuntimeConfig
from tests.support.gateway import gateway, model_config
from tests.support.raw_client import connected, post
from tests.support.scripted_filter import Hears, scripted
from tests.support.upstream import (
    DONE,
    Received,
    Step,
    always,
    chunk,
    chunked_head,
    event,
    upstream,
)
from tests.support.wait import until, until_still

ASK = b'{"model":"gpt","stream":true,"messages":[{"role":"user","content":"Hi"}]}'
COUNT, SIZE = 400, 64 * 1024
"""Events of a long answer, and characters of each: more than sockets hold."""
STREAM = [chunked_head(), *(chunk(event(f" {at}")) for at in range(4)), chunk(DONE), b"0\r\n\r\n"]


def heard_by(
    endpoint: Endpoint, does: Callable[[Event], Awaitable[None]], timeout_s: float = 30.0
) -> RuntimeConfig:
    """A listener whose answers pass a filter that waits."""
    filters: Mapping[str, Filter] = scripted(Hears, does, timeout_s=20.0)
    chain = {"output_filters": tuple(filters)}
    config = model_config(endpoint, listener=chain, timeout_s=timeout_s)
    return replace(config, filters=filters)


class Hangs:
    """A filter that waits until it is told to go on."""

    def __init__(self, at: bytes = b"") -> None:
        self._at = at
        self.began = asyncio.Event()
        self.goes_on = asyncio.Event()
        self.stopped = asyncio.Event()

    async def __call__(self, event: Event) -> None:
        if self._at in event.raw and not self.goes_on.is_set():
            self.began.set()
            try:
                await self.goes_on.wait()
            except asyncio.CancelledError:
                self.stopped.set()
                raise


async def long_answer(received: Received) -> AsyncIterator[Step]:
    yield chunked_head()
    for at in range(COUNT):
        yield chunk(event(f"{at} " + "x" * SIZE))
    yield chunk(DONE) + b"0\r\n\r\n"


async def test_what_comes_behind_a_filter_that_waits_keeps_its_order() -> None:
    hangs = Hangs(at=b" 1")
    async with upstream(always(*STREAM)) as fake:
        config = heard_by(fake.endpoint, hangs)
        async with gateway(config, filters=True) as gate, connected(gate.port) as client:
            client.send(post(ASK))
            async with asyncio.timeout(5):
                await hangs.began.wait()
            hangs.goes_on.set()
            reply = await client.reply()
            assert reply.body == b"".join(event(f" {at}") for at in range(4)) + DONE
            assert reply.whole


async def test_upstream_is_not_read_while_too_much_waits_for_a_filter() -> None:
    hangs = Hangs()
    async with upstream(long_answer) as fake:
        config = heard_by(fake.endpoint, hangs)
        async with gateway(config, filters=True) as gate, connected(gate.port) as client:
            client.send(post(ASK))
            async with asyncio.timeout(5):
                await hangs.began.wait()
            await until_still(lambda: fake.written)
            before = fake.written
            assert fake.written < COUNT * SIZE // 2
            hangs.goes_on.set()
            await until(lambda: fake.written > before)


async def test_client_that_leaves_in_the_middle_of_a_filter_ends_filter_and_upstream() -> None:
    hangs = Hangs()
    async with upstream(long_answer) as fake:
        config = heard_by(fake.endpoint, hangs)
        async with gateway(config, filters=True) as gate:
            before = asyncio.all_tasks()
            async with connected(gate.port) as client:
                client.send(post(ASK))
                async with asyncio.timeout(5):
                    await hangs.began.wait()
            async with asyncio.timeout(0.1):
                await hangs.stopped.wait()
                await until(lambda: fake.open == 0)
            assert [one.detail for one in gate.records] == ["downstream_gone"]
            await until(lambda: asyncio.all_tasks() <= before)


async def test_deadline_ends_a_filter_that_waits_and_the_upstream() -> None:
    hangs = Hangs()
    async with upstream(long_answer) as fake:
        config = heard_by(fake.endpoint, hangs, timeout_s=0.7)
        async with gateway(config, filters=True) as gate, connected(gate.port) as client:
            client.send(post(ASK))
            reply = await client.reply()
            assert (reply.status, reply.detail) == (504, "deadline_exceeded")
            async with asyncio.timeout(10):
                await hangs.stopped.wait()
                await until(lambda: fake.open == 0)
            assert len(gate.records) == 1


async def test_a_filter_that_is_too_slow_has_failed() -> None:
    hangs = Hangs()
    async with upstream(always(*STREAM)) as fake:
        config = heard_by(fake.endpoint, hangs)
        (spec,) = scripted(Hears, hangs, timeout_s=0.05).values()
        config = replace(config, filters={spec.id: spec})
        async with gateway(config, filters=True) as gate, connected(gate.port) as client:
            client.send(post(ASK))
            reply = await client.reply()
            assert (reply.status, reply.detail) == (504, "filter_timeout")
            assert hangs.stopped.is_set()
