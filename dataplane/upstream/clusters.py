"""The clusters of one worker by name, kept over configurations.

The rule: a state is made when somebody first needs it, because a thousand clusters must not stall a
reload; and it goes on for as long as its name is configured.
"""

from collections.abc import Callable, Collection, Iterator, Mapping

from dataplane.balancing.addresses import expanded, names
from dataplane.observe.endpoints import ClusterReport, EndpointReport
from dataplane.runtime.config import Cluster
from dataplane.upstream.cluster import ClusterState
from dataplane.upstream.dns import Dns, Lookup, system_lookup
from dataplane.upstream.endpoint import UpstreamEndpoint, name_of
from dataplane.upstream.health_checks import HealthChecks
from dataplane.upstream.pool import Pool


class Clusters:
    """Owns the states of all clusters."""

    def __init__(
        self,
        pool: Pool,
        random: Callable[[], float],
        zone: str = "",
        lookup: Lookup = system_lookup,
    ) -> None:
        """`random` returns floats in [0, 1); `zone` is this node's; `lookup` knows names."""
        self._checks = HealthChecks(random, pool.ssl_context)
        self._pool = pool
        self._random = random
        self._zone = zone
        self._states: dict[str, ClusterState] = {}
        self._configured: dict[str, Cluster] = {}
        """Of each state what the configuration says, where names stand for their addresses."""
        self._clusters: Mapping[str, Cluster] = {}
        self._dns = Dns(self._on_found, random, pool.tasks, lookup)

    def of(self, cluster: Cluster) -> ClusterState:
        """The state of a cluster. It is that of its newest configuration, also for requests of an
        older one, unless it has moved since: what they carry is meant for where it was.
        """
        newest = self._clusters.get(cluster.name, cluster)
        if newest is not cluster and _has_moved(cluster, newest):
            return self._state(cluster)
        found = self._states.get(cluster.name)
        if found is None:
            found = self._state(newest)
            self._states[newest.name] = found
            self._configured[newest.name] = newest
            found.watch_over()
            self._dns.also(names([newest]))
        return found

    def _state(self, cluster: Cluster) -> ClusterState:
        made = expanded(cluster, self._dns.known)
        return ClusterState(made, self._pool, self._random, self._zone)

    def __iter__(self) -> Iterator[ClusterState]:
        return iter(self._states.values())

    def apply(self, clusters: Mapping[str, Cluster]) -> None:
        """These are the clusters from now on."""
        self._clusters = clusters
        gone: list[UpstreamEndpoint] = []
        for name, state in list(self._states.items()):
            cluster, had = clusters.get(name), self._configured[name]
            if cluster is None or _has_moved(had, cluster):
                del self._states[name], self._configured[name]
                state.leave()
                gone += state.endpoints
            elif had is not cluster:
                self._configured[name] = cluster
                gone += self._replace(state, cluster)
        self._check_health()
        # One that nobody has needed yet, such as a renamed one, may have a name of one that goes.
        self._dns.follow(names(self._configured.values()), names(clusters.values()))
        self._drain(gone)

    async def close(self) -> None:
        """Nothing is watched over any more."""
        self._dns.follow({})
        await self._checks.close()
        for state in self:
            state.leave()

    def reports(self, name: str = "") -> Iterator[ClusterReport]:
        """How all of them are doing, or the one of that name; made while they are read."""
        for one in list(self._clusters.values()):
            if not name or name == one.name:
                state = self._states.get(one.name)
                yield _untouched(one) if state is None else state.report()

    def used_reports(self) -> Iterator[ClusterReport]:
        """Of those alone that somebody has needed."""
        for state in list(self):
            yield state.report()

    @property
    def unresolved(self) -> Mapping[str, int]:
        """Names that cannot be looked up, and how often that has failed since it went well."""
        return self._dns.failures

    def _on_found(self, host: str) -> None:
        """A name has other addresses than before: those that are gone finish what they have."""
        gone: list[UpstreamEndpoint] = []
        for name, cluster in self._configured.items():
            if cluster.dns_refresh_s and any(one.host == host for one in cluster.endpoints):
                gone += self._replace(self._states[name], cluster)
        self._check_health()
        self._drain(gone)

    def _check_health(self) -> None:
        """Have the endpoints asked that there are now."""
        checked = (one for one in self._clusters.values() if one.health_check is not None)
        self._checks.watch([self.of(one) for one in checked])

    def _replace(self, state: ClusterState, cluster: Cluster) -> tuple[UpstreamEndpoint, ...]:
        gone = state.replace(expanded(cluster, self._dns.known))
        state.watch_over()
        return gone

    def _drain(self, gone: Collection[UpstreamEndpoint]) -> None:
        """Endpoints that no cluster has any more: requests finish, connections are not kept."""
        if gone:
            used = {one.pool for state in self for one in state.endpoints}
            for one in gone:
                if one.pool not in used:
                    one.pool.drain()


def _has_moved(cluster: Cluster, newer: Cluster) -> bool:
    """Whether another configuration of a cluster is about somebody else: then another Host header
    and another key go with it.
    """
    return (cluster.tls, cluster.sni, cluster.authority) != (newer.tls, newer.sni, newer.authority)


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
