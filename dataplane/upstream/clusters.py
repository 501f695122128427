"""The clusters of one worker by name, kept over configurations.

The rule: a state is made when somebody first needs it, because a thousand clusters must not stall a
reload; and it goes on for as long as its name is configured.
"""

from collections.abc import Callable, Iterator, Mapping

from dataplane.observe.endpoints import ClusterReport, EndpointReport
from dataplane.runtime.config import Cluster
from dataplane.upstream.cluster import ClusterState
from dataplane.upstream.endpoint import UpstreamEndpoint, name_of
from dataplane.upstream.health_checks import HealthChecks
from dataplane.upstream.pool import Pool


class Clusters:
    """Owns the states of all clusters."""

    def __init__(self, pool: Pool, random: Callable[[], float], zone: str = "") -> None:
        """`random` returns floats in [0, 1); `zone` is this node's."""
        self._checks = HealthChecks(random, pool.ssl_context)
        self._pool = pool
        self._random = random
        self._zone = zone
        self._states: dict[str, ClusterState] = {}
        self._clusters: Mapping[str, Cluster] = {}

    def of(self, cluster: Cluster) -> ClusterState:
        """The state of a cluster. It is that of its newest configuration, also for requests of an
        older one.
        """
        found = self._states.get(cluster.name)
        if found is None:
            cluster = self._clusters.get(cluster.name, cluster)
            found = ClusterState(cluster, self._pool, self._random, self._zone)
            self._states[cluster.name] = found
            found.watch_over()
        return found

    def __iter__(self) -> Iterator[ClusterState]:
        return iter(self._states.values())

    def apply(self, clusters: Mapping[str, Cluster]) -> None:
        """These are the clusters from now on."""
        self._clusters = clusters
        gone: list[UpstreamEndpoint] = []
        for name, state in list(self._states.items()):
            cluster = clusters.get(name)
            if cluster is None:
                del self._states[name]
                state.leave()
                gone += state.endpoints
            elif state.cluster is not cluster:
                gone += state.replace(cluster)
                state.watch_over()
        checked = (one for one in clusters.values() if one.health_check is not None)
        self._checks.watch([self.of(one) for one in checked])
        if gone:
            used = {one.pool for state in self for one in state.endpoints}
            for one in gone:
                if one.pool not in used:
                    one.pool.close()

    async def close(self) -> None:
        """Nothing is watched over any more."""
        await self._checks.close()
        for state in self:
            state.leave()

    def reports(self) -> list[ClusterReport]:
        """How all of them are doing."""
        untouched = (one for name, one in self._clusters.items() if name not in self._states)
        return [state.report() for state in self] + [_untouched(one) for one in untouched]


def _untouched(cluster: Cluster) -> ClusterReport:
    """Of a cluster that nobody has needed yet."""
    endpoints = tuple(
        EndpointReport(
            name_of(one),
            one.weight,
            one.weight,
            one.priority,
            one.zone,
            0,
            None,
            0.0,
            True,
            0,
            0,
            0.0,
            0.0,
        )
        for one in cluster.endpoints
    )
    return ClusterReport(cluster.name, cluster.balancing.kind.value, False, 0, endpoints)
