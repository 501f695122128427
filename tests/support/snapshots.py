"""Snapshots made by hand, for tests of whatever comes after the compiler."""

import hashlib
from collections.abc import Iterable, Mapping

from outriderpb.v1 import cluster_pb2, endpoint_pb2, listener_pb2, route_pb2

from controlplane.snapshot.resource import Resource, ResourceType
from controlplane.snapshot.snapshot import Snapshot


def cluster(name: str, content: int = 0) -> Resource:
    """A cluster; another `content` gives another version."""
    message = cluster_pb2.Cluster(name=name)
    message.connect_timeout_ms = content
    return Resource.of(ResourceType.CLUSTER, name, message)


def endpoints(name: str, port: int = 1) -> Resource:
    """Those of a cluster; another port gives another version."""
    message = endpoint_pb2.Endpoints(cluster=name, endpoints=[endpoint_pb2.Endpoint(port=port)])
    return Resource.of(ResourceType.ENDPOINTS, name, message)


def route(name: str, content: int = 0) -> Resource:
    """A route; another `content` gives another version."""
    message = route_pb2.Route(name=name, listener=f"listener-{content}")
    return Resource.of(ResourceType.ROUTE, name, message)


def listener(name: str, port: int = 0) -> Resource:
    """A listener; another port gives another version."""
    message = listener_pb2.Listener(name=name, port=port)
    return Resource.of(ResourceType.LISTENER, name, message)


def snapshot(*resources: Resource) -> Snapshot:
    """A snapshot whose version is the hash of its resources', unchecked."""
    by_type: dict[ResourceType, dict[str, Resource]] = {}
    for resource in resources:
        by_type.setdefault(resource.type, {})[resource.name] = resource
    return Snapshot(_version(resources), _frozen(by_type))


def _version(resources: Iterable[Resource]) -> str:
    text = "\n".join(sorted(f"{each.type.url} {each.name} {each.version}" for each in resources))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _frozen(
    by_type: Mapping[ResourceType, Mapping[str, Resource]],
) -> Mapping[ResourceType, Mapping[str, Resource]]:
    return dict(by_type)
