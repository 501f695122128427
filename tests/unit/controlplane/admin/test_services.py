"""The admin gRPC port: config, fleet, health and reflection over a real connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from outriderpb.admin.v1 import config_pb2, config_pb2_grpc, fleet_pb2, fleet_pb2_grpc

from controlplane.main import ControlPlane
from controlplane.snapshot.resource import ResourceType
from tests.support.control import BAD, CONFIG, OTHER, control_plane
from tests.support.delta import DeltaClient, delta_client
from tests.support.wait import until

ALL = tuple(ResourceType)


@dataclass
class Admin:
    plane: ControlPlane
    channel: grpc.aio.Channel
    # The stubs that grpcio-tools makes have no types.
    config: Any
    fleet: Any

    async def apply(self, text: str) -> config_pb2.ApplyResponse:
        request = config_pb2.ApplyRequest(config=text, file_name="a.yaml", author="me")
        response: config_pb2.ApplyResponse = await self.config.Apply(request)
        return response

    async def nodes(self) -> fleet_pb2.ListNodesResponse:
        response: fleet_pb2.ListNodesResponse = await self.fleet.ListNodes(
            fleet_pb2.ListNodesRequest()
        )
        return response


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[Admin]:
    async with (
        control_plane(tmp_path) as plane,
        grpc.aio.insecure_channel(plane.admin_address) as channel,
    ):
        yield Admin(
            plane,
            channel,
            config_pb2_grpc.ConfigServiceStub(channel),
            fleet_pb2_grpc.FleetServiceStub(channel),
        )


@asynccontextmanager
async def converged(admin: Admin) -> AsyncIterator[DeltaClient]:
    async with delta_client(admin.plane.xds_address) as client:
        await client.subscribe(*ALL)
        await client.take(len(ALL))
        yield client


async def test_check_tells_the_snapshot_and_changes_nothing(admin: Admin) -> None:
    response = await admin.config.Check(config_pb2.CheckRequest(config=CONFIG, file_name="a.yaml"))
    assert list(response.problems) == []
    assert response.snapshot_version != ""
    assert admin.plane.pipeline.in_force is None


async def test_check_tells_every_problem(admin: Admin) -> None:
    text = BAD + "bogus: 1\n"
    response = await admin.config.Check(config_pb2.CheckRequest(config=text, file_name="a.yaml"))
    assert response.snapshot_version == ""
    told = {(each.file, each.line, each.path) for each in response.problems}
    assert {("a.yaml", 2, "listners"), ("a.yaml", 12, "bogus")} <= told
    assert all(each.message for each in response.problems)


async def test_apply_serves_and_numbers_revisions(admin: Admin) -> None:
    first, second = await admin.apply(CONFIG), await admin.apply(OTHER)
    assert (first.revision, first.changed) == (1, True)
    assert (second.revision, second.changed) == (2, True)
    assert first.snapshot_version != second.snapshot_version


async def test_apply_of_what_is_served_makes_no_revision(admin: Admin) -> None:
    await admin.apply(CONFIG)
    again = await admin.apply(CONFIG + "# a comment\n")
    assert (again.revision, again.changed) == (1, False)


async def test_a_bad_apply_changes_nothing(admin: Admin) -> None:
    await admin.apply(CONFIG)
    response = await admin.apply(BAD)
    assert response.revision == 0
    assert "listners" in {each.path for each in response.problems}
    found = await admin.config.Get(config_pb2.GetRequest())
    assert (found.revision, found.config) == (1, CONFIG)


async def test_applies_at_the_same_time_come_one_after_the_other(admin: Admin) -> None:
    texts = [CONFIG.replace("gpt-4o", f"model-{number}") for number in range(5)]
    responses = await asyncio.gather(*map(admin.apply, texts))
    assert sorted(each.revision for each in responses) == [1, 2, 3, 4, 5]
    newest = max(responses, key=lambda each: each.revision)
    assert (await admin.nodes()).snapshot_version == newest.snapshot_version


async def test_get_tells_who_and_when(admin: Admin) -> None:
    await admin.apply(CONFIG)
    await admin.apply(OTHER)
    found = await admin.config.Get(config_pb2.GetRequest(revision=1))
    assert (found.config, found.author, found.file_name) == (CONFIG, "me", "a.yaml")
    assert found.applied_at.endswith("Z")


@pytest.mark.parametrize("revision", [0, 99])
async def test_get_of_nothing_is_not_found(admin: Admin, revision: int) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await admin.config.Get(config_pb2.GetRequest(revision=revision))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_huge_config_is_refused(admin: Admin) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await admin.apply("#" * (17 << 20))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_list_tells_of_a_converged_node(admin: Admin) -> None:
    version = (await admin.apply(CONFIG)).snapshot_version
    async with converged(admin):
        await until(lambda: admin.plane.fleet.members()[0].stream.whole_version == version)
        listed = await admin.nodes()
    (node,) = listed.nodes
    assert (listed.revision, listed.snapshot_version) == (1, version)
    assert (node.id, node.group, node.converged) == ("node-1", "default", True)
    assert node.snapshot_version == version
    assert [state.type_url for state in node.types] == [kind.url for kind in ALL]
    assert {state.acked_version for state in node.types} == {version}
    assert node.connected_at.endswith("Z")
    assert node.peer.startswith("ipv4:127.0.0.1:")


async def test_list_tells_what_was_refused_and_why(admin: Admin) -> None:
    await admin.apply(CONFIG)
    async with converged(admin) as client:
        version = (await admin.apply(OTHER)).snapshot_version
        await client.nack(await client.read(), "provider gpt-5: $KEY\x1b[0m is not set")
        await until(lambda: any(t.refusal for t in admin.plane.fleet.members()[0].stream.types()))
        (node,) = (await admin.nodes()).nodes
        (refused,) = [state for state in node.types if state.nacked_version]
        assert not node.converged
        assert (refused.nacked_version, refused.pending) == (version, False)
        assert refused.nack_reason == "provider gpt-5: $KEY [0m is not set"
        assert refused.nacked_at.endswith("Z")


async def test_watch_tells_the_list_now_and_after_changes(admin: Admin) -> None:
    async with asyncio.timeout(5):
        watch = admin.fleet.WatchNodes(fleet_pb2.WatchNodesRequest())
        assert list((await watch.read()).nodes) == []
        version = (await admin.apply(CONFIG)).snapshot_version
        while (await watch.read()).snapshot_version != version:
            pass
        async with converged(admin):
            while not any(node.converged for node in (await watch.read()).nodes):
                pass
        while (await watch.read()).nodes:
            pass
        watch.cancel()


async def test_a_watch_ends_when_the_control_plane_stops(tmp_path: Path) -> None:
    async with control_plane(tmp_path) as plane:
        channel = grpc.aio.insecure_channel(plane.admin_address)
        watch = fleet_pb2_grpc.FleetServiceStub(channel).WatchNodes(fleet_pb2.WatchNodesRequest())
        await watch.read()
    async with asyncio.timeout(5), channel:
        assert await watch.read() is grpc.aio.EOF


async def test_health_serves_from_the_first_snapshot_on(admin: Admin) -> None:
    stub = health_pb2_grpc.HealthStub(admin.channel)
    status = health_pb2.HealthCheckResponse
    before = await stub.Check(health_pb2.HealthCheckRequest())
    assert before.status == status.NOT_SERVING
    watch = stub.Watch(health_pb2.HealthCheckRequest(service="outrider.admin.v1.ConfigService"))
    assert (await watch.read()).status == status.NOT_SERVING
    await admin.apply(CONFIG)
    async with asyncio.timeout(5):
        assert (await watch.read()).status == status.SERVING
    watch.cancel()


async def test_reflection_lists_and_describes_the_services(admin: Admin) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(admin.channel)
    requests = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(
            file_containing_symbol="outrider.admin.v1.FleetService"
        ),
    ]
    listed, described = [each async for each in stub.ServerReflectionInfo(iter(requests))]
    assert {each.name for each in listed.list_services_response.service} == {
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "outrider.admin.v1.ConfigService",
        "outrider.admin.v1.DecisionService",
        "outrider.admin.v1.FleetService",
        "outrider.admin.v1.LimitService",
    }
    assert described.file_descriptor_response.file_descriptor_proto
