"""Listeners for real, in this process, with a configuration made by hand: no control plane, no
worker.
"""

import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from dataplane.clock import Clock, MonotonicClock
from dataplane.observe.access_log import AccessLog
from dataplane.observe.metrics import Metrics
from dataplane.observe.record import ExchangeRecord
from dataplane.observe.recorder import Recorder
from dataplane.runtime.config import (
    Cluster,
    Endpoint,
    Limits,
    Listener,
    ListenerKind,
    ModelProvider,
    ModelTarget,
    Route,
    RuntimeConfig,
    Secret,
)
from dataplane.runtime.retry import RetryPolicy
from dataplane.server.claims import Claims, folder_of
from dataplane.server.downstream import Call, Downstream
from dataplane.server.listeners import Listeners
from dataplane.server.serving import Exchanger, Services
from dataplane.tasks import Tasks
from dataplane.upstream.clusters import Clusters
from dataplane.upstream.dns import Lookup, system_lookup
from dataplane.upstream.pool import Pool
from dataplane.wheel import Wheel
from tests.support.exchanges import exchange_of

PROVIDER = "openai/gpt"
FALLBACK = "groq/gpt-2"


class NoExchange:
    """For listeners that only relay."""

    async def run(self, call: Call, downstream: Downstream) -> None:
        """See Exchanger."""
        raise AssertionError("nothing here needs a coroutine")


class KeepingLog(AccessLog):
    """Remembers what it was told."""

    kept: list[ExchangeRecord]

    def write(self, records: Sequence[ExchangeRecord]) -> None:
        """See AccessLog."""
        self.kept += records
        super().write(records)


@dataclass(slots=True)
class Gateway:
    """What runs."""

    listeners: Listeners
    services: Services
    kept: list[ExchangeRecord]
    traced: list[ExchangeRecord]
    log: str
    """Path of the access log."""

    @property
    def records(self) -> list[ExchangeRecord]:
        """Every exchange that has finished."""
        self.services.recorder.flush()
        return self.kept

    @property
    def port(self) -> int:
        """Of the only listener."""
        ((_, port),) = self.listeners.bound().values()
        return port

    def metric(self, name: str) -> Mapping[tuple[str, ...], Any]:
        """The samples of a metric as it is now."""
        (found,) = [one for one in self.services.metrics.families() if one.name == name]
        return found.samples

    def lines(self) -> list[str]:
        """What the access log says by now."""
        with open(self.log) as file:
            return file.read().splitlines()


AT_ONCE = RetryPolicy(back_off_base_s=0.001, back_off_max_s=0.001)
"""Retries as by default, without the waits."""


def model_config(
    *endpoints: Endpoint,
    limits: Limits | None = None,
    timeout_s: float = 30.0,
    models: tuple[str, ...] = ("gpt", "openai/gpt", "alias"),
    default: bool = False,
    provider: Mapping[str, Any] | None = None,
    cluster: Mapping[str, Any] | None = None,
    listener: Mapping[str, Any] | None = None,
) -> RuntimeConfig:
    """One model listener on a port of the system's choice, with one provider of the model `gpt`."""
    made = ModelProvider(PROVIDER, "openai", "gpt", "c", access_keys=(Secret("sk-provider"),))
    made = replace(made, **(provider or {}))
    route = Route(
        "m/openai", "m", ModelTarget((made.name,)), models, default, made.name, retry=AT_ONCE
    )
    return RuntimeConfig(
        "1",
        {
            "m": replace(
                Listener(
                    "m",
                    ListenerKind.MODEL,
                    "127.0.0.1",
                    0,
                    timeout_s,
                    limits or Limits(),
                    routes=(route,),
                    by_model=dict.fromkeys(models, route),
                    default_route=route if default else None,
                ),
                **(listener or {}),
            )
        },
        {"c": replace(Cluster("c", endpoints), **(cluster or {}))},
        {made.name: made},
    )


class MovableClock:
    """Time passes as it does, and as far as a test says."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> float:
        """See Clock."""
        return time.monotonic() + self.ahead_s

    def wall(self) -> float:
        """See Clock."""
        return MonotonicClock().wall() + self.ahead_s


def with_fallback(
    config: RuntimeConfig, *endpoints: Endpoint, retry: RetryPolicy = AT_ONCE, **provider: Any
) -> RuntimeConfig:
    """The config of `model_config` with a second candidate, `groq/gpt-2` at these endpoints."""
    (listener,) = config.listeners.values()
    (first,) = config.providers.values()
    second = replace(first, name=FALLBACK, provider="groq", model="gpt-2", cluster="d", **provider)
    route = replace(listener.routes[0], target=ModelTarget((first.name, second.name)), retry=retry)
    return replace(
        config,
        listeners={
            "m": replace(
                listener, routes=(route,), by_model=dict.fromkeys(listener.by_model, route)
            )
        },
        providers={**config.providers, second.name: second},
        clusters={**config.clusters, "d": Cluster("d", endpoints)},
    )


@asynccontextmanager
async def gateway(
    config: RuntimeConfig,
    exchange: Exchanger | None = None,
    drain_s: float = 0.2,
    clock: Clock | None = None,
    lookup: Lookup = system_lookup,
    chance: Callable[[], float] | None = None,
    filters: bool = False,
) -> AsyncIterator[Gateway]:
    """Serve a configuration until left. `lookup` knows the names of endpoints, `chance` picks of
    several; with `filters` that wait for somebody, there is all that it takes.
    """
    clock, tasks, metrics = clock or MonotonicClock(), Tasks(), Metrics()
    wheel = Wheel(clock.now)
    fd, path = tempfile.mkstemp(suffix=".log")
    access_log = KeepingLog(fd, clock.wall)
    access_log.kept = []
    traced: list[ExchangeRecord] = []
    recorder = Recorder(metrics, access_log, traced.append)
    pool = Pool(wheel, clock.now, tasks)
    random = Random(1)
    clusters = Clusters(pool, chance or random.random, lookup=lookup)
    services = Services(
        clock, random, wheel, tasks, pool, clusters, metrics, recorder, exchange or NoExchange()
    )
    whole = exchange_of(clock, random, tasks, metrics, clusters) if filters else None
    if whole is not None:
        services = replace(services, exchange=whole, performer=whole.performer)
    listeners = Listeners(
        services, Claims(folder_of(Path(tempfile.gettempdir())), f"test {os.getpid()}", "a test")
    )
    try:
        await listeners.reconcile(config)
        yield Gateway(listeners, services, access_log.kept, traced, path)
    finally:
        await listeners.drain(drain_s)
        await tasks.close()
        if whole is not None:
            await whole.close()
        await clusters.close()
        await pool.close()
        recorder.flush()
        os.close(fd)
        os.unlink(path)
