"""One endpoint of one cluster: what the policies know of it, and its connections."""

from typing import TYPE_CHECKING

from dataplane.balancing.endpoint import EndpointState
from dataplane.runtime.config import Endpoint

if TYPE_CHECKING:
    from dataplane.balancing.health import Health
    from dataplane.upstream.cluster import ClusterState
    from dataplane.upstream.pool import EndpointPool


class UpstreamEndpoint(EndpointState):
    """Clusters that name the same address share its connections, and nothing else."""

    __slots__ = (
        "answers",
        "authority",
        "endpoint",
        "failures",
        "health",
        "label",
        "pool",
        "watch",
    )

    def __init__(self, endpoint: Endpoint, pool: "EndpointPool") -> None:
        super().__init__(name_of(endpoint), endpoint.weight, endpoint.priority, endpoint.zone)
        self.watch: ClusterState | None = None
        """Who wants to know what becomes of its requests; None: nobody."""
        self.health: Health | None = None
        """None: nobody asks how it is."""
        self.answers = 0
        self.failures = 0
        self.label = self.name
        self.become(endpoint, pool)

    def become(self, endpoint: Endpoint, pool: "EndpointPool") -> None:
        """Be what a new configuration says of the same address."""
        self.endpoint = endpoint
        self.weight = max(endpoint.weight, 1)
        self.share = float(self.weight)
        self.priority = endpoint.priority
        self.zone = endpoint.zone
        self.pool = pool
        self.authority = pool.authority
        """Its Host header, where the cluster has none of its own."""


def name_of(endpoint: Endpoint) -> str:
    """What it is called in logs and hashed by."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"{host}:{endpoint.port}"
