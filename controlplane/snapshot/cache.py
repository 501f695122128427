"""The snapshot in force for each group, and a wake-up for whoever serves it.

A watcher is never told *what* changed, only that something did: it then takes the newest snapshot,
so any number of changes between two looks cost it one update.
"""

import asyncio
from collections.abc import Iterable
from types import TracebackType

from controlplane.snapshot.resource import Resource
from controlplane.snapshot.snapshot import Snapshot

DEFAULT_GROUP = "default"


class SnapshotCache:
    """One snapshot per group, shared by every stream of the group. For one event loop."""

    def __init__(self) -> None:
        self._snapshots: dict[str, Snapshot] = {}
        self._measured: dict[str, tuple[Resource, ...]] = {}
        self._watchers: dict[str, set[Watcher]] = {}

    def get(self, group: str) -> Snapshot | None:
        """What the group should have; None before the first snapshot: then nothing is answered."""
        return self._snapshots.get(group)

    def groups(self) -> dict[str, Snapshot]:
        """Every group with its snapshot."""
        return dict(self._snapshots)

    def set(self, group: str, snapshot: Snapshot) -> bool:
        """Serve a snapshot. False when it is equal to what is served: then nobody is woken."""
        current = self._snapshots.get(group)
        if current is not None and current.version == snapshot.version:
            return False
        self._serve(group, snapshot)
        return True

    def measure(self, group: str, resources: Iterable[Resource]) -> None:
        """Serve measurements beside the group's snapshot, and beside those that come after it."""
        self._measured[group] = tuple(resources)
        current = self._snapshots.get(group)
        if current is not None and current.with_measured(self._measured[group]) is not current:
            self._serve(group, current)

    def _serve(self, group: str, snapshot: Snapshot) -> None:
        self._snapshots[group] = snapshot.with_measured(self._measured.get(group, ()))
        for watcher in self._watchers.get(group, ()):
            watcher.wake()

    def watch(self, group: str) -> "Watcher":
        """A watcher of a group; use it in a `with` block, so that it is forgotten at its end."""
        return Watcher(self, group)

    def watcher_count(self, group: str) -> int:
        """How many watchers a group has."""
        return len(self._watchers.get(group, ()))

    def add(self, watcher: "Watcher") -> None:
        """Called by Watcher."""
        self._watchers.setdefault(watcher.group, set()).add(watcher)

    def discard(self, watcher: "Watcher") -> None:
        """Called by Watcher."""
        watchers = self._watchers.get(watcher.group, set())
        watchers.discard(watcher)
        if not watchers:
            self._watchers.pop(watcher.group, None)


class Watcher:
    """One stream's view of its group."""

    __slots__ = ("_cache", "_changed", "group", "seen")

    def __init__(self, cache: SnapshotCache, group: str) -> None:
        self._cache = cache
        self._changed = asyncio.Event()
        self.group = group
        self.seen: Snapshot | None = None
        """The last snapshot that `next` returned."""

    def __enter__(self) -> "Watcher":
        self._cache.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._cache.discard(self)

    def wake(self) -> None:
        """Called by SnapshotCache: there is something newer."""
        self._changed.set()

    def newer(self) -> Snapshot | None:
        """The group's snapshot when it is not the one seen last, without waiting."""
        current = self._cache.get(self.group)
        if current is None or current is self.seen:
            return None
        self.seen = current
        return current

    async def next(self) -> Snapshot:
        """Wait for a snapshot that is not the one seen last: the newest, not each one."""
        while (current := self.newer()) is None:
            self._changed.clear()
            await self._changed.wait()
        return current
