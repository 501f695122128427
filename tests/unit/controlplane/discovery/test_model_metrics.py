"""Prices are fetched, kept and served beside the config."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from outriderpb.v1 import model_metrics_pb2

from controlplane.discovery.model_metrics import KEPT, ModelMetrics
from controlplane.snapshot.cache import DEFAULT_GROUP, SnapshotCache
from controlplane.snapshot.resource import ResourceType
from controlplane.snapshot.snapshot import Snapshot
from tests.support.wait import until


class Catalog:
    """A source on loopback; `answer` is the next one's status and body."""

    def __init__(self) -> None:
        self.answer: tuple[int, object] = (200, {})
        self.asked: list[str] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a GET."""
        self.asked.append(request.path_qs)
        status, body = self.answer
        return web.json_response(body, status=status)

    def prices(self, **inputs: float) -> None:
        """Answer as models.dev does."""
        models = {name: {"cost": {"input": price, "output": 1}} for name, price in inputs.items()}
        self.answer = (200, {"openai": {"models": models}})


@pytest.fixture
async def catalog() -> AsyncIterator[Catalog]:
    made = Catalog()
    application = web.Application()
    application.router.add_get("/{tail:.*}", made.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    made.url = f"http://{host}:{port}"
    yield made
    await runner.cleanup()


def config(*sources: dict[str, Any], models: tuple[str, ...] = ("gpt",)) -> str:
    return json.dumps(
        {
            "version": "v0.4.0",
            "listeners": [],
            "model_providers": [{"model": f"openai/{m}", "access_key": "$KEY"} for m in models],
            "model_metrics_sources": sources,
        }
    )


def source(catalog: Catalog, **more: Any) -> dict[str, Any]:
    return {"type": "cost", "provider": "models.dev", "url": catalog.url, **more}


class Plane:
    """What serves the tables."""

    def __init__(self, directory: Path) -> None:
        self.cache = SnapshotCache()
        self.cache.set(DEFAULT_GROUP, Snapshot.build([]))
        self.metrics = ModelMetrics(self.cache, directory)
        self.metrics.load()

    def table(self, name: str = "cost") -> model_metrics_pb2.ModelMetrics | None:
        """What is served."""
        snapshot = self.cache.get(DEFAULT_GROUP)
        assert snapshot is not None
        resource = snapshot.of_type(ResourceType.MODEL_METRICS).get(name)
        message = resource.message if resource is not None else None
        assert message is None or isinstance(message, model_metrics_pb2.ModelMetrics)
        return message

    def price(self, model: str = "openai/gpt") -> float | None:
        """The input price that is served."""
        table = self.table()
        return table.prices[model].input if table is not None and model in table.prices else None


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as made:
        yield made


def plane(stack: AsyncExitStack, directory: Path) -> Plane:
    made = Plane(directory)
    stack.push_async_callback(made.metrics.close)
    return made


async def test_prices_are_served_and_the_version_of_the_config_stays(
    catalog: Catalog, stack: AsyncExitStack, tmp_path: Path
) -> None:
    catalog.prices(gpt=2.5, other=1)
    made = plane(stack, tmp_path)
    before = made.cache.get(DEFAULT_GROUP)
    made.metrics.serve(config(source(catalog)), "c.yaml")
    await until(lambda: made.price() == 2.5)
    table = made.table()
    assert table is not None
    assert sorted(table.prices) == ["gpt", "openai/gpt"]
    after = made.cache.get(DEFAULT_GROUP)
    assert before is not None
    assert after is not None
    assert after.version == before.version


async def test_refresh_that_fails_keeps_the_table(
    catalog: Catalog, stack: AsyncExitStack, tmp_path: Path
) -> None:
    catalog.prices(gpt=2.5)
    made = plane(stack, tmp_path)
    made.metrics.serve(config(source(catalog)), "c.yaml")
    await until(lambda: made.price() == 2.5)
    catalog.answer = (500, {})
    made.metrics.serve(config(source(catalog, refresh_interval=3600)), "c.yaml")
    await until(lambda: len(catalog.asked) == 2)
    await until(lambda: made.price() == 2.5)


async def test_restart_knows_what_was_fetched_before(
    catalog: Catalog, stack: AsyncExitStack, tmp_path: Path
) -> None:
    catalog.prices(gpt=2.5)
    first = plane(stack, tmp_path)
    first.metrics.serve(config(source(catalog)), "c.yaml")
    await until((tmp_path / KEPT).exists)
    await first.metrics.close()
    catalog.answer = (503, {})
    second = plane(stack, tmp_path)
    second.metrics.serve(config(source(catalog)), "c.yaml")
    await until(lambda: second.price() == 2.5)


@pytest.mark.parametrize("kept", ["{", "[]", '{"a": {}}', '{"a": {"prices": {"m": {}}}}'])
async def test_file_that_is_damaged_is_ignored(
    kept: str, stack: AsyncExitStack, tmp_path: Path
) -> None:
    (tmp_path / KEPT).write_text(kept)
    assert plane(stack, tmp_path).table() is None


async def test_source_that_is_named_no_more_is_served_no_more(
    catalog: Catalog, stack: AsyncExitStack, tmp_path: Path
) -> None:
    catalog.prices(gpt=2.5)
    made = plane(stack, tmp_path)
    made.metrics.serve(config(source(catalog)), "c.yaml")
    await until(lambda: made.price() == 2.5)
    made.metrics.serve(config(), "c.yaml")
    await until(lambda: made.table() is None)


async def test_new_model_has_its_price_without_another_fetch(
    catalog: Catalog, stack: AsyncExitStack, tmp_path: Path
) -> None:
    catalog.prices(gpt=2.5, mini=1.5)
    made = plane(stack, tmp_path)
    made.metrics.serve(config(source(catalog)), "c.yaml")
    await until(lambda: made.price() == 2.5)
    made.metrics.serve(config(source(catalog), models=("gpt", "mini")), "c.yaml")
    await until(lambda: made.price("openai/mini") == 1.5)
    assert len(catalog.asked) == 1


async def test_prometheus_is_queried_and_latencies_are_served(
    catalog: Catalog, stack: AsyncExitStack, tmp_path: Path
) -> None:
    result = [{"metric": {"model_name": "openai/gpt"}, "value": [1, "0.25"]}]
    data = {"resultType": "vector", "result": result}
    catalog.answer = (200, {"status": "success", "data": data})
    made = plane(stack, tmp_path)
    told = {"type": "latency", "provider": "prometheus", "url": catalog.url, "query": "a{b='c'}"}
    made.metrics.serve(config(told), "c.yaml")
    await until(lambda: made.table("latency") is not None)
    table = made.table("latency")
    assert table is not None
    assert table.latencies["gpt"] == 0.25
    assert catalog.asked == ["/api/v1/query?query=a%7Bb%3D'c'%7D"]


async def test_file_of_prices_is_read(stack: AsyncExitStack, tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("gpt: {input: 7, output: 8}")
    made = plane(stack, tmp_path)
    told = {"type": "cost", "provider": "file", "path": str(prices)}
    made.metrics.serve(config(told), "c.yaml")
    await until(lambda: made.price() == 7)
