"""Many nodes in one process, for `make bench-push`: real delta streams, nothing behind them.

`python -m tests.bench.push_nodes TARGET FIRST COUNT`. Each node has a channel and a stream of its
own, keeps the versions it was sent and acknowledges everything; a stream that ends is opened again
with what is held. Commands come on stdin, one JSON array a line, and each is answered by one JSON
object when it has happened at every node (times on CLOCK_MONOTONIC, which processes share):

    ["synced"]        every node holds the whole config -> {"at", "resources"}
    ["expect", NAME]  every node has acknowledged an update of this route -> {"first", "last"}
    ["count"]         starts counting the resources that arrive anew -> {}
"""

import asyncio
import json
import os
import random
import sys
import time
import traceback
from dataclasses import dataclass, field

import grpc
import grpc.aio
import uvloop
from outriderpb.xds.v3 import ads_pb2

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
KINDS = ("Cluster", "Endpoints", "ModelProvider", "Agent", "Filter", "Tracing", "Route", "Listener")
URLS = tuple(f"type.googleapis.com/outrider.v1.{kind}" for kind in KINDS)
ROUTE, LAST = URLS[-2], URLS[-1]
OPTIONS = (
    # or all channels of the process would share one connection
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_retries", 0),
)
RETRY_S = (0.1, 0.4)
CONNECTING_AT_ONCE = 50
STREAM_ENDED = (grpc.aio.AioRpcError, grpc.aio.UsageError, asyncio.InvalidStateError)
"""What reading and writing raise when the control plane goes."""


@dataclass(slots=True)
class Node:
    """One simulated data plane worker."""

    name: str
    versions: dict[str, dict[str, str]] = field(default_factory=lambda: {url: {} for url in URLS})
    synced: bool = False


@dataclass(slots=True)
class Crowd:
    """All nodes, and what the parent waits for."""

    nodes: list[Node]
    resources: int = 0
    expected: str = ""
    waiting: set[str] = field(default_factory=set)
    first: float = 0.0
    last: float = 0.0
    synced_at: float = 0.0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def received(self, node: Node, response: ads_pb2.DeltaDiscoveryResponse) -> bool:
        """Keep what came; whether it is the update that is waited for."""
        held = node.versions[response.type_url]
        self.resources += len(response.resources)
        found = False
        for resource in response.resources:
            held[sys.intern(resource.name)] = sys.intern(resource.version)
            found = found or resource.name == self.expected
        for name in response.removed_resources:
            held.pop(name, None)
        if found and not self.first:
            self.first = time.monotonic()
        return found

    def acknowledged(self, node: Node, type_url: str, found: bool) -> None:
        """An answer was written."""
        if found:
            self.waiting.discard(node.name)
            if not self.waiting:
                self.last = time.monotonic()
                self.changed.set()
        if type_url == LAST and not node.synced:
            node.synced = True
            if all(node.synced for node in self.nodes):
                self.synced_at = time.monotonic()
                self.changed.set()

    def expect(self, name: str) -> None:
        """Begin to wait for a route at every node."""
        self.expected, self.first, self.last = name, 0.0, 0.0
        self.waiting = {node.name for node in self.nodes}


async def keep(node: Node, crowd: Crowd, target: str, gate: asyncio.Semaphore) -> None:
    """A node's life: a stream, and after its end another one."""
    while True:
        try:
            async with grpc.aio.insecure_channel(target, options=OPTIONS) as channel:
                async with gate:
                    await channel.channel_ready()
                await stream(node, crowd, channel)
        except STREAM_ENDED:
            pass
        node.synced = False
        await asyncio.sleep(random.uniform(*RETRY_S))


async def stream(node: Node, crowd: Crowd, channel: grpc.aio.Channel) -> None:
    """Subscribe to everything with what is held, then acknowledge until the stream ends."""
    call = channel.stream_stream(
        METHOD,
        request_serializer=ads_pb2.DeltaDiscoveryRequest.SerializeToString,
        response_deserializer=ads_pb2.DeltaDiscoveryResponse.FromString,
    )()
    for url in URLS:
        request = ads_pb2.DeltaDiscoveryRequest(
            type_url=url,
            resource_names_subscribe=["*"],
            initial_resource_versions=node.versions[url],
        )
        if url == URLS[0]:
            request.node.id, request.node.cluster = node.name, "default"
        await call.write(request)
    while isinstance(response := await call.read(), ads_pb2.DeltaDiscoveryResponse):
        found = crowd.received(node, response)
        await call.write(
            ads_pb2.DeltaDiscoveryRequest(type_url=response.type_url, response_nonce=response.nonce)
        )
        crowd.acknowledged(node, response.type_url, found)


async def obey(crowd: Crowd, commands: asyncio.StreamReader) -> None:
    """Do what the parent says until it closes the pipe."""
    while line := await commands.readline():
        command, *rest = json.loads(line)
        if command == "synced":
            while not all(node.synced for node in crowd.nodes):
                crowd.changed.clear()
                await crowd.changed.wait()
            answer: dict[str, float] = {"at": crowd.synced_at, "resources": crowd.resources}
        elif command == "expect":
            crowd.expect(rest[0])
            say({})
            while crowd.waiting:
                crowd.changed.clear()
                await crowd.changed.wait()
            answer = {"first": crowd.first, "last": crowd.last}
        else:
            crowd.resources = 0
            for node in crowd.nodes:
                node.synced = False
            answer = {}
        say(answer)


def die(life: "asyncio.Task[None]") -> None:
    """A node that ends is a bug of ours: without it nothing would ever be complete."""
    traceback.print_exception(life.exception())
    os._exit(1)


def say(answer: dict[str, float]) -> None:
    print(json.dumps(answer), flush=True)


async def main() -> None:
    target, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    crowd = Crowd([Node(f"sim-{number}/0") for number in range(first, first + count)])
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    gate = asyncio.Semaphore(CONNECTING_AT_ONCE)
    loop = asyncio.get_running_loop()
    lives = [loop.create_task(keep(node, crowd, target, gate)) for node in crowd.nodes]
    for life in lives:
        life.add_done_callback(die)
    await obey(crowd, commands)
    os._exit(0)  # a thousand polite farewells take longer than the whole measurement


if __name__ == "__main__":
    uvloop.run(main())
