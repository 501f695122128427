"""What one request costs outside the kernel, relayed or translated, in ten seconds and with little
noise.

`python -m tests.bench.user_space [--kind json ...] [--profile]`: front, relay and upstream run on
transports that only collect what is written, request after request with headers of its own, in
thread CPU time; the least of several repetitions is reported. The kernel adds about 16 us for four
system calls. `--against FOLDER` measures another checkout's data plane and this one by turns, in
processes of their own. Use it while changing the hot path; `make bench` has the last word.
"""

import argparse
import asyncio
import contextlib
import cProfile
import ctypes
import gc
import json
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median

import httptools
import uvloop

from dataplane.main import GC_THRESHOLDS
from dataplane.runtime.messages import LocalReply
from dataplane.server.front import Front
from dataplane.server.gate import Gate
from dataplane.server.host import ListenerHost
from dataplane.server.serving import Serving
from dataplane.server.surface import CHAT_ASK
from dataplane.upstream.connection import UpstreamConnection
from tests.bench.canned import KINDS, Answer, request
from tests.bench.chains import FILTERED, SERVICE, chains_of
from tests.bench.contestants.contestant import MODEL
from tests.bench.featured import FEATURES, WITH_FEATURES
from tests.bench.scenarios import JSON
from tests.bench.served import refusing, serving

CONNECTIONS = 64
REQUESTS = CONNECTIONS * 16
ANSWERS = 16  # different ones: what was just read from a socket is in the cache
PROFILE_LINES = 45
M_TRIM_THRESHOLD, HEAP_BYTES = -1, 1 << 26  # malloc.h
ROOT = Path(__file__).parents[2]
ECHO = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(JSON),
    JSON,
)
"""What a filter's service answers."""
WAITED = "waited"
REFUSED = ("refused", WAITED)
"""Kinds of requests that are told 503: at once, and when they have waited in vain."""


class Wire(asyncio.Transport):
    """A transport that goes nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[object] = []

    def write(self, data: object) -> None:
        self.written.append(data)

    def writelines(self, list_of_data: Iterable[object]) -> None:
        self.written += list_of_data

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def abort(self) -> None:
        raise AssertionError("the relay gave a connection up")

    close = abort


class Connections:
    """Clients' connections and as many of the upstream, ready for requests."""

    def __init__(self, served: Serving, asks: bool = False) -> None:
        lane = served.lane(CHAT_ASK, MODEL)
        assert not isinstance(lane, LocalReply)
        endpoints = [endpoint.pool for endpoint in lane[0].state.endpoints]
        self._wheel = served.services.wheel
        self._gate = Gate(served.now, served.services.recorder)
        self._looks = served.now()
        listener = ListenerHost(served, asyncio.get_running_loop(), self._gate).listener
        self.wires: list[Wire] = []
        self.fronts = [Front(listener) for _ in range(CONNECTIONS)]
        self.upstreams = [UpstreamConnection(one) for one in endpoints for _ in self.fronts]
        self._spread = len(endpoints) > 1
        for front in self.fronts:
            front.connection_made(self._wire())
        for upstream in self.upstreams:
            upstream.connection_made(self._wire())
            upstream.pool.put(upstream, served.now())
        self.filters: list[UpstreamConnection] = []
        """Of a service that is asked about each request."""
        if asks:
            service = served.services.clusters.of(SERVICE).endpoints[0].pool
            self.filters = [UpstreamConnection(service) for _ in range(CONNECTIONS)]
            for upstream in self.filters:
                upstream.connection_made(self._wire())
                service.put(upstream, served.now())

    def watch_no_more(self) -> None:
        """None of them is to time out while others are measured."""
        for front in self.fronts:
            self._wheel.remove(front)
        for upstream in (*self.upstreams, *self.filters):
            self._wheel.remove(upstream)

    def _wire(self) -> Wire:
        self.wires.append(Wire())
        return self.wires[-1]

    async def relay(self, asked: Sequence[bytes], answered: Sequence[Answer]) -> float:
        """CPU in microseconds per request: a turn of the loop for all requests, and one for each
        read of all answers.
        """
        began = time.thread_time()
        for first in range(0, len(asked), CONNECTIONS):
            for number, front in enumerate(self.fronts, first):
                front.data_received(asked[number])
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # (what goes through a coroutine is sent a turn later)
            for filtered in self.filters:
                filtered.data_received(ECHO)
            if self.filters:
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            asked_now = self._asked() if self._spread else self.upstreams
            for read in range(len(answered[0])):
                for number, upstream in enumerate(asked_now, first):
                    upstream.data_received(answered[number][read])
                await asyncio.sleep(0)
            for wire in self.wires:
                wire.written.clear()
        return (time.thread_time() - began) / len(asked) * 1e6

    def _asked(self) -> list[UpstreamConnection]:
        """Those that were sent a request."""
        wires = self.wires[CONNECTIONS:]
        return [one for one, wire in zip(self.upstreams, wires, strict=False) if wire.written]

    async def refuse(self, asked: Sequence[bytes], waits: bool) -> float:
        """CPU in microseconds per request that is told 503: at once, or when it has waited."""
        began = time.thread_time()
        for first in range(0, len(asked), CONNECTIONS):
            for number, front in enumerate(self.fronts, first):
                front.data_received(asked[number])
            if waits:
                for front in self.fronts:
                    front.on_due(front.due)
                self._looks += 1.0  # a second later, so that all may be told
                self._gate.look(self._looks, 0.0)
            await asyncio.sleep(0)
            for wire in self.wires[:CONNECTIONS]:
                assert wire.written, "nobody was told"
                wire.written.clear()
        return (time.thread_time() - began) / len(asked) * 1e6


class Deaf:
    """A listener of a parser that hears nothing but headers."""

    def on_header(self, name: bytes, value: bytes) -> None:
        pass


def parser_alone(asked: Sequence[bytes]) -> float:
    """CPU in microseconds per request of llhttp alone: the floor of a front."""
    parser = httptools.HttpRequestParser(Deaf())
    began = time.thread_time()
    for data in asked:
        parser.feed_data(data)
    return (time.thread_time() - began) / len(asked) * 1e6


def keep_heap() -> None:
    """A worker's heap has grown long ago: without this, pages come and go at its end."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(M_TRIM_THRESHOLD, HEAP_BYTES)


@dataclass(frozen=True, slots=True)
class Ready:
    """A kind of requests, with all that is sent and the connections that it comes by."""

    kind: str
    connections: Connections
    asked: Sequence[bytes]
    answered: Sequence[Answer]
    """None: they are refused."""

    async def cost(self) -> float:
        """Of one request."""
        if self.answered:
            spent = await self.connections.relay(self.asked, self.answered)
        else:
            spent = await self.connections.refuse(self.asked, self.kind == WAITED)
        self.connections.watch_no_more()
        return spent


async def ready(kinds: Sequence[str]) -> list[Ready]:
    """All kinds, each run once."""
    random = Random(1)
    log_fd = os.open(os.devnull, os.O_WRONLY)
    plain = Connections(serving(log_fd))
    made = []
    for kind in kinds:
        if kind in REFUSED:
            asked = [request(random, JSON) for _ in range(REQUESTS)]
            made.append(Ready(kind, Connections(refusing(log_fd, kind == WAITED)), asked, ()))
            await made[-1].cost()
            continue
        of, _, chain = kind.partition("+")
        one = KINDS[of]
        if chain in FEATURES:
            connections = Connections(serving(log_fd, on=FEATURES[chain]))
        elif chain:
            chains = chains_of(chain)
            connections = Connections(serving(log_fd, chains), chains.asks)
        else:
            connections = plain
        asked = [request(random, one.body, one.path) for _ in range(REQUESTS)]
        few = [one.answer(random) for _ in range(ANSWERS)]
        answered = [few[number % ANSWERS] for number in range(REQUESTS)]
        made.append(Ready(kind, connections, asked, answered))
        await made[-1].cost()
    return made


async def measure(kinds: Sequence[str], repeat: int, profiled: bool = False) -> dict[str, float]:
    """CPU in microseconds per request, by kind; the kinds are run by turns."""
    all_ready = await ready(kinds)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    costs: dict[str, list[float]] = {}
    for _ in range(repeat):
        for one in all_ready:
            costs.setdefault(one.kind, []).append(await one.cost())
    for one in all_ready:
        spent, reads = costs[one.kind], len(one.answered[0]) if one.answered else 0
        note = f"{min(spent):.2f} us a request (median {median(spent):.2f}), {reads} reads"
        print(f"{one.kind}: {note}", file=sys.stderr)
        if profiled:
            profile = cProfile.Profile()
            profile.enable()
            await one.cost()
            profile.disable()
            pstats.Stats(profile).sort_stats("tottime").print_stats(PROFILE_LINES)
    return {kind: min(spent) for kind, spent in costs.items()}


def elsewhere(folder: Path, kinds: Sequence[str], repeat: int) -> Mapping[str, float]:
    """The same, of the data plane in another folder, measured by this very program."""
    with tempfile.TemporaryDirectory() as mixed:
        for name, whose in (("dataplane", folder), ("proto", folder), ("tests", ROOT)):
            (Path(mixed) / name).symlink_to(whose / name)
        command = [sys.executable, "-m", "tests.bench.user_space", "--figures"]
        told = subprocess.run(
            [*command, "--repeat", str(repeat), "--kind", *kinds],
            cwd=mixed,
            env=os.environ | {"PYTHONPATH": f"{mixed}:{mixed}/proto/gen"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    figures: Mapping[str, float] = json.loads(told.stdout)
    return figures


def compare(other: Path, kinds: Sequence[str], repeat: int, rounds: int) -> None:
    """Print what each kind costs there and here: the least of all rounds."""
    there: list[Mapping[str, float]] = []
    here: list[Mapping[str, float]] = []
    for _ in range(rounds):
        there.append(elsewhere(other, kinds, repeat))
        here.append(elsewhere(ROOT, kinds, repeat))
    for kind in kinds:
        before, after = (min(one[kind] for one in runs) for runs in (there, here))
        print(f"{kind:24} {before:7.2f} -> {after:7.2f} us  ({after - before:+.2f})")


async def main(args: argparse.Namespace) -> None:
    keep_heap()
    random = Random(1)
    asked = [request(random, JSON) for _ in range(REQUESTS)]
    floor = min(parser_alone(asked) for _ in range(args.repeat))
    print(f"llhttp alone: {floor:.2f} us a request", file=sys.stderr)
    figures = await measure(args.kind, args.repeat, args.profile)
    if args.figures:
        print(json.dumps(figures), flush=True)
    os._exit(0)  # connections, wheel and transports of nowhere need no farewell


def arguments() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--kind",
        choices=(*KINDS, *FILTERED, *WITH_FEATURES, *REFUSED),
        default=list(KINDS),
        nargs="+",
    )
    options.add_argument("--profile", action="store_true", help="also where the time goes")
    options.add_argument("--repeat", type=int, default=15)
    options.add_argument("--figures", action="store_true", help="as JSON, too")
    options.add_argument("--against", type=Path, help="a checkout to compare with")
    options.add_argument("--rounds", type=int, default=3, help="of each, with --against")
    return options.parse_args()


if __name__ == "__main__":
    asked_for = arguments()
    if asked_for.against is not None:
        compare(asked_for.against.resolve(), asked_for.kind, asked_for.repeat, asked_for.rounds)
    else:
        uvloop.run(main(asked_for))
