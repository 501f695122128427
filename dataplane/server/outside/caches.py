"""What cache filters keep: in this process up to a number of bytes, or in Redis.

Rule: a cache that fails is a cache that has nothing.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence

from dataplane.runtime.effects import Alike, Meaning
from dataplane.server.outside.meanings import Meanings
from dataplane.sessions.store import Store, StoreError

ENTRY_BYTES = 300
"""Of an entry besides its value: key, tuple, places in the table (measured: 280)."""
log = logging.getLogger(__name__)


class MemoryStore:
    """Implements Store; the entries that were not used for longest go first."""

    def __init__(self, max_bytes: int, now: Callable[[], float]) -> None:
        self._max_bytes = max_bytes
        self._now = now
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self.bytes = 0
        """Held, with what entries take besides their values."""

    async def get(self, key: str) -> bytes | None:
        """See Store."""
        found = self._entries.get(key)
        if found is None:
            return None
        expires, value = found
        if expires <= self._now():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return value

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """See Store. What is larger than a quarter of it all is not kept."""
        if key in self._entries:
            self._drop(key)
        if (len(value) + ENTRY_BYTES) * 4 > self._max_bytes:
            return
        self._entries[key] = (self._now() + ttl_s, value)
        self.bytes += len(value) + ENTRY_BYTES
        while self.bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    async def delete(self, key: str) -> bool:
        """See Store."""
        if key not in self._entries:
            return False
        self._drop(key)
        return True

    async def close(self) -> None:
        """See Store."""
        self._entries.clear()
        self.bytes = 0

    def _drop(self, key: str) -> None:
        _, value = self._entries.pop(key)
        self.bytes -= len(value) + ENTRY_BYTES


class Cache:
    """The store of one filter, which never fails."""

    def __init__(self, name: str, store: Store, meanings: Meanings | None = None) -> None:
        """:param meanings: of what is kept; None: it is found by its key alone."""
        self._name = name
        self._store = store
        self._meanings = meanings
        self.is_local = isinstance(store, MemoryStore)
        """Whether nothing has to be waited for."""
        self._failing = False

    async def look_up(self, key: str) -> bytes | None:
        """What is there, as far as anybody knows."""
        try:
            found = await self._store.get(key)
        except StoreError as problem:
            self._failed(problem)
            return None
        self._failing = False
        return found

    async def alike(self, group: str, vector: Sequence[float], at_least: float) -> list[Alike]:
        """What is there that means nearly the same, as far as anybody knows."""
        if self._meanings is None:
            return []
        try:
            return await self._meanings.alike(group, vector, at_least)
        except StoreError as problem:
            self._failed(problem)
            return []

    async def keep(
        self, key: str, value: bytes, ttl_s: float, meaning: Meaning | None = None
    ) -> None:
        """Keep it if that is possible."""
        try:
            await self._store.put(key, value, ttl_s)
            if meaning is not None and self._meanings is not None:
                await self._meanings.note(meaning, key, ttl_s)
        except StoreError as problem:
            self._failed(problem)
        else:
            self._failing = False

    async def close(self) -> None:
        """Nothing is asked any more."""
        await self._store.close()

    def _failed(self, problem: StoreError) -> None:
        if not self._failing:
            self._failing = True
            log.warning("the cache of filter %r has nothing: %s", self._name, problem)
