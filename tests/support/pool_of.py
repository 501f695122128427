"""A model listener whose provider has several endpoints, and what a test asks of it."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from dataplane.clock import Clock
from dataplane.observe.endpoints import ClusterReport, EndpointReport
from dataplane.runtime.config import RuntimeConfig
from dataplane.runtime.retry import RetryPolicy
from tests.support.gateway import AT_ONCE, Gateway, gateway, model_config
from tests.support.raw_client import RawClient, Reply, connected, post
from tests.support.upstream import FakeUpstream, Script, upstream

CHAT = b'{"model":"gpt","messages":[]}'
NO_RETRIES = replace(AT_ONCE, num_retries=0)


@dataclass(slots=True)
class PoolOf:
    """A gateway, its client, and the upstreams behind it."""

    gate: Gateway
    client: RawClient
    upstreams: list[FakeUpstream]

    async def ask(self, body: bytes = CHAT, headers: bytes = b"") -> Reply:
        """One answer."""
        self.client.send(post(body, headers=headers))
        return await self.client.reply()

    async def statuses(self, count: int) -> Counter[int]:
        """Of so many requests, one after the other."""
        return Counter([(await self.ask()).status for _ in range(count)])

    def asked(self) -> list[int]:
        """How many requests each upstream has had."""
        return [len(one.requests) for one in self.upstreams]

    @property
    def report(self) -> ClusterReport:
        """How the cluster is doing."""
        (state,) = (one for one in self.gate.services.clusters if one.name == "c")
        return state.report()

    def endpoint(self, number: int) -> EndpointReport:
        """How one upstream is doing."""
        return self.report.endpoints[number]


@asynccontextmanager
async def pool_of(
    *scripts: Script | None,
    priorities: Sequence[int] = (),
    weights: Sequence[int] = (),
    retry: RetryPolicy = AT_ONCE,
    clock: Clock | None = None,
    change: Mapping[str, Any] | None = None,
    **cluster: Any,
) -> AsyncIterator[PoolOf]:
    """An upstream for each script, and a cluster of all of them with these settings."""
    async with AsyncExitStack() as stack:
        upstreams = [await stack.enter_async_context(upstream(one)) for one in scripts]
        endpoints = [one.endpoint for one in upstreams]
        for number, priority in enumerate(priorities):
            endpoints[number] = replace(endpoints[number], priority=priority)
        for number, weight in enumerate(weights):
            endpoints[number] = replace(endpoints[number], weight=weight)
        config = with_retry(model_config(*endpoints, cluster=cluster, **(change or {})), retry)
        gate = await stack.enter_async_context(gateway(config, clock=clock))
        client = await stack.enter_async_context(connected(gate.port))
        yield PoolOf(gate, client, upstreams)


def with_retry(config: RuntimeConfig, retry: RetryPolicy, **route: Any) -> RuntimeConfig:
    """The config of `model_config`, where requests are tried so."""
    (listener,) = config.listeners.values()
    changed = replace(listener.routes[0], retry=retry, **route)
    by_model = dict.fromkeys(listener.by_model, changed)
    made = replace(listener, routes=(changed,), by_model=by_model)
    return replace(config, listeners={"m": made})
