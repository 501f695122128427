"""Fetches prices and latencies of models, and has them served beside the config (shell).

Rule: what is known is never taken back because a source does not answer. A table is replaced by a
newer one of the same source, also over a restart (it is kept on disk), and dropped only when the
config names that source no more.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
from outriderpb.v1 import model_metrics_pb2

from controlplane.config import schema
from controlplane.config.parse import parse
from controlplane.config.schema_routing import MetricsSource
from controlplane.discovery.catalogs import (
    CatalogError,
    Price,
    digitalocean,
    models_dev,
    price_file,
    prometheus,
)
from controlplane.discovery.naming import named
from controlplane.snapshot.cache import DEFAULT_GROUP, SnapshotCache
from controlplane.snapshot.resource import Resource, ResourceType
from controlplane.tasks import Tasks

log = logging.getLogger(__name__)

URLS = {
    "digitalocean": "https://api.digitalocean.com/v2/gen-ai/models/catalog",
    "models.dev": "https://models.dev/api.json",
}
READERS: Mapping[str, Callable[[bytes], dict[str, Price]]] = {
    "digitalocean": digitalocean,
    "models.dev": models_dev,
    "file": price_file,
}
TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)
MAX_BYTES = 32 << 20
"""models.dev has 1.5 MB."""
RETRY_S = 30.0
"""After a failure, until there is a first table; afterwards the refresh interval holds."""
KEPT = "model-metrics.json"
OURS = "outrider"


@dataclass(frozen=True, slots=True)
class _Table:
    """What a source said last, by its own names."""

    prices: Mapping[str, Price]
    latencies: Mapping[str, float]


class ModelMetrics:
    """Follows the sources of the config that is served."""

    def __init__(self, cache: SnapshotCache, state_dir: Path) -> None:
        self._cache = cache
        self._path = state_dir / KEPT
        self._tables: dict[str, _Table] = {}
        self._config: schema.Config | None = None
        self._sources: tuple[MetricsSource, ...] = ()
        self._served = 0
        """Configs so far; only the newest is followed."""
        self._one_at_a_time = asyncio.Lock()
        self._tasks = Tasks()
        self._following = Tasks()

    def load(self) -> None:
        """What was fetched before a restart; a file that cannot be read is none."""
        try:
            kept = json.loads(self._path.read_bytes())
            self._tables = {
                key: _Table(
                    {name: Price(**price) for name, price in table["prices"].items()},
                    table["latencies"],
                )
                for key, table in kept.items()
            }
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as e:
            log.warning("%s is ignored: %s", self._path, e)

    def serve(self, text: str, file_name: str) -> None:
        """A config is served from now on."""
        self._served += 1
        if "model_metrics_sources" in text or self._served > 1:
            self._following.start(self._follow(text, file_name, self._served), "model metrics")

    async def close(self) -> None:
        """Nothing is fetched any more."""
        await self._following.close()
        await self._tasks.close()

    async def _follow(self, text: str, file_name: str, number: int) -> None:
        async with self._one_at_a_time:
            if number != self._served or (
                "model_metrics_sources" not in text and not self._sources
            ):
                return
            # Read once more, off the loop: the compiler hands on resources, not what they are of.
            config = (await asyncio.to_thread(parse, text, file_name)).config
            sources = tuple(s for s in config.model_metrics_sources if s.provider != OURS)
            changed = sources != self._sources
            self._config, self._sources = config, sources
            self._publish()
            if changed:
                await self._tasks.close()
                for source in sources:
                    self._tasks.start(self._refresh(source), f"metrics of {source.provider}")

    async def _refresh(self, source: MetricsSource) -> None:
        key = _key(source)
        while True:
            try:
                table = await _fetch(source)
            except (CatalogError, aiohttp.ClientError, OSError, TimeoutError) as e:
                kept = "what was known is kept" if key in self._tables else "nothing is known"
                log.warning("%s of %s: %s; %s", source.type, source.provider, _said(e), kept)
                wait_s = source.refresh_interval if key in self._tables else RETRY_S
            else:
                wait_s = source.refresh_interval
                if table != self._tables.get(key):
                    self._tables[key] = table
                    self._publish()
                    await asyncio.to_thread(self._save)
                count = len(table.prices or table.latencies)
                log.info("%s of %d models from %s", source.type, count, source.provider)
            if wait_s is None:
                return
            await asyncio.sleep(wait_s)

    def _publish(self) -> None:
        config = self._config
        if config is None:
            return
        found = []
        for source in self._sources:
            table = self._tables.get(_key(source))
            if table is not None:
                found.append(_resource(source, table, config))
        self._cache.measure(DEFAULT_GROUP, found)

    def _save(self) -> None:
        used = {_key(source) for source in self._sources}
        kept = {key: asdict(table) for key, table in self._tables.items() if key in used}
        try:
            beside = self._path.with_suffix(".tmp")
            beside.write_text(json.dumps(kept))
            beside.replace(self._path)
        except OSError as e:
            log.warning("%s cannot be written: %s", self._path, e.strerror)


def _resource(source: MetricsSource, table: _Table, config: schema.Config) -> Resource:
    aliases = source.model_aliases
    message = model_metrics_pb2.ModelMetrics(name=source.type)
    for name, price in named(table.prices, aliases, config).items():
        told = message.prices[name]
        told.input, told.output = price.input, price.output
        if price.cached is not None:
            told.cached = price.cached
    for name, latency in named(table.latencies, aliases, config).items():
        message.latencies[name] = latency
    return Resource.of(ResourceType.MODEL_METRICS, source.type, message)


async def _fetch(source: MetricsSource) -> _Table:
    """Raises CatalogError, aiohttp.ClientError, OSError and TimeoutError."""
    if source.provider == "file":
        body = await asyncio.to_thread(Path(source.path or "").read_bytes)
    else:
        body = await _get(_url(source))
    if source.provider == "prometheus":
        return _Table({}, prometheus(body))
    return _Table(await asyncio.to_thread(READERS[source.provider], body), {})


async def _get(url: str) -> bytes:
    async with (
        aiohttp.ClientSession(timeout=TIMEOUT, trust_env=True) as session,
        session.get(url) as answer,
    ):
        if answer.status != 200:
            raise CatalogError(f"{url} answered {answer.status}")
        body = await answer.content.read(MAX_BYTES + 1)
        while len(body) <= MAX_BYTES and not answer.content.at_eof():
            body += await answer.content.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise CatalogError(f"{url} answered more than {MAX_BYTES >> 20} MiB")
        return body


def _url(source: MetricsSource) -> str:
    if source.provider == "prometheus":
        query = urlencode({"query": source.query or ""})
        return f"{(source.url or '').rstrip('/')}/api/v1/query?{query}"
    return source.url or URLS[source.provider]


def _key(source: MetricsSource) -> str:
    """The same for sources that tell the same."""
    parts = (source.type, source.provider, source.url, source.path, source.query)
    return " ".join(part or "-" for part in parts)


def _said(problem: Exception) -> str:
    return str(problem) or type(problem).__name__
