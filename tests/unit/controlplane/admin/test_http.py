"""The HTTP port of a control plane: what probes and Prometheus see."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from controlplane.main import ControlPlane
from controlplane.snapshot.resource import ResourceType
from tests.support.control import BAD, CONFIG, control_plane
from tests.support.delta import delta_client
from tests.support.wait import until


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[ControlPlane]:
    async with control_plane(tmp_path) as plane:
        yield plane


async def get(plane: ControlPlane, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{plane.http_address}{path}") as response,
    ):
        return response.status, await response.text()


async def samples(plane: ControlPlane) -> dict[str, float]:
    status, text = await get(plane, "/metrics")
    assert status == 200
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sample.labels.items())
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


async def test_it_lives_from_the_start_and_is_ready_with_the_first_config(
    plane: ControlPlane,
) -> None:
    assert (await get(plane, "/healthz"))[0] == 200
    assert await get(plane, "/readyz") == (503, "no config applied yet\n")
    await plane.pipeline.apply(CONFIG, "a.yaml", "me")
    assert (await get(plane, "/readyz"))[0] == 200


async def test_metrics_count_streams_pushes_and_answers(plane: ControlPlane) -> None:
    applied = await plane.pipeline.apply(CONFIG, "a.yaml", "me")
    async with delta_client(plane.xds_address) as client:
        await client.subscribe(ResourceType.CLUSTER, ResourceType.ROUTE)
        await client.take()
        await client.nack(await client.read(), "no")
        await until(lambda: any(t.refusal for t in plane.fleet.members()[0].stream.types()))
        found = await samples(plane)
    assert found["outrider_xds_streams{}"] == 1
    assert found["outrider_xds_pushes_total{type=cluster}"] == 1
    assert found["outrider_xds_acks_total{type=cluster}"] == 1
    assert found["outrider_xds_nacks_total{type=route}"] == 1
    assert found["outrider_xds_push_to_ack_seconds_count{}"] == 2
    assert found["outrider_config_revision{}"] == 1
    assert found[f"outrider_snapshot_info{{version={applied.snapshot_version}}}"] == 1


async def test_metrics_count_applies_by_outcome(plane: ControlPlane) -> None:
    for text in (CONFIG, CONFIG, BAD):
        try:
            await plane.pipeline.apply(text, "a.yaml", "me")
        except Exception:
            assert text is BAD
    found = await samples(plane)
    outcomes = [
        found[f"outrider_config_applied_total{{outcome={outcome}}}"]
        for outcome in ("changed", "unchanged", "refused")
    ]
    assert outcomes == [1, 1, 1]
