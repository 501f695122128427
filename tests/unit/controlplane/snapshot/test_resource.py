"""A resource is serialised once, and its version is its content."""

import pytest
from outriderpb.v1 import cluster_pb2, tracing_pb2
from outriderpb.xds.v3 import ads_pb2

from controlplane.snapshot.resource import Resource, ResourceType


def cluster(name: str, tls: bool = False) -> Resource:
    return Resource.of(ResourceType.CLUSTER, name, cluster_pb2.Cluster(name=name, tls=tls))


def test_equal_content_has_an_equal_version() -> None:
    assert cluster("a") == cluster("a")
    assert cluster("a").version != cluster("a", tls=True).version


def test_version_of_a_map_does_not_depend_on_its_order() -> None:
    pairs = [("b", "2"), ("a", "1"), ("c", "3")]
    versions = {
        Resource.of(
            ResourceType.TRACING, "tracing", tracing_pb2.Tracing(static_attributes=dict(order))
        ).version
        for order in (pairs, pairs[::-1])
    }
    assert len(versions) == 1


def test_ready_bytes_of_several_resources_join_to_one_response() -> None:
    both = cluster("a").delta_bytes + cluster("b", tls=True).delta_bytes
    response = ads_pb2.DeltaDiscoveryResponse.FromString(both)
    assert [one.name for one in response.resources] == ["a", "b"]
    assert response.resources[0].version == cluster("a").version
    assert response.resources[0].resource.type_url == ResourceType.CLUSTER.url
    sent = cluster_pb2.Cluster.FromString(response.resources[1].resource.value)
    assert sent.tls


def test_what_is_referred_to_comes_before_what_refers_to_it() -> None:
    order = list(ResourceType)
    for earlier, later in (
        ("ENDPOINTS", "CLUSTER"),
        ("CLUSTER", "MODEL_PROVIDER"),
        ("CLUSTER", "AGENT"),
        ("CLUSTER", "FILTER"),
        ("AGENT", "ROUTE"),
        ("MODEL_PROVIDER", "ROUTE"),
    ):
        assert order.index(ResourceType[earlier]) < order.index(ResourceType[later])
    assert order[-1] is ResourceType.LISTENER


@pytest.mark.parametrize("kind", ResourceType)
def test_type_url_names_our_package(kind: ResourceType) -> None:
    assert kind.url.startswith("type.googleapis.com/outrider.v1.")
