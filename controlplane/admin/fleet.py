"""FleetService: which nodes are connected, what each acknowledged or refused, and how the clusters
are doing that they send to.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
from outriderpb.admin.v1 import fleet_pb2, fleet_pb2_grpc

from controlplane.admin import clusters
from controlplane.admin.config import rfc3339
from controlplane.admin.pipeline import Pipeline
from controlplane.snapshot.cache import DEFAULT_GROUP, SnapshotCache
from controlplane.xds.fleet import Fleet, Member
from controlplane.xds.reports import ReportingService
from controlplane.xds.stream import TypeState

Context = grpc.aio.ServicerContext[Any, Any]

# A push to a thousand nodes is two thousand changes within 200 ms; watchers get two or three lists.
_COALESCE_S = 0.1
# A worker answers within a turn of its loop; one that has much to do gets some.
_PATIENCE_S = 2.0


class FleetAdmin(fleet_pb2_grpc.FleetServiceServicer):
    """The gRPC face of the fleet."""

    def __init__(
        self,
        fleet: Fleet,
        cache: SnapshotCache,
        pipeline: Pipeline,
        reporting: ReportingService,
    ) -> None:
        self._fleet = fleet
        self._reporting = reporting
        self._cache = cache
        self._pipeline = pipeline
        self._closed = False

    async def ListNodes(
        self, _request: fleet_pb2.ListNodesRequest, _context: Context
    ) -> fleet_pb2.ListNodesResponse:
        """Every connected node, by id."""
        return self._nodes()

    async def WatchNodes(
        self, _request: fleet_pb2.WatchNodesRequest, _context: Context
    ) -> AsyncIterator[fleet_pb2.ListNodesResponse]:
        """The list now, and again after each change."""
        last = None
        with self._fleet.watch() as changed:
            while True:
                await changed.wait()
                if self._closed:
                    return
                changed.clear()
                nodes = self._nodes()
                if nodes != last:
                    yield nodes
                    last = nodes
                await asyncio.sleep(_COALESCE_S)

    async def ListClusters(
        self, request: fleet_pb2.ListClustersRequest, _context: Context
    ) -> fleet_pb2.ListClustersResponse:
        """How clusters are doing, by name, as the workers say that answer in time."""
        answers = await self._reporting.ask(_PATIENCE_S, request.cluster)
        made = clusters.by_worker if request.by_worker else clusters.merged
        return fleet_pb2.ListClustersResponse(
            # A hundred clusters of a thousand workers take half a second: streams go on meanwhile.
            clusters=await asyncio.to_thread(made, answers),
            workers=len(answers),
            silent=[one.id for one in self._fleet.members() if one.id not in answers],
        )

    async def close(self) -> None:
        """End the watches."""
        self._closed = True
        self._fleet.changed()

    def _nodes(self) -> fleet_pb2.ListNodesResponse:
        revision = self._pipeline.in_force
        return fleet_pb2.ListNodesResponse(
            nodes=[self._node(member) for member in self._fleet.members()],
            snapshot_version=self._version(DEFAULT_GROUP),
            revision=revision.number if revision else 0,
        )

    def _node(self, member: Member) -> fleet_pb2.Node:
        whole = member.stream.whole_version
        return fleet_pb2.Node(
            id=member.id,
            group=member.group,
            user_agent=member.user_agent,
            connected_at=rfc3339(member.connected_at),
            snapshot_version=whole,
            converged=whole != "" and whole == self._version(member.group),
            types=[_status(state) for state in member.stream.types()],
            peer=member.peer,
        )

    def _version(self, group: str) -> str:
        """The snapshot in force for a group, which may be the default group's."""
        snapshot = self._cache.get(group) or self._cache.get(DEFAULT_GROUP)
        return snapshot.version if snapshot else ""


def _status(state: TypeState) -> fleet_pb2.TypeStatus:
    refusal = state.refusal
    return fleet_pb2.TypeStatus(
        type_url=state.kind.url,
        acked_version=state.acked_version,
        nacked_version=refusal.version if refusal else "",
        nack_reason=refusal.reason if refusal else "",
        nacked_at=rfc3339(refusal.at) if refusal else "",
        pending=state.pending,
    )
