"""Coroutines that answer a client: every way in which either side may end it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from dataplane.runtime.choosing import ModelRouting
from dataplane.runtime.config import ListenerKind, RuntimeConfig
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail
from dataplane.server.downstream import Call, Downstream, DownstreamGoneError
from tests.support.gateway import gateway, model_config
from tests.support.raw_client import connected, post
from tests.support.upstream import upstream
from tests.support.wait import until, until_still

ASK = b'{"model":"gpt","messages":[]}'
Run = Callable[[Call, Downstream], Awaitable[None]]


class Exchange:
    """An exchange that does what the test says."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.calls: list[Call] = []
        self.cancelled = 0

    async def run(self, call: Call, downstream: Downstream) -> None:
        """See Exchanger."""
        self.calls.append(call)
        try:
            await self._run(call, downstream)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


def agents(timeout_s: float = 30.0) -> RuntimeConfig:
    return model_config(listener={"kind": ListenerKind.AGENT}, timeout_s=timeout_s)


async def test_reply_is_sent_whole() -> None:
    async def run(call: Call, downstream: Downstream) -> None:
        downstream.reply(LocalReply(403, "No.", ResponseDetail.FILTER_REFUSED))

    async with gateway(agents(), Exchange(run)) as gate, connected(gate.port) as client:
        for _ in range(2):
            client.send(post(ASK, headers=b"x-request-id: r1\r\nx-outrider-x: 1\r\n"))
            reply = await client.reply()
            assert (reply.status, reply.detail) == (403, "filter_refused")
            assert json.loads(reply.body)["error"]["message"] == "No."
            assert reply.headers["x-request-id"] == "r1"


async def test_call_carries_what_was_fixed_when_it_arrived() -> None:
    async def run(call: Call, downstream: Downstream) -> None:
        downstream.reply(LocalReply(200, "", ResponseDetail.LOCAL, body=b"ok"))

    exchange = Exchange(run)
    async with gateway(agents(), exchange) as gate, connected(gate.port) as client:
        trace = b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
        client.send(
            post(ASK, path="/v1/chat/completions?x=1", headers=trace + b"X-Outrider-Y: 1\r\n")
        )
        assert (await client.reply()).body == b"ok"
        (call,) = exchange.calls
        assert (call.request.path, call.request.query) == ("/v1/chat/completions", "x=1")
        assert call.request.body == ASK
        assert call.request.header("x-outrider-y") is None
        assert call.traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c-")


async def test_stream_is_written_in_chunks() -> None:
    async def run(call: Call, downstream: Downstream) -> None:
        bad = ("x-bad", "a\r\nx-injected: 1")
        headers = (("content-type", "text/event-stream"), ("connection", "x"), bad)
        downstream.start(200, headers)
        await downstream.write(b"a")
        await downstream.write(b"")
        await downstream.write(b"b")
        downstream.finish()

    async with gateway(agents(), Exchange(run)) as gate, connected(gate.port) as client:
        for _ in range(2):
            client.send(post(ASK))
            reply = await client.reply()
            assert (reply.status, reply.body, reply.whole) == (200, b"ab", True)
            assert reply.headers["content-type"] == "text/event-stream"
            assert "x-injected" not in reply.headers
        client.send(post(ASK, version="1.0"))
        assert (await client.everything()).endswith(b"\r\n\r\nab")
        assert gate.records[0].bytes_sent == 2


async def test_abort_cuts_the_answer() -> None:
    async def run(call: Call, downstream: Downstream) -> None:
        downstream.start(200, ())
        await downstream.write(b"a")
        downstream.abort()

    async with gateway(agents(), Exchange(run)) as gate, connected(gate.port) as client:
        client.send(post(ASK))
        reply = await client.reply()
        assert (reply.body, reply.whole) == (b"a", False)


async def boom(call: Call, downstream: Downstream) -> None:
    raise ValueError("boom")


async def boom_later(call: Call, downstream: Downstream) -> None:
    downstream.start(200, ())
    raise ValueError("boom")


async def forgets(call: Call, downstream: Downstream) -> None:
    pass


@pytest.mark.parametrize(
    ("run", "status"),
    [(boom, 500), (forgets, 500), (boom_later, 200)],
    ids=["at once", "no", "late"],
)
async def test_broken_exchange_is_an_error_of_ours(run: Run, status: int) -> None:
    async with gateway(agents(), Exchange(run)) as gate, connected(gate.port) as client:
        client.send(post(ASK))
        reply = await client.reply()
        assert (reply.status, reply.whole) == (status, status == 500)
        assert gate.records[0].detail == "internal"


async def test_client_that_leaves_cancels_the_exchange() -> None:
    async def run(call: Call, downstream: Downstream) -> None:
        await asyncio.Event().wait()

    exchange = Exchange(run)
    async with gateway(agents(), exchange) as gate:
        async with connected(gate.port) as client:
            client.send(post(ASK))
            await until(lambda: len(exchange.calls) == 1)
        await until(lambda: exchange.cancelled == 1)
        assert gate.records[0].detail == "downstream_gone"


async def test_deadline_cancels_the_exchange() -> None:
    async def run(call: Call, downstream: Downstream) -> None:
        await asyncio.Event().wait()

    exchange = Exchange(run)
    async with gateway(agents(0.1), exchange) as gate, connected(gate.port) as client:
        client.send(post(ASK))
        reply = await client.reply()
        assert (reply.status, reply.detail) == (504, "deadline_exceeded")
        await until(lambda: exchange.cancelled == 1)


async def test_slow_client_makes_the_exchange_wait_and_leaving_ends_it() -> None:
    written = 0
    gone = 0

    async def run(call: Call, downstream: Downstream) -> None:
        nonlocal written, gone
        downstream.start(200, ())
        try:
            for _ in range(1000):
                await downstream.write(b"a" * 65536)
                written += 65536
        except (DownstreamGoneError, asyncio.CancelledError):
            gone += 1
            raise

    async with gateway(agents(), Exchange(run)) as gate:
        async with connected(gate.port, limit=4096) as client:
            client.send(post(ASK))
            await client.reader.readuntil(b"\r\n\r\n")
            await until_still(lambda: written)
            assert written < 20 << 20
        await until(lambda: gone == 1)


async def test_request_that_was_looked_at_goes_on_as_a_relay() -> None:
    async def run(call: Call, downstream: Downstream) -> None:
        headers = (*call.request.headers, ("x-filtered", "yes"))
        body = call.request.body.replace(b"[]", b"[1]")
        downstream.relay(Request("POST", call.request.path, headers, body))

    async with upstream() as fake:
        config = replace(model_config(fake.endpoint), model_routing=ModelRouting(configured=True))
        async with gateway(config, Exchange(run)) as gate, connected(gate.port) as client:
            for _ in range(2):
                client.send(post(ASK, headers=b"x-a: 1\r\n"))
                assert (await client.reply()).status == 200
            seen = fake.requests[1]
            assert seen.body == b'{"model":"gpt","messages":[1]}'
            assert seen.header(b"x-filtered") == b"yes"
            assert seen.header(b"x-a") == b"1"
            assert len(gate.records) == 2
            assert fake.accepted == 1
