from dataplane.server.outside.caches import ENTRY_BYTES, Cache, MemoryStore
from dataplane.sessions.store import StoreError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Broken(MemoryStore):
    """A store that cannot be reached."""

    async def get(self, key: str) -> bytes | None:
        raise StoreError("it is gone")

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        raise StoreError("it is gone")


async def test_what_was_kept_is_there_until_its_time_is_over() -> None:
    clock = Clock()
    store = MemoryStore(1 << 20, clock)
    await store.put("a", b"1", 10.0)
    assert await store.get("a") == b"1"
    clock.now = 10.0
    assert await store.get("a") is None
    assert store.bytes == 0


async def test_what_was_not_used_for_longest_goes_first() -> None:
    store = MemoryStore(4 * (ENTRY_BYTES + 100), Clock())
    for key in "abcd":
        await store.put(key, b"x" * 100, 10.0)
    await store.get("a")
    await store.put("e", b"x" * 100, 10.0)
    assert [key for key in "abcde" if await store.get(key)] == ["a", "c", "d", "e"]
    assert store.bytes == 4 * (ENTRY_BYTES + 100)


async def test_what_would_fill_it_alone_is_not_kept() -> None:
    store = MemoryStore(1 << 20, Clock())
    await store.put("a", b"x" * (1 << 19), 10.0)
    assert await store.get("a") is None


async def test_what_is_put_again_counts_once() -> None:
    store = MemoryStore(1 << 20, Clock())
    await store.put("a", b"x" * 100, 10.0)
    await store.put("a", b"y" * 50, 10.0)
    assert await store.get("a") == b"y" * 50
    assert store.bytes == ENTRY_BYTES + 50
    assert await store.delete("a")
    assert not await store.delete("a")


async def test_a_cache_that_fails_has_nothing() -> None:
    cache = Cache("kept", Broken(1 << 20, Clock()))
    await cache.keep("a", b"1", 1.0)
    assert await cache.look_up("a") is None
    await cache.close()
