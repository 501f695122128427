"""Watchers see the newest snapshot of their group, once."""

import asyncio

from outriderpb.v1 import listener_pb2, model_metrics_pb2

from controlplane.snapshot.cache import SnapshotCache
from controlplane.snapshot.resource import Resource, ResourceType
from controlplane.snapshot.snapshot import Snapshot


def snapshot(name: str) -> Snapshot:
    message = listener_pb2.Listener(name=name)
    return Snapshot.build([Resource.of(ResourceType.LISTENER, name, message)])


def test_an_unknown_group_has_no_snapshot() -> None:
    assert SnapshotCache().get("default") is None


async def test_a_watcher_gets_what_is_there_already() -> None:
    cache, one = SnapshotCache(), snapshot("a")
    cache.set("default", one)
    with cache.watch("default") as watcher:
        assert await watcher.next() is one


async def test_every_watcher_of_a_group_is_woken_with_the_same_snapshot() -> None:
    cache, one = SnapshotCache(), snapshot("a")
    with cache.watch("default") as first, cache.watch("default") as second:
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            got = [tasks.create_task(watcher.next()) for watcher in (first, second)]
            await asyncio.sleep(0)
            cache.set("default", one)
    assert [task.result() for task in got] == [one, one]


async def test_changes_between_two_looks_are_one() -> None:
    cache = SnapshotCache()
    with cache.watch("default") as watcher:
        for name in ("a", "b", "c"):
            cache.set("default", snapshot(name))
        newest = await watcher.next()
        assert newest is cache.get("default")
        assert watcher.newer() is None


async def test_an_equal_snapshot_wakes_nobody() -> None:
    cache, one = SnapshotCache(), snapshot("a")
    assert cache.set("default", one)
    with cache.watch("default") as watcher:
        await watcher.next()
        assert not cache.set("default", snapshot("a"))
        assert cache.get("default") is one
        assert watcher.newer() is None


async def test_another_group_is_another_snapshot() -> None:
    cache = SnapshotCache()
    with cache.watch("canary") as watcher:
        cache.set("default", snapshot("a"))
        assert watcher.newer() is None
        assert list(cache.groups()) == ["default"]


async def test_a_watcher_is_forgotten_at_the_end_of_its_block() -> None:
    cache = SnapshotCache()
    with cache.watch("default"):
        assert cache.watcher_count("default") == 1
    assert cache.watcher_count("default") == 0


async def test_a_cancelled_wait_leaves_no_watcher() -> None:
    cache = SnapshotCache()

    async def wait() -> None:
        with cache.watch("default") as watcher:
            await watcher.next()

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
    assert cache.watcher_count("default") == 0


def prices(price: float) -> Resource:
    message = model_metrics_pb2.ModelMetrics(name="cost")
    message.prices["m"].input = price
    return Resource.of(ResourceType.MODEL_METRICS, "cost", message)


def measured(cache: SnapshotCache) -> list[str]:
    current = cache.get("default")
    assert current is not None
    return list(current.of_type(ResourceType.MODEL_METRICS))


def test_measurements_are_served_beside_every_snapshot() -> None:
    cache, one = SnapshotCache(), snapshot("a")
    cache.measure("default", [prices(1)])
    cache.set("default", one)
    assert measured(cache) == ["cost"]
    cache.set("default", snapshot("b"))
    assert measured(cache) == ["cost"]
    cache.measure("default", [])
    assert measured(cache) == []


def test_measurements_do_not_change_what_a_config_means() -> None:
    cache, one = SnapshotCache(), snapshot("a")
    cache.set("default", one)
    cache.measure("default", [prices(1)])
    current = cache.get("default")
    assert current is not None
    assert current.version == one.version
    assert not cache.set("default", snapshot("a"))


async def test_new_measurement_wakes_watchers_and_an_equal_one_does_not() -> None:
    cache = SnapshotCache()
    cache.set("default", snapshot("a"))
    with cache.watch("default") as watcher:
        await watcher.next()
        cache.measure("default", [prices(1)])
        assert watcher.newer() is not None
        cache.measure("default", [prices(1)])
        assert watcher.newer() is None
        cache.measure("default", [prices(2)])
        assert watcher.newer() is not None
