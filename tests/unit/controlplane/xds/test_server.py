"""The discovery service over a real connection."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
import pytest

from controlplane.clock import MonotonicClock
from controlplane.metrics import Metrics
from controlplane.ports import GrpcPort
from controlplane.security import Security
from controlplane.snapshot.resource import ResourceType
from controlplane.xds.fleet import Fleet, Member
from controlplane.xds.server import AdsService
from tests.support.delta import DeltaClient, delta_client
from tests.support.snapshots import cluster, listener, route, snapshot
from tests.support.wait import until

CLUSTER, ROUTE, LISTENER = ResourceType.CLUSTER, ResourceType.ROUTE, ResourceType.LISTENER
ALL = (CLUSTER, ROUTE, LISTENER)
ONE = snapshot(cluster("c1"), route("r1"), listener("l1", 1))
TWO = snapshot(cluster("c2"), route("r2"), listener("l1", 1))
MORE_THAN_A_WINDOW = "r" * (3 << 20)
"""A name that HTTP/2 does not carry to who reads nothing."""
WRITE_ENDED = 'Failed "execute_batch"'
"""What is said of a write that its node did not live to see."""
EVERYTHING = ["cluster +c1", "route +r1", "listener +l1"]


@dataclass
class Plane:
    service: AdsService
    fleet: Fleet
    metrics: Metrics
    address: str

    @property
    def node(self) -> Member:
        (member,) = self.fleet.members()
        return member

    def pushes(self) -> float:
        return sum(
            sample.value
            for family in self.metrics.registry.collect()
            for sample in family.samples
            if sample.name == "outrider_xds_pushes_total"
        )

    def streams(self) -> float | None:
        return self.metrics.registry.get_sample_value("outrider_xds_streams")


@asynccontextmanager
async def serving(security: Security | None = None) -> AsyncIterator[Plane]:
    fleet, metrics = Fleet(), Metrics()
    service = AdsService(fleet, MonotonicClock(), metrics)
    port = GrpcPort("127.0.0.1:0", security or Security())
    port.server.add_generic_rpc_handlers((service.handler(),))
    await port.start()
    try:
        yield Plane(service, fleet, metrics, port.address)
    finally:
        await service.close()
        await port.stop(1)


async def failure(client: DeltaClient) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.read()
    return caught.value


async def test_a_stream_gets_everything_in_order() -> None:
    async with serving() as plane, delta_client(plane.address) as client:
        plane.service.publish("default", ONE)
        await client.subscribe(*ALL)
        assert await client.take(3) == EVERYTHING
        await until(lambda: plane.node.stream.whole_version == ONE.version)


async def test_a_stream_opened_before_the_first_snapshot_waits() -> None:
    async with serving() as plane, delta_client(plane.address) as client:
        await client.subscribe(*ALL)
        await until(lambda: len(plane.fleet.members()) == 1)
        assert plane.pushes() == 0
        plane.service.publish("default", ONE)
        assert await client.take(3) == EVERYTHING


async def test_a_change_reaches_an_open_stream_additions_first() -> None:
    async with serving() as plane, delta_client(plane.address) as client:
        plane.service.publish("default", ONE)
        await client.subscribe(*ALL)
        await client.take(3)
        plane.service.publish("default", TWO)
        assert await client.take(4) == ["cluster +c2", "route +r2", "route -r1", "cluster -c1"]


async def test_an_equal_snapshot_makes_no_push() -> None:
    async with serving() as plane, delta_client(plane.address) as client:
        plane.service.publish("default", ONE)
        await client.subscribe(*ALL)
        await client.take(3)
        plane.service.publish("default", snapshot(cluster("c1"), listener("l1", 1), route("r1")))
        plane.service.publish("default", TWO)
        await client.take(4)
        assert plane.pushes() == 7


async def test_reconnect_to_a_restarted_control_plane_resends_nothing() -> None:
    async with serving() as plane, delta_client(plane.address) as client:
        plane.service.publish("default", ONE)
        await client.subscribe(*ALL)
        await client.take(3)
    async with serving() as plane, delta_client(plane.address) as again:
        await again.subscribe(*ALL, reported=client.held)
        await until(lambda: len(plane.fleet.members()) == 1)
        plane.service.publish("default", ONE)
        assert await again.take(3) == ["cluster", "route", "listener"]
        await until(lambda: plane.node.stream.whole_version == ONE.version)


async def test_reconnect_after_a_change_gets_only_the_change() -> None:
    async with serving() as plane:
        plane.service.publish("default", ONE)
        async with delta_client(plane.address) as client:
            await client.subscribe(*ALL)
            await client.take(3)
        plane.service.publish("default", TWO)
        async with delta_client(plane.address) as again:
            await again.subscribe(*ALL, reported=client.held)
            assert await again.take(5) == [
                "cluster +c2",
                "route +r2",
                "listener",
                "route -r1",
                "cluster -c1",
            ]


async def test_a_refusal_is_kept_and_not_sent_again() -> None:
    async with serving() as plane, delta_client(plane.address) as client:
        plane.service.publish("default", ONE)
        await client.subscribe(CLUSTER)
        await client.nack(await client.read(), "no such\nthing")
        await until(lambda: any(each.refusal for each in plane.node.stream.types()))
        (state,) = plane.node.stream.types()
        assert state.refusal is not None
        assert (state.refusal.version, state.refusal.reason) == (ONE.version, "no such thing")
        plane.service.publish("default", TWO)
        assert await client.take() == ["cluster +c2"]
        assert plane.pushes() == 2


async def test_a_slow_node_gets_a_burst_of_changes_as_one_update() -> None:
    async with serving() as plane, delta_client(plane.address) as client:
        plane.service.publish("default", snapshot(route("r", 0)))
        await client.subscribe(ROUTE)
        first = await client.read()
        for content in range(1, 20):
            plane.service.publish("default", snapshot(route("r", content)))
        await client.ack(first)
        assert await client.take() == ["route +r"]
        assert client.held[ROUTE] == {"r": route("r", 19).version}
        assert plane.pushes() == 2


async def test_the_newer_of_two_streams_of_a_node_stays() -> None:
    async with serving() as plane:
        plane.service.publish("default", ONE)
        async with delta_client(plane.address) as old, delta_client(plane.address) as new:
            await old.subscribe(CLUSTER)
            await old.take()
            await new.subscribe(CLUSTER)
            await new.take()
            error = await failure(old)
            assert error.code() is grpc.StatusCode.ABORTED
            assert "connected again" in (error.details() or "")
            plane.service.publish("default", TWO)
            assert await new.take() == ["cluster +c2"]
            assert len(plane.fleet.members()) == 1


async def test_a_node_that_leaves_is_gone() -> None:
    async with serving() as plane:
        async with delta_client(plane.address) as client:
            await client.subscribe(CLUSTER)
            await until(lambda: len(plane.fleet.members()) == 1)
        await until(lambda: not plane.fleet.members())
        assert plane.streams() == 0


async def test_a_node_that_reads_nothing_makes_room_for_its_successor(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with serving() as plane, delta_client(plane.address) as new:
        plane.service.publish("default", snapshot(route(MORE_THAN_A_WINDOW)))
        async with delta_client(plane.address) as stuck:
            await stuck.subscribe(ROUTE)
            await until(lambda: plane.pushes() == 1)
            await new.subscribe(CLUSTER)
            assert await new.take() == ["cluster"]
            await until(lambda: plane.streams() == 1)
            plane.service.publish("default", ONE)
            assert await new.take() == ["cluster +c1"]
        await until(lambda: WRITE_ENDED in caplog.text)


async def test_a_node_that_leaves_amid_an_update_is_let_go_without_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with serving() as plane:
        plane.service.publish("default", snapshot(route(MORE_THAN_A_WINDOW)))
        async with delta_client(plane.address) as client:
            await client.subscribe(ROUTE)
            await until(lambda: plane.pushes() == 1)
        await until(lambda: plane.streams() == 0 and WRITE_ENDED in caplog.text)
    # asyncio tells of an error that nobody took when it is collected.
    gc.collect()
    assert [each for each in caplog.records if each.levelno > logging.INFO] == []


async def test_a_node_that_closes_its_side_is_let_go() -> None:
    async with serving() as plane, delta_client(plane.address) as client:
        await client.subscribe(CLUSTER)
        await client.call.done_writing()
        with pytest.raises(EOFError):
            await client.read()


async def test_a_stream_without_a_node_id_is_refused() -> None:
    async with serving() as plane, delta_client(plane.address, node="") as client:
        await client.subscribe(CLUSTER)
        assert (await failure(client)).code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_streams_end_cleanly_when_the_control_plane_stops() -> None:
    async with serving() as plane, delta_client(plane.address) as client:
        plane.service.publish("default", ONE)
        await client.subscribe(CLUSTER)
        await client.take()
        await plane.service.close()
        with pytest.raises(EOFError):
            await client.read()


async def test_a_watcher_learns_of_changes() -> None:
    async with serving() as plane:
        plane.service.publish("default", ONE)
        with plane.fleet.watch() as changed:
            changed.clear()
            async with asyncio.timeout(5), delta_client(plane.address) as client:
                await client.subscribe(CLUSTER)
                await changed.wait()
