"""A prompt of 1 MB and a stream of 10,000 events, translated: the loop goes on, and no more than
twice their size is held.

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
from tests.bench.contestants.contestant import MODEL
from tests.bench.scenarios import MESSAGES, RESPONSES
from tests.bench.user_space import Wire, serving
from tests.support.llm_golden import echo

STALL_S = 0.005
TRIES = 25
READ_BYTES = 64 * 1024
EVENTS = 10_000
PROMPT = 'Say "hello", then a line.\n' * 40_000
ASKED = {
    MESSAGES: {"max_tokens": 9, "messages": [{"role": "user", "content": PROMPT}]},
    RESPONSES: {"input": [{"role": "user", "content": PROMPT}], "store": False},
}


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

    def __init__(self) -> None:
        self._log = os.open(os.devnull, os.O_WRONLY)
        served = serving(self._log)
        lane = served.lane(CHAT_ASK, MODEL)
        assert not isinstance(lane, LocalReply)
        endpoint = lane[0].state.endpoints[0].pool
        upstream = UpstreamConnection(endpoint)
        self.sent = Wire()
        upstream.connection_made(self.sent)
        endpoint.put(upstream, served.now())
        gate = Gate(served.now, served.recorder)
        self.front = Front(ListenerHost(served, asyncio.get_running_loop(), gate))
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


@pytest.mark.parametrize("path", [MESSAGES, RESPONSES])
async def test_long_prompt_neither_stalls_nor_is_held_three_times(path: str) -> None:
    body = json.dumps({"model": MODEL} | ASKED[path]).encode()
    assert len(body) > 1 << 20
    whole = request(Random(1), body, path)
    stalls = []
    for _ in range(TRIES):
        exchange = Exchange()
        stalls.append(await exchange.ask(reads(whole)))
        exchange.close()
        if stalls[-1] < STALL_S:
            break
    assert min(stalls) < STALL_S
    exchange = Exchange()
    data = reads(whole)
    gc.collect()
    tracemalloc.start()
    await exchange.ask(data)
    limit = 2.1 * len(body)  # as it came, for another try, and as it was sent
    turns = 0
    while tracemalloc.get_traced_memory()[0] > limit and turns < 1000:
        await asyncio.sleep(SWITCH_S)  # the thread that has translated puts its result down
        turns += 1
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    exchange.close()
    assert size < limit
