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
from dataplane.runtime.effects import (
    CallFailed,
    Emit,
    FindAlike,
    Flag,
    ForFilters,
    FoundAlike,
    Keep,
    LookUp,
    Recalled,
)
from dataplane.runtime.messages import HttpReply, Request
from dataplane.server.outside.caches import Cache, MemoryStore
from dataplane.server.outside.meanings import LocalMeanings, Meanings, SharedMeanings
from dataplane.server.outside.sinks import Count, FileTarget, HttpTarget, Sink, Target
from dataplane.tasks import Tasks
from dataplane.upstream.client import UpstreamClient

FLUSH_S = 2.0
"""How long the end of a worker waits for its sinks."""
log = logging.getLogger(__name__)


class _Settings(msgspec.Struct, frozen=True):
    """What of a filter's settings is for us."""

    file: str = ""
    max_bytes: int = 64 << 20
    mode: str = "exact"


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
        """Look-ups in caches, by filter and "hit", "miss" or "near": an answer to nearly the
        same question."""
        self.flags: Count = Counter()
        """What filters had to say of exchanges, by filter and word."""

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
            "Look-ups in caches since the start: hit, near (asked in other words) or miss.",
            ("filter", "outcome"),
            lambda: {names: float(count) for names, count in self.lookups.items()},
        )
        metrics.gauge(
            "outrider_filter_flags",
            "What filters had to say of exchanges since the start: `failed`, `retried` ...",
            ("filter", "flag"),
            lambda: {names: float(count) for names, count in self.flags.items()},
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

    async def perform(self, effect: ForFilters) -> Recalled | FoundAlike:
        """Carry out one effect."""
        match effect:
            case Emit():
                self._sink(effect.sink).put(effect.entry)
                return Recalled()
            case Flag():
                self.flags[effect.filter, effect.word] += 1
                return Recalled()
            case LookUp():
                return Recalled(await self._looked_up(effect))
            case FindAlike():
                cache = self._cache(effect.cache)
                found = await cache.alike(effect.group, effect.vector, effect.at_least)
                return FoundAlike(tuple(found))
            case Keep():
                cache = self._cache(effect.cache)
                keeping = cache.keep(effect.key, effect.value, effect.ttl_s, effect.meaning)
                if cache.is_local:
                    await keeping
                else:
                    self._tasks.start(keeping, f"cache {effect.cache}")
                return Recalled()

    async def _looked_up(self, effect: LookUp) -> bytes | None:
        """A question that was found near counts as a look-up only where its answer is there: the
        client's own was a miss already."""
        found = await self._cache(effect.cache).look_up(effect.key)
        if not effect.similarity:
            self.lookups[effect.cache, "miss" if found is None else "hit"] += 1
        elif found is not None:
            self.lookups[effect.cache, "miss"] -= 1
            self.lookups[effect.cache, "near"] += 1
        return found

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
            known = self._caches[name] = self._opened(self._config.filters[name])
        return known

    def _opened(self, spec: Filter) -> Cache:
        """A semantic cache has a quarter of its memory for questions."""
        settings = msgspec.json.decode(spec.settings, type=_Settings)
        is_semantic = settings.mode == "semantic"
        questions = settings.max_bytes // 4 if is_semantic else 0
        meanings: Meanings | None = None
        if spec.connection is not None:
            # redis-py brings 10 MB of modules along
            from dataplane.sessions.redis import RedisStore

            shared = RedisStore(spec.connection.reveal())
            if is_semantic:
                meanings = SharedMeanings(shared, questions, self._clock.wall)
            return Cache(spec.id, shared, meanings)
        if is_semantic:
            meanings = LocalMeanings(questions, self._clock.wall)
        store = MemoryStore(settings.max_bytes - questions, self._clock.now)
        return Cache(spec.id, store, meanings)


def _same(before: Mapping[str, Filter], after: Mapping[str, Filter], name: str) -> bool:
    return before.get(name) == after.get(name)
