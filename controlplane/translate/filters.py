"""Filters -> clusters and filter resources."""

from collections.abc import Iterator

from outriderpb.v1 import filter_pb2

from controlplane.config import schema
from controlplane.config.values import duration_ms
from controlplane.snapshot.resource import Resource, ResourceType
from controlplane.translate.clusters import addresses, cluster


def filters(config: schema.Config) -> Iterator[Resource]:
    """Every filter, with the cluster it is reached at."""
    for one in config.filters:
        name, places = f"filter:{one.id}", addresses(one.url, one.endpoints)
        yield from cluster(config, name, one, places)
        message = filter_pb2.Filter(
            id=one.id,
            cluster=name,
            path_prefix=places[0].url.path,
            timeout_ms=duration_ms(one.timeout),
        )
        yield Resource.of(ResourceType.FILTER, one.id, message)
