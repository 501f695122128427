"""Every store keeps its promises against the real thing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from dataplane.sessions import local, postgres, redis
from dataplane.sessions.local import LocalStore
from dataplane.sessions.postgres import PostgresStore
from dataplane.sessions.redis import RedisStore
from dataplane.sessions.store import Books, StoreError
from tests.support.stores import postgres_server, redis_server

pytestmark = pytest.mark.group("stores")  # PostgreSQL takes seconds to start


class Wall:
    """A clock that tests set."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["local", "file", "redis", "postgres"])
async def make(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Callable[[], Books]]:
    made: list[Books] = []
    wall = Wall()

    def build() -> Books:
        store: Books
        match request.param:
            case "local":
                store = made[0] if made else LocalStore(None, wall)
            case "file":
                store = LocalStore(tmp_path / "sessions.db", wall)
            case "redis":
                store = RedisStore(request.getfixturevalue("redis_url"))
            case _:
                store = PostgresStore(request.getfixturevalue("postgres_url"))
        made.append(store)
        return store

    yield build
    for store in set(made):
        await store.close()


async def test_what_was_put_is_found_by_another_worker(make: Callable[[], Books]) -> None:
    mine, others = make(), make()
    await mine.put("a", b"\0one", 60)
    assert await others.get("a") == b"\0one"


async def test_a_second_put_replaces_the_first(make: Callable[[], Books]) -> None:
    store = make()
    await store.put("b", b"one", 60)
    await store.put("b", b"two", 60)
    assert await store.get("b") == b"two"


async def test_an_unknown_key_has_nothing(make: Callable[[], Books]) -> None:
    assert await make().get("never") is None


async def test_what_was_deleted_is_gone(make: Callable[[], Books]) -> None:
    store = make()
    await store.put("c", b"one", 60)
    found = [await store.delete("c"), await store.get("c"), await store.delete("c")]
    assert found == [True, None, False]


async def test_books_say_the_last_of_each_name_to_every_worker(make: Callable[[], Books]) -> None:
    mine, others = make(), make()
    for name, line in (("a", b"1"), ("b", b"2"), ("a", b"\0 3")):
        await mine.note("one", name, line, 60)
    await mine.note("two", "a", b"4", 60)
    assert sorted(await others.lines("one")) == [b"\0 3", b"2"]
    assert await others.lines("two") == [b"4"]
    assert await others.lines("three") == []


async def test_books_have_an_end(make: Callable[[], Books], monkeypatch: Any) -> None:
    for module in (local, postgres, redis):
        monkeypatch.setattr(module, "MAX_LINES", 2)
    store = make()
    for at, name in enumerate("abc"):
        await store.note("full", name, name.encode(), 60 + at)
    assert sorted(await store.lines("full")) == [b"b", b"c"]


async def test_workers_that_start_together_do_not_meet(make: Callable[[], Books]) -> None:
    stores = [make() for _ in range(4)]
    await asyncio.gather(*(s.put(f"d{n}", b"x", 60) for n, s in enumerate(stores)))
    assert [await stores[0].get(f"d{n}") for n in range(4)] == [b"x"] * 4


async def test_redis_forgets_after_the_time_to_live(redis_url: str) -> None:
    await _forgets(RedisStore(redis_url))


async def test_postgres_forgets_after_the_time_to_live(postgres_url: str) -> None:
    await _forgets(PostgresStore(postgres_url))


async def _forgets(store: Books) -> None:
    async with _closing(store):
        await store.put("e", b"x", 0.02)
        await store.note("short", "a", b"x", 0.02)
        await store.note("short", "b", b"y", 60)
        async with asyncio.timeout(5):
            while await store.get("e") is not None:
                pass
            while b"x" in await store.lines("short"):
                pass
        assert await store.lines("short") == [b"y"]


async def test_the_local_store_forgets_after_the_time_to_live() -> None:
    wall = Wall()
    async with _closing(LocalStore(None, wall)) as store:
        await store.put("e", b"x", 10)
        await store.note("book", "e", b"x", 10)
        wall.now += 9.9
        before = await store.get("e"), await store.lines("book")
        wall.now += 0.2
        assert before == (b"x", [b"x"])
        assert (await store.get("e"), await store.lines("book")) == (None, [])


async def test_the_local_store_keeps_the_newest() -> None:
    async with _closing(LocalStore(None, Wall(), max_entries=2)) as store:
        for key in "fgh":
            await store.put(key, b"x", 10)
        assert [await store.get(key) for key in "fgh"] == [None, b"x", b"x"]


@pytest.mark.parametrize(
    "make_store",
    [
        lambda path: LocalStore(path / "no" / "folder", Wall()),
        lambda path: RedisStore("redis://:secret@127.0.0.1:1/0"),
        lambda path: PostgresStore("postgresql://me:secret@127.0.0.1:1/x"),
    ],
    ids=["local", "redis", "postgres"],
)
async def test_a_store_that_is_not_there_says_so_without_its_password(
    make_store: Callable[[Path], Books], tmp_path: Path
) -> None:
    async with _closing(make_store(tmp_path)) as store:
        with pytest.raises(StoreError) as raised:
            await store.get("a")
    assert "secret" not in str(raised.value)


@asynccontextmanager
async def _closing(store: Books) -> AsyncIterator[Books]:
    try:
        yield store
    finally:
        await store.close()
