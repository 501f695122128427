"""What one relayed request costs outside the kernel, in ten seconds and without noise.

`python -m tests.bench.user_space [--kind json] [--profile]`: front, relay and upstream run on
transports that only collect what is written, request after request with headers of its own, in
thread CPU time; the least of several repetitions is reported. The kernel adds about 16 us for four
system calls. Use it while changing the relay; `make bench` has the last word.
"""

import argparse
import asyncio
import cProfile
import gc
import os
import pstats
import time
from collections.abc import Sequence
from random import Random
from statistics import median

import httptools
import uvloop

from dataplane.clock import MonotonicClock
from dataplane.main import GC_THRESHOLDS
from dataplane.observe.access_log import AccessLog
from dataplane.observe.metrics import Metrics
from dataplane.observe.recorder import Recorder
from dataplane.runtime.config import (
    Cluster,
    Endpoint,
    Listener,
    ListenerKind,
    ModelProvider,
    ModelTarget,
    Route,
    RuntimeConfig,
    Secret,
)
from dataplane.runtime.messages import LocalReply
from dataplane.server.downstream import Call, Downstream
from dataplane.server.front import Front
from dataplane.server.host import ListenerHost
from dataplane.server.serving import Services, Serving
from dataplane.server.surface import CHAT_ASK
from dataplane.tasks import Tasks
from dataplane.upstream.connection import UpstreamConnection
from dataplane.upstream.pool import Pool
from dataplane.wheel import Wheel
from tests.bench.canned import KINDS, Answer, request
from tests.bench.contestants.contestant import MODEL, UPSTREAM_KEY
from tests.bench.scenarios import JSON

CONNECTIONS = 64
REQUESTS = CONNECTIONS * 16
PROFILE_LINES = 45


class Wire(asyncio.Transport):
    """A transport that goes nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[object] = []

    def write(self, data: object) -> None:
        self.written.append(data)

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


class NoExchange:
    """The coroutine path, which a relayed request never takes."""

    async def run(self, call: Call, downstream: Downstream) -> None:
        raise AssertionError


def serving(log_fd: int) -> Serving:
    """A model listener with one provider, everything a gateway does switched on."""
    clock, random, tasks = MonotonicClock(), Random(), Tasks()
    metrics, wheel = Metrics(), Wheel(clock.now)
    recorder = Recorder(metrics, AccessLog(log_fd, clock.wall), lambda record: None)
    services = Services(
        clock=clock,
        random=random,
        wheel=wheel,
        tasks=tasks,
        pool=Pool(wheel, clock.now, tasks),
        metrics=metrics,
        recorder=recorder,
        exchange=NoExchange(),
    )
    route = Route("bench/p", "bench", ModelTarget(("p",)), (MODEL,), True, "p")
    listener = Listener(
        "bench",
        ListenerKind.MODEL,
        "127.0.0.1",
        0,
        routes=(route,),
        by_model={MODEL: route},
        default_route=route,
    )
    provider = ModelProvider("p", "openai", MODEL, "c", access_keys=(Secret(UPSTREAM_KEY),))
    cluster = Cluster("c", (Endpoint("127.0.0.1", 9),))
    config = RuntimeConfig("1", {"bench": listener}, {"c": cluster}, {"p": provider})
    return Serving(services, config, listener)


class Connections:
    """Clients' connections and as many of the upstream, ready for requests."""

    def __init__(self, served: Serving) -> None:
        lane = served.lane(CHAT_ASK, MODEL)
        assert not isinstance(lane, LocalReply)
        endpoint = lane[0].endpoints[0]
        host = ListenerHost(served, asyncio.get_running_loop())
        self.wires: list[Wire] = []
        self.fronts = [Front(host) for _ in range(CONNECTIONS)]
        self.upstreams = [UpstreamConnection(endpoint) for _ in range(CONNECTIONS)]
        for front in self.fronts:
            front.connection_made(self._wire())
        for upstream in self.upstreams:
            upstream.connection_made(self._wire())
            endpoint.put(upstream, served.now())

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
            for read in range(len(answered[0])):
                for number, upstream in enumerate(self.upstreams, first):
                    upstream.data_received(answered[number][read])
                await asyncio.sleep(0)
            for wire in self.wires:
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


async def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kind", choices=KINDS, default=list(KINDS), nargs="+")
    options.add_argument("--profile", action="store_true", help="also where the time goes")
    options.add_argument("--repeat", type=int, default=15)
    args = options.parse_args()
    random = Random(1)
    connections = Connections(serving(os.open(os.devnull, os.O_WRONLY)))
    asked = [request(random, JSON) for _ in range(REQUESTS)]
    floor = min(parser_alone(asked) for _ in range(args.repeat))
    print(f"llhttp alone: {floor:.2f} us a request")
    for kind in args.kind:
        one = KINDS[kind]
        asked = [request(random, one.body, one.path) for _ in range(REQUESTS)]
        answered = [one.answer(random) for _ in range(REQUESTS)]
        await connections.relay(asked, answered)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        costs = sorted([await connections.relay(asked, answered) for _ in range(args.repeat)])
        reads = len(answered[0])
        print(f"{kind}: {costs[0]:.2f} us a request (median {median(costs):.2f}), {reads} reads")
        if args.profile:
            profile = cProfile.Profile()
            profile.enable()
            await connections.relay(asked, answered)
            profile.disable()
            pstats.Stats(profile).sort_stats("tottime").print_stats(PROFILE_LINES)
    os._exit(0)  # connections, wheel and transports of nowhere need no farewell


if __name__ == "__main__":
    uvloop.run(main())
