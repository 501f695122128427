"""Output filters and a client that reads slowly, or leaves in the middle of one: nobody is read
faster than the client reads, nothing of the answer is lost, and nobody works on for nobody.
"""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.support.agents import Received as Asked
from tests.support.agents import Service, service
from tests.support.planes import Planes, planes
from tests.support.raw_client import RawClient, connected, post
from tests.support.upstream import (
    DONE,
    FakeUpstream,
    Received,
    Step,
    chunk,
    chunked_head,
    event,
    upstream,
)
from tests.support.wait import until, until_still

CONFIG = """\
version: v0.4.0
agents:
  - id: helper
    url: {upstream}
filters:
  - id: quick
    type: python
    config:
      class: tests.bench.filters:Reads
  - id: awaits
    type: python
    config:
      class: tests.support.written_filters:Words
  - id: asks
    type: http
    url: {guard}
model_providers:
  - model: openai/tiny
    base_url: {upstream}/v1
    access_key: $TINY_KEY
    default: true
listeners:
"""
CHAINS = ("quick", "awaits", "asks")
LISTENERS = [f"{kind}-{chain}" for kind in ("model", "agent") for chain in CHAINS]
HERE = """\
  - type: {kind}
    name: {kind}-{chain}
    address: 127.0.0.1
    port: 0
    output_filters: [{chain}]
"""
AGENT = """\
    agents:
      - {id: helper, description: Helps.}
"""
ASK = post(b'{"model":"tiny","stream":true,"messages":[{"role":"user","content":"hi"}]}')
COUNT, SIZE = 400, 64 * 1024
"""Events of a long answer, and characters of each: more than sockets hold."""
END = event("").replace(b'"delta": {"content": ""}', b'"delta": {}, "finish_reason": "stop"')


async def long_answer(received: Received) -> AsyncIterator[Step]:
    yield chunked_head()
    for at in range(COUNT):
        yield chunk(event(f"<{at}> " + "x" * SIZE))
    yield chunk(END + DONE) + b"0\r\n\r\n"


async def echo(one: Asked) -> web.StreamResponse:
    return web.Response(body=await one.request.read(), content_type="text/event-stream")


class House:
    """The planes, who answers, and the service that is asked about answers."""

    def __init__(self, made: Planes, fake: FakeUpstream, guard: Service, log: Path) -> None:
        self.planes = made
        self.upstream = fake
        self.guard = guard
        self._log = log

    def port(self, listener: str) -> int:
        return int(self.planes.url(listener).rpartition(":")[2])

    async def logged(self) -> dict[str, Any]:
        """The only exchange."""
        await until(lambda: self._log.exists() and self._log.read_bytes().endswith(b"\n"))
        told: dict[str, Any] = json.loads(self._log.read_text())
        return told

    async def until_it_stands_still(self) -> None:
        """The provider's answer has begun, and nothing moves any more."""
        await until(lambda: self.upstream.written > 0)
        await until_still(lambda: self.upstream.written)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with upstream(long_answer) as fake, service(echo) as guard:
        where = f"http://127.0.0.1:{fake.endpoint.port}"
        config = CONFIG.format(upstream=where, guard=guard.url)
        for name in LISTENERS:
            kind, _, chain = name.partition("-")
            config += HERE.format(kind=kind, chain=chain) + (AGENT if kind == "agent" else "")
        async with planes(config, tmp_path, environ={"TINY_KEY": "sk-tiny"}) as made:
            yield House(made, fake, guard, tmp_path / "access.log")


async def slow_client(port: int) -> RawClient:
    """It reads when it is told to, and its socket holds little."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=65_536)
    return RawClient(reader, writer)


@pytest.mark.parametrize("listener", LISTENERS)
async def test_slow_client_slows_the_provider_down_and_gets_everything(
    house: House, listener: str
) -> None:
    client = await slow_client(house.port(listener))
    client.send(ASK)
    await house.until_it_stands_still()
    assert house.upstream.written < COUNT * SIZE // 2
    reply = await client.reply(seconds=20)
    assert (reply.status, reply.whole) == (200, True)
    said = re.findall(rb"<(\d+)> (x+)", reply.body)
    assert [int(number) for number, _ in said] == list(range(COUNT))
    assert {len(words) for _, words in said} == {SIZE}
    client.close()
    assert (await house.logged())["detail"] == "via_upstream"


@pytest.mark.parametrize("listener", LISTENERS)
async def test_slow_client_that_leaves_stops_the_provider(house: House, listener: str) -> None:
    client = await slow_client(house.port(listener))
    client.send(ASK)
    await house.until_it_stands_still()
    client.close()
    await until(lambda: house.upstream.open == 0 and house.guard.open == 0)
    assert (await house.logged())["detail"] == "downstream_gone"


@pytest.mark.parametrize("listener", ["model-asks", "agent-asks"])
async def test_client_that_leaves_in_the_middle_of_a_filter_ends_its_question(
    house: House, listener: str
) -> None:
    async def never(one: Asked) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    house.guard.answer = never
    async with connected(house.port(listener)) as client:
        client.send(ASK)
        await until(lambda: house.guard.open == 1)
    await until(lambda: house.guard.open == 0 and house.upstream.open == 0)
    assert house.guard.received[0].cancelled.is_set()
    told = await house.logged()
    assert (told["detail"], told["status"]) == ("downstream_gone", 499)
