"""What runs in a worker: how a config takes effect, and how all of it is doing."""

import asyncio
import logging
import os
from typing import Any

from dataplane.admin.report import WorkerReport
from dataplane.agents.described import Described, described
from dataplane.bootstrap import Bootstrap
from dataplane.limit_stores import LimitStores
from dataplane.observe.metrics import Family, Metrics
from dataplane.runtime.config import RuntimeConfig
from dataplane.server.auth.certificates import UnusableFilesError
from dataplane.server.auth.issuers import Issuers
from dataplane.server.exchange import Exchange
from dataplane.server.following import Following
from dataplane.server.listeners import Listeners, ListenFailedError
from dataplane.tasks import Tasks
from dataplane.upstream.reports import ClusterReports
from dataplane.xds.client import ConfigRejectedError, XdsClient
from dataplane.xds.dump import dump

log = logging.getLogger(__name__)


class Worker:
    """What runs: the listeners, the stream to the control plane, and how both are doing."""

    def __init__(
        self,
        bootstrap: Bootstrap,
        listeners: Listeners,
        exchange: Exchange,
        issuers: Issuers,
        limits: LimitStores,
        metrics: Metrics,
        clusters: ClusterReports,
        *following: Following[Any],
    ) -> None:
        self.listeners = listeners
        self.limits = limits
        self.clusters = clusters
        self._following = following
        for one in following:
            one.on_change = self._on_change
        metrics.gauge(
            "outrider_agents_described",
            "Whether an agent that says itself what it is (A2A, MCP) has done so, 1 or 0: before,"
            " and without a description, it is chosen by its id alone.",
            ("agent",),
            lambda: {
                (agent,): float(known)
                for one in following
                for agent, known in one.standing().items()
            },
        )
        self._applying = asyncio.Lock()
        self._tasks = Tasks()
        self._issuers = issuers
        self.draining = asyncio.Event()
        self.client: XdsClient
        self._index = bootstrap.worker or 0
        self._node = f"{bootstrap.node_id}/{self._index}"
        self._metrics = metrics
        self._exchange = exchange
        self._config = RuntimeConfig()

    async def apply(self, config: RuntimeConfig) -> None:
        """Make a config take effect. Raises ConfigRejectedError with nothing changed."""
        async with self._applying:
            await self._apply(config)
            self._config = config
            for one in self._following:
                one.configure(config)

    def _on_change(self) -> None:
        """An agent says what it is: whoever chooses among agents goes by that."""
        self._tasks.start(self._describe(), name="descriptions of agents")

    async def _describe(self) -> None:
        async with self._applying:
            try:
                await self._apply(self._config)
            except ConfigRejectedError as e:
                log.warning("what agents say they are is not used: %s", e)

    async def _apply(self, config: RuntimeConfig) -> None:
        said = (one.all() for one in self._following)
        known: dict[str, Described] = {name: one for all_ in said for name, one in all_.items()}
        config = described(config, known)
        try:
            await self._exchange.configure(config)
        except UnusableFilesError as e:
            raise ConfigRejectedError(f"agent cards cannot be signed: {e}") from e
        await self._issuers.configure(config)
        await self.limits.configure(config)
        try:
            await self.listeners.reconcile(config)
        except ListenFailedError as e:
            await self._exchange.configure(self._config)
            await self._issuers.configure(self._config)
            await self.limits.configure(self._config)
            raise ConfigRejectedError(str(e)) from e

    async def close(self) -> None:
        """Nothing changes any more."""
        for one in self._following:
            await one.close()
        await self._tasks.close()

    async def drain(self, timeout_s: float) -> None:
        """Once `draining` is set: accept nothing new and wait for what runs."""
        await self.draining.wait()
        await self.listeners.drain(timeout_s)

    def report(self) -> WorkerReport:
        """How this worker is doing."""
        status = self.client.status
        config = self.client.state.config
        bound = self.listeners.bound()
        return WorkerReport(
            worker=self._index,
            node=self._node,
            pid=os.getpid(),
            ready=status.synced and bound.keys() == config.listeners.keys(),
            draining=self.draining.is_set(),
            config_version=config.version,
            type_versions=self.client.state.resources.type_versions(),
            listeners=bound,
            connected=status.connected,
            current=status.current,
            connections=status.connections,
            accepted=status.accepted,
            refused=status.refused,
            resources=status.resources,
            refusals=dict(status.refusals),
        )

    def families(self) -> list[Family]:
        """The metrics of this worker."""
        return [*self._own_families(), *self.clusters.families()]

    async def scrape(self) -> list[Family]:
        """The same, made in slices, because requests are running."""
        return [*self._own_families(), *await self.clusters.scraped()]

    def _own_families(self) -> list[Family]:
        return [*self._metrics.families(), *self.client.status.families(str(self._index))]

    async def config_dump(self) -> object:
        """What is accepted, without secrets."""
        state = self.client.state
        return {"version": state.config.version, "resources": await dump(state.resources)}
