"""A lease service that has ended gives nothing more, and leaves nothing open."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import grpc.aio
from outriderpb.limits.v1 import lease_pb2

from controlplane.clock import MonotonicClock
from controlplane.limits.journal import Journal
from controlplane.limits.ledger import Ledger
from controlplane.limits.service import METHOD, SERVICE, LeaseService
from controlplane.snapshot.cache import DEFAULT_GROUP, SnapshotCache
from controlplane.translate.compiler import compile_config

CONFIG = """\
version: v0.4.0
listeners: [{type: model, name: models, port: 0}]
model_providers: [{model: openai/gpt-4o}]
limits: [{name: team, requests: {limit: 10, window: 100h}}]
"""
BUCKET = lease_pb2.Bucket(limit="team", measure="requests")
Call = grpc.aio.StreamStreamCall[lease_pb2.LeaseRequest, lease_pb2.LeaseResponse]


class Leasing:
    """A service on a port, and streams to it."""

    def __init__(self, leases: LeaseService, file: Path, channel: grpc.aio.Channel) -> None:
        self.leases = leases
        self.file = file
        self._open: Any = channel.stream_stream(
            f"/{SERVICE}/{METHOD}",
            request_serializer=lease_pb2.LeaseRequest.SerializeToString,
            response_deserializer=lease_pb2.LeaseResponse.FromString,
        )

    async def begins(self, node_id: str) -> Call:
        """A worker's stream, with its need of five."""
        call: Call = self._open()
        line = lease_pb2.Line(bucket=BUCKET, need=5)
        await call.write(lease_pb2.LeaseRequest(node_id=node_id, sequence=1, lines=[line]))
        return call

    def levels(self) -> list[float]:
        """What the journal says of the bucket, in the order it was written."""
        told = map(json.loads, filter(None, self.file.read_text().splitlines()))
        return [one["level"] for one in told if "id" in one]

    def is_open(self) -> bool:
        """Whether this process holds the journal open."""
        return any(one.resolve() == self.file for one in Path("/proc/self/fd").iterdir())


@asynccontextmanager
async def leasing(folder: Path) -> AsyncIterator[Leasing]:
    """Runs, with a limit of ten."""
    clock, cache, file = MonotonicClock(), SnapshotCache(), folder.resolve() / "limits.journal"
    leases = LeaseService(Ledger(), Journal(file, count(100.0, 10.0).__next__), clock)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([leases.handler()])
    port = server.add_insecure_port("127.0.0.1:0")
    cache.set(DEFAULT_GROUP, compile_config(CONFIG, "outrider.yaml", None))
    following = asyncio.ensure_future(leases.follow(cache, DEFAULT_GROUP))
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Leasing(leases, file, channel)
    finally:
        following.cancel()
        await server.stop(None)
        await leases.close()


async def test_what_is_given_is_in_the_journal_first(tmp_path: Path) -> None:
    async with leasing(tmp_path) as made, asyncio.timeout(20):
        call = await made.begins("one")
        answer = await call.read()
        assert isinstance(answer, lease_pb2.LeaseResponse)
        (grant,) = answer.grants
        assert min(made.levels()) <= 10 - grant.total


async def test_who_comes_after_the_end_is_given_nothing(tmp_path: Path) -> None:
    """The port is open for a moment yet, and workers look for us again at once. The last word of
    the journal is what is left: of what were given after it the next control plane knew nothing.
    """
    async with leasing(tmp_path) as made, asyncio.timeout(20):
        call = await made.begins("one")
        await call.read()
        await made.leases.close()
        written = made.levels()
        late = await made.begins("late")
        assert await late.read() is grpc.aio.EOF
        assert (made.levels(), made.is_open()) == (written, False)


async def test_nothing_is_written_after_the_end(tmp_path: Path) -> None:
    """What tends would go on until the ports are closed, a second later where calls run."""
    async with leasing(tmp_path) as made, asyncio.timeout(20):
        call = await made.begins("one")
        await call.read()
        tending = asyncio.ensure_future(made.leases.tend())
        await asyncio.sleep(0)
        await made.leases.close()
        await tending
        assert not made.is_open()
