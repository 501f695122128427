"""Carries out what filters ask of the world besides HTTP.

Rule: what belongs to a filter lives as long as its configuration stays the same.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping

import msgspec

from dataplane.clock import Clock
from dataplane.observe.metrics import Metrics
from dataplane.runtime.config import Filter, RuntimeConfig
from dataplane.runtime.effects import CallFailed, Emit, ForFilters, Keep, LookUp, Recalled
from dataplane.runtime.messages import HttpReply, Request
from dataplane.server.outside.caches import Cache, MemoryStore
from dataplane.server.outside.sinks import Count, FileTarget, HttpTarget, Sink, Target
from dataplane.sessions.store import Store
from dataplane.tasks import Tasks
from dataplane.upstream.client import UpstreamClient

FLUSH_S = 2.0
"""How long the end of a worker waits for its sinks."""
log = logging.getLogger(__name__)


class _Settings(msgspec.Struct, frozen=True):
    """What of a filter's settings is for us."""

    file: str = ""
    max_bytes: int = 64 << 20


class Outside:
    """One per worker."""

    def __init__(self, client: UpstreamClient, clock: Clock, tasks: Tasks) -> None:
        self._client = client
        self._clock = clock
        self._tasks = tasks
        self._config = RuntimeConfig()
        self._sinks: dict[str, Sink] = {}
        self._caches: dict[str, Cache] = {}
        self.counts: Count = Counter()
        """Entries of logs, by filter and what became of them."""
        self.lookups: Count = Counter()
        """Look-ups in caches, by filter and "hit" or "miss"."""

    def measure(self, metrics: Metrics) -> None:
        """Have it told how sinks and caches are doing."""
        metrics.gauge(
            "outrider_log_entries",
            "Entries of log filters since the start, by what became of them.",
            ("filter", "outcome"),
            lambda: {names: float(count) for names, count in self.counts.items()},
        )
        metrics.gauge(
            "outrider_cache_lookups",
            "Look-ups in caches since the start, by whether something was there.",
            ("filter", "outcome"),
            lambda: {names: float(count) for names, count in self.lookups.items()},
        )

    async def configure(self, config: RuntimeConfig) -> None:
        """Open what filters need, and let go what none needs any more."""
        before, self._config = self._config, config
        for name, cache in list(self._caches.items()):
            if not _same(before.filters, config.filters, name):
                del self._caches[name]
                await cache.close()
        for name in list(self._sinks):
            if not _same(before.filters, config.filters, name):
                # (what waits in it is still written)
                del self._sinks[name]

    async def close(self) -> None:
        """Write what is left, as far as that is quick, and close what is open."""
        try:
            async with asyncio.timeout(FLUSH_S):
                for sink in self._sinks.values():
                    await sink.flush()
        except TimeoutError:
            log.warning("entries of log filters are lost: their sinks are too slow")
        for cache in self._caches.values():
            await cache.close()

    async def perform(self, effect: ForFilters) -> Recalled:
        """Carry out one effect."""
        match effect:
            case Emit():
                self._sink(effect.sink).put(effect.entry)
                return Recalled()
            case LookUp():
                found = await self._cache(effect.cache).look_up(effect.key)
                self.lookups[effect.cache, "miss" if found is None else "hit"] += 1
                return Recalled(found)
            case Keep():
                cache = self._cache(effect.cache)
                keeping = cache.keep(effect.key, effect.value, effect.ttl_s)
                if cache.is_local:
                    await keeping
                else:
                    self._tasks.start(keeping, f"cache {effect.cache}")
                return Recalled()

    def _sink(self, name: str) -> Sink:
        known = self._sinks.get(name)
        if known is None:
            spec = self._config.filters[name]
            target = self._target(spec)
            known = Sink(name, target, self._clock.wall, self._tasks, self.counts)
            self._sinks[name] = known
        return known

    def _target(self, spec: Filter) -> Target:
        path = msgspec.json.decode(spec.settings, type=_Settings).file
        if path:
            return FileTarget(path)
        cluster = self._config.clusters[spec.cluster]

        async def post(request: Request) -> HttpReply | CallFailed:
            return await self._client.call(cluster, request, spec.timeout_s)

        return HttpTarget(spec.path_prefix, post)

    def _cache(self, name: str) -> Cache:
        known = self._caches.get(name)
        if known is None:
            spec = self._config.filters[name]
            known = self._caches[name] = Cache(name, self._store(spec))
        return known

    def _store(self, spec: Filter) -> Store:
        if spec.connection is not None:
            # redis-py brings 10 MB of modules along
            from dataplane.sessions.redis import RedisStore

            return RedisStore(spec.connection.reveal())
        settings = msgspec.json.decode(spec.settings, type=_Settings)
        return MemoryStore(settings.max_bytes, self._clock.now)


def _same(before: Mapping[str, Filter], after: Mapping[str, Filter], name: str) -> bool:
    return before.get(name) == after.get(name)
