"""Configurations and DNS change in any order: clusters have what both say, and others drain."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dataplane.balancing.addresses import expanded
from dataplane.clock import MonotonicClock
from dataplane.runtime.config import Cluster, Endpoint
from dataplane.tasks import Tasks
from dataplane.upstream.clusters import Clusters
from dataplane.upstream.pool import Pool
from dataplane.wheel import Wheel
from tests.support.wait import until

if TYPE_CHECKING:
    from dataplane.upstream.endpoint import UpstreamEndpoint

NAMES = ("gpu", "cpu")
ADDRESSES = ("10.0.0.1", "10.0.0.2", "10.0.0.3")
OFTEN_S = 0.001

Config = Mapping[str, Sequence[str]]
"""Cluster -> hosts of its endpoints."""
Zone = Mapping[str, Sequence[str]]
"""Name -> addresses; a name that is not there cannot be looked up."""

CONFIGS = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.lists(st.sampled_from([*NAMES, *ADDRESSES]), min_size=1, max_size=3, unique=True),
)
ZONES = st.dictionaries(
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=3, unique=True),
)


class Machine:
    """Clusters under a configuration and a zone, and what a reader of both expects of them."""

    def __init__(self) -> None:
        now = MonotonicClock().now
        self._tasks = Tasks()
        self._zone: Zone = {}
        self._looked_up: Counter[str] = Counter()
        self._found: dict[str, tuple[str, ...]] = {}
        self._config: dict[str, Cluster] = {}
        self._ever: dict[int, UpstreamEndpoint] = {}
        pool = Pool(Wheel(now), now, self._tasks)
        self._clusters = Clusters(pool, lambda: 0.5, lookup=self._lookup)

    async def _lookup(self, name: str) -> Sequence[str]:
        if name not in self._zone:
            raise OSError(-2, "Name or service not known")
        self._looked_up[name] += 1
        return self._zone[name]

    async def configure(self, config: Config) -> None:
        self._config = {
            name: Cluster(name, tuple(Endpoint(host, 80) for host in hosts), dns_refresh_s=OFTEN_S)
            for name, hosts in config.items()
        }
        self._clusters.apply(self._config)
        for cluster in self._config.values():
            self._clusters.of(cluster)
        await self._settled()

    async def answer(self, zone: Zone) -> None:
        self._zone = zone
        await self._settled()

    async def _settled(self) -> None:
        followed = {e.host for cluster in self._config.values() for e in cluster.endpoints}
        # What nobody asks for any more is forgotten; what cannot be looked up is kept.
        self._found = {name: known for name, known in self._found.items() if name in followed}
        for name in followed & self._zone.keys():
            self._found[name] = tuple(sorted(self._zone[name]))
        # Clusters may look the same with what was found before; who asks twice has used the first.
        self._looked_up.clear()
        await until(lambda: all(self._looked_up[name] > 1 for name in followed & self._zone.keys()))
        await until(lambda: self._has() == self._expected())
        self._check_draining()

    def _has(self) -> dict[str, list[str]]:
        return {state.name: [e.endpoint.host for e in state.endpoints] for state in self._clusters}

    def _expected(self) -> dict[str, list[str]]:
        return {
            name: [endpoint.host for endpoint in expanded(cluster, self._found).endpoints]
            for name, cluster in self._config.items()
        }

    def _check_draining(self) -> None:
        used = {one.pool for state in self._clusters for one in state.endpoints}
        for state in self._clusters:
            self._ever |= {id(one): one for one in state.endpoints}
        for one in self._ever.values():
            assert one.pool.drains is (one.pool not in used), one.name

    async def close(self) -> None:
        await self._clusters.close()
        await self._tasks.close()


@settings(max_examples=20)
@example([({"b": ["cpu"]}, {"cpu": ["10.0.0.1"]}, False), ({"a": ["cpu"]}, {}, True)])
@given(st.lists(st.tuples(CONFIGS, ZONES, st.booleans()), min_size=1, max_size=5))
def test_clusters_have_what_config_and_dns_say(steps: list[tuple[Config, Zone, bool]]) -> None:
    async def play() -> None:
        machine = Machine()
        for config, zone, dns_first in steps:
            if dns_first:
                await machine.answer(zone)
                await machine.configure(config)
            else:
                await machine.configure(config)
                await machine.answer(zone)
        await machine.close()

    asyncio.run(play())
