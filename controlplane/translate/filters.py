"""Filters -> clusters and filter resources."""

from collections.abc import Iterator

from outriderpb.v1 import filter_pb2

from controlplane.config import schema
from controlplane.config.values import duration_ms, read_url
from controlplane.snapshot.resource import Resource, ResourceType
from controlplane.translate.clusters import cluster


def filters(config: schema.Config) -> Iterator[Resource]:
    """Every filter, with the cluster it is reached at."""
    for one in config.filters:
        name, url = f"filter:{one.id}", read_url(one.url)
        yield from cluster(name, [url])
        message = filter_pb2.Filter(
            id=one.id, cluster=name, path_prefix=url.path, timeout_ms=duration_ms(one.timeout)
        )
        yield Resource.of(ResourceType.FILTER, one.id, message)
