"""Addresses -> a cluster and its endpoints."""

from collections.abc import Iterator, Sequence

from outriderpb.v1 import cluster_pb2, endpoint_pb2

from controlplane.config.values import Url
from controlplane.snapshot.resource import Resource, ResourceType

CONNECT_TIMEOUT_MS = 5000  # Plano's default for upstream_connect_timeout


def cluster(name: str, urls: Sequence[Url], http_host: str = "") -> Iterator[Resource]:
    """The cluster of one service and its endpoints; the URLs differ in host and port only.

    :param http_host: the Host header, when it is not the URL's.
    """
    first = urls[0]
    # One Host header for several hosts would be wrong for all but one: each gets its own.
    authorities = {url.authority for url in urls}
    message = cluster_pb2.Cluster(
        name=name,
        tls=first.tls,
        sni=first.host if first.tls else "",
        authority=http_host or (first.authority if len(authorities) == 1 else ""),
        connect_timeout_ms=CONNECT_TIMEOUT_MS,
    )
    yield Resource.of(ResourceType.CLUSTER, name, message)
    addresses = [endpoint_pb2.Endpoint(host=url.host, port=url.port, weight=1) for url in urls]
    endpoints = endpoint_pb2.Endpoints(cluster=name, endpoints=addresses)
    yield Resource.of(ResourceType.ENDPOINTS, name, endpoints)
