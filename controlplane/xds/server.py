"""The discovery service on a grpc.aio server (shell): reads requests, writes ready bytes.

The rule: nothing is answered before there is a snapshot to answer from. An empty answer to a
wildcard means "drop everything you have", so a stream that is opened early waits.
"""

import asyncio
import logging
from typing import Any, cast

import grpc
import grpc.aio
from outriderpb.xds.v3 import ads_pb2

from controlplane.clock import Clock
from controlplane.metrics import Metrics
from controlplane.snapshot.cache import DEFAULT_GROUP, SnapshotCache
from controlplane.snapshot.snapshot import Snapshot
from controlplane.tasks import Tasks
from controlplane.xds.connection import Connection, Context
from controlplane.xds.edition import Edition, Library
from controlplane.xds.fleet import Fleet

log = logging.getLogger(__name__)

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
METHOD = "DeltaAggregatedResources"
_MAX_ID = 256


class AdsService:
    """All discovery streams of this control plane."""

    def __init__(self, fleet: Fleet, clock: Clock, metrics: Metrics) -> None:
        self._fleet = fleet
        self._clock = clock
        self._metrics = metrics
        self._library = Library()
        self._editions: dict[str, Edition] = {}
        self._connections: set[Connection] = set()
        self._readers = Tasks()

    def handler(self) -> grpc.GenericRpcHandler:
        """To be added to a grpc.aio server."""
        method = grpc.stream_stream_rpc_method_handler(
            # The stubs know synchronous handlers only.
            cast(Any, self._serve),
            ads_pb2.DeltaDiscoveryRequest.FromString,
            _ready,
        )
        return grpc.method_handlers_generic_handler(SERVICE, {METHOD: method})

    async def follow(self, cache: SnapshotCache, group: str) -> None:
        """Publish what the cache holds for a group, now and at each change, until cancelled."""
        with cache.watch(group) as watcher:
            while True:
                self.publish(group, await watcher.next())

    def publish(self, group: str, snapshot: Snapshot) -> None:
        """Serve a snapshot to a group from now on; an equal one changes nothing."""
        previous = self._editions.get(group)
        if previous is not None and previous.shows(snapshot):
            return
        self._editions[group] = Edition.of(snapshot, previous)
        # Not here and now: the answer to who applied it goes first.
        call_soon = asyncio.get_running_loop().call_soon
        for connection in self._connections:
            call_soon(connection.look)
        self._fleet.changed()

    def edition(self, group: str) -> Edition | None:
        """What a group is served now; None before the first snapshot.

        A group that has no snapshot of its own gets the default group's.
        """
        return self._editions.get(group) or self._editions.get(DEFAULT_GROUP)

    async def close(self) -> None:
        """End every stream; nodes keep what they have and look for us again."""
        for connection in list(self._connections):
            connection.end("")
        await self._readers.close()

    async def _serve(self, _requests: object, context: Context) -> None:
        first = await context.read()
        if not isinstance(first, ads_pb2.DeltaDiscoveryRequest):
            return
        if not first.node.id or len(first.node.id) > _MAX_ID:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"the first request must carry a node.id of at most {_MAX_ID} characters",
            )
        # Not with the first update: a stream could not be ended then that does not take that one.
        await context.send_initial_metadata(())
        connection = Connection(
            context,
            first.node,
            self.edition,
            self._library,
            self._clock,
            self._metrics,
            self._fleet,
        )
        self._connections.add(connection)
        self._metrics.streams.inc()
        self._fleet.join(connection.member)
        log.info("node %s connected from %s", connection.member.id, connection.member.peer)
        connection.heard(first)
        del first
        reader = self._readers.start(connection.read(), f"ads {connection.member.id}")
        try:
            await connection.ended()
        finally:
            connection.end(connection.reason)
            self._connections.discard(connection)
            self._metrics.streams.dec()
            self._fleet.leave(connection.member)
            reader.cancel()
        log.info("node %s: stream ended", connection.member.id)
        if connection.reason:
            log.warning("%s", connection.reason)
            await context.abort(grpc.StatusCode.ABORTED, connection.reason)


def _ready(message: bytes) -> bytes:
    """Updates are bytes already."""
    return message
