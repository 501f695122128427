"""A prompt of 1 MB and a stream of 10,000 events, translated: the loop goes on, and no more than
twice their size is held at any moment.

Times are CPU (of both threads, which take turns) and the least of a few tries: what other processes
do to the clock does not count.
"""

import asyncio
import gc
import json
import os
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from dataplane.llm.translate.codecs import CODECS
from dataplane.main import SWITCH_S
from dataplane.runtime.messages import LocalReply
from dataplane.runtime.protocols import Protocol
from dataplane.server.front import Front
from dataplane.server.gate import Gate
from dataplane.server.host import ListenerHost
from dataplane.server.surface import CHAT_ASK
from dataplane.upstream.connection import UpstreamConnection
from tests.bench.canned import event, request
from tests.bench.contestants.contestant import CLAUDE, MODEL
from tests.bench.scenarios import CHAT, MESSAGES, RESPONSES
from tests.bench.served import serving
from tests.bench.user_space import Wire
from tests.support.llm_golden import echo

STALL_S = 0.005
TRIES = 25
READ_BYTES = 64 * 1024
EVENTS = 10_000
PROMPT = 'Say "hello", then a line.\n' * 40_000
TURN = [{"role": "user", "content": PROMPT}]
TURNS = [{"role": role, "content": PROMPT[:10_000]} for role in ("user", "assistant")] * 50
ASKED: list[tuple[str, dict[str, Any]]] = [
    (MESSAGES, {"model": MODEL, "max_tokens": 9, "messages": TURN}),
    (MESSAGES, {"model": MODEL, "max_tokens": 9, "messages": TURNS}),
    (RESPONSES, {"model": MODEL, "input": TURN, "store": False}),
    (CHAT, {"model": CLAUDE, "messages": TURN}),
    (CHAT, {"model": MODEL, "messages": TURN}),  # which is relayed
]


@pytest.fixture(autouse=True)
def switching() -> Iterator[None]:
    """Threads take turns as often as in a worker."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    yield
    sys.setswitchinterval(before)


def reads(data: bytes) -> list[bytes]:
    return [data[at : at + READ_BYTES] for at in range(0, len(data), READ_BYTES)]


def held(work: Callable[[], object]) -> int:
    """Bytes that are still there when `work` is done, and its result is."""
    gc.collect()
    tracemalloc.start()
    try:
        result = work()
        return tracemalloc.get_traced_memory()[0] if result is not None else 0
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("client", [p for p in CODECS if p is not Protocol.CHAT])
def test_long_stream_neither_stalls_nor_piles_up(client: Protocol) -> None:
    stream = reads(b"".join(event(number % 49) for number in range(EVENTS)))

    def translated(took: list[float] | None = None) -> object:
        reader = CODECS[Protocol.CHAT].stream_reader()
        writer = CODECS[client].stream_writer(echo(client, stream=True))
        for read in stream:
            began = time.thread_time()
            writer.feed(reader.feed(read))
            if took is not None:
                took.append(time.thread_time() - began)
        return reader, writer

    stalls = []
    for _ in range(TRIES):
        took: list[float] = []
        translated(took)
        stalls.append(max(took))
        if stalls[-1] < STALL_S:
            break
    assert min(stalls) < STALL_S
    assert held(translated) < sum(map(len, stream))


class Exchange:
    """A client's connection and the provider's."""

    def __init__(self, model: str) -> None:
        self._log = os.open(os.devnull, os.O_WRONLY)
        served = serving(self._log)
        lane = served.lane(CHAT_ASK, model)
        assert not isinstance(lane, LocalReply)
        endpoint = lane[0].state.endpoints[0].pool
        upstream = UpstreamConnection(endpoint)
        self.sent = Wire()
        upstream.connection_made(self.sent)
        endpoint.put(upstream, served.now())
        gate = Gate(served.now, served.services.recorder)
        self.front = Front(ListenerHost(served, asyncio.get_running_loop(), gate).listener)
        self.front.connection_made(Wire())

    async def ask(self, data: list[bytes]) -> float:
        """Send a request and wait until the provider has it; the longest turn of the loop."""
        turns = [time.process_time()]
        for read in data:
            self.front.data_received(read)
            await asyncio.sleep(0)
            turns.append(time.process_time())
        while not self.sent.written:
            await asyncio.sleep(SWITCH_S)
            turns.append(time.process_time())
        return max(after - before for before, after in pairwise(turns))

    def close(self) -> None:
        os.close(self._log)


@pytest.mark.parametrize(("path", "asked"), ASKED)
async def test_long_prompt_neither_stalls_nor_is_held_twice(
    path: str, asked: dict[str, Any]
) -> None:
    body = json.dumps(asked).encode()
    model = asked["model"]
    assert len(body) > 1 << 20
    whole = request(Random(1), body, path)
    stalls = []
    for _ in range(TRIES):
        exchange = Exchange(model)
        stalls.append(await exchange.ask(reads(whole)))
        exchange.close()
        if stalls[-1] < STALL_S:
            break
    assert min(stalls) < STALL_S
    exchange = Exchange(model)
    data = reads(whole)
    gc.collect()
    tracemalloc.start()
    await exchange.ask(data)
    _, most = tracemalloc.get_traced_memory()
    limit = 1.2 * len(body)  # as it came, for another try: what is sent is made of it
    turns = 0
    while tracemalloc.get_traced_memory()[0] > limit and turns < 1000:
        await asyncio.sleep(SWITCH_S)  # the thread that has translated puts its result down
        turns += 1
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    exchange.close()
    assert size < limit
    assert most < 2 * len(body)
