"""A snapshot is consistent or does not exist, and knows what differs from another."""

import pytest
from outriderpb.v1 import (
    agent_pb2,
    cluster_pb2,
    endpoint_pb2,
    filter_pb2,
    listener_pb2,
    model_metrics_pb2,
    model_pb2,
    route_pb2,
)

from controlplane.snapshot.resource import Named, Resource, ResourceType
from controlplane.snapshot.snapshot import Change, InconsistentSnapshotError, Snapshot


def cluster(name: str, timeout_ms: int = 5) -> Resource:
    message = cluster_pb2.Cluster(name=name, connect_timeout_ms=timeout_ms)
    return Resource.of(ResourceType.CLUSTER, name, message)


def endpoints(name: str) -> Resource:
    return Resource.of(ResourceType.ENDPOINTS, name, endpoint_pb2.Endpoints(cluster=name))


def listener(name: str, *filters: str) -> Resource:
    message = listener_pb2.Listener(name=name, input_filters=filters)
    return Resource.of(ResourceType.LISTENER, name, message)


def route(name: str, **fields: object) -> Resource:
    message = route_pb2.Route(name=name, listener="front", **fields)  # type: ignore[arg-type] # a test's shorthand
    return Resource.of(ResourceType.ROUTE, name, message)


DANGLING = {
    "endpoints of no cluster": (endpoints("x"), "cluster 'x'"),
    "cluster without endpoints": (cluster("x"), "cluster 'x' has no endpoints"),
    "agent at no cluster": (
        Resource.of(ResourceType.AGENT, "a", agent_pb2.Agent(id="a", cluster="x")),
        "agent 'a' refers to cluster 'x'",
    ),
    "filter at no cluster": (
        Resource.of(ResourceType.FILTER, "f", filter_pb2.Filter(id="f", cluster="x")),
        "filter 'f' refers to cluster 'x'",
    ),
    "provider at no cluster": (
        Resource.of(
            ResourceType.MODEL_PROVIDER, "p", model_pb2.ModelProvider(name="p", cluster="x")
        ),
        "model provider 'p' refers to cluster 'x'",
    ),
    "listener with no such filter": (listener("other", "x"), "'other' refers to filter 'x'"),
    "route to no provider": (
        route("r", model=route_pb2.ModelTarget(providers=["x"])),
        "route 'r' refers to model provider 'x'",
    ),
    "route to no agent": (
        route("r", agent=route_pb2.AgentTarget(agent="x")),
        "route 'r' refers to agent 'x'",
    ),
}


@pytest.mark.parametrize(("resource", "said"), DANGLING.values(), ids=DANGLING)
def test_a_reference_that_leads_nowhere_is_refused(resource: Resource, said: str) -> None:
    with pytest.raises(InconsistentSnapshotError) as refused:
        Snapshot.build([listener("front"), resource])
    assert len(refused.value.problems) == 1
    assert said in refused.value.problems[0]


def test_a_route_of_no_listener_is_refused() -> None:
    with pytest.raises(InconsistentSnapshotError, match="refers to listener 'front'"):
        Snapshot.build([route("r")])


def test_two_resources_of_one_name_are_refused() -> None:
    with pytest.raises(InconsistentSnapshotError, match="two cluster resources are 'x'"):
        Snapshot.build([cluster("x"), cluster("x"), endpoints("x")])


def test_types_are_in_the_order_in_which_they_are_sent() -> None:
    snapshot = Snapshot.build([listener("front"), endpoints("x"), cluster("x")])
    order = [ResourceType.ENDPOINTS, ResourceType.CLUSTER, ResourceType.LISTENER]
    assert list(snapshot.resources) == order


def test_version_does_not_depend_on_the_order_of_resources() -> None:
    one = Snapshot.build([cluster("x"), endpoints("x"), listener("front")])
    other = Snapshot.build([listener("front"), endpoints("x"), cluster("x")])
    assert one.version == other.version


def test_version_depends_on_every_resource() -> None:
    one = Snapshot.build([cluster("x"), endpoints("x")])
    other = Snapshot.build([cluster("x", timeout_ms=6), endpoints("x")])
    assert one.version != other.version != Snapshot.build([]).version


def test_diff_names_what_changed_and_what_is_gone() -> None:
    before = Snapshot.build([cluster("a"), endpoints("a"), cluster("b"), endpoints("b")])
    after = Snapshot.build([cluster("a", 9), endpoints("a"), cluster("c"), endpoints("c")])
    assert after.diff(before) == {
        ResourceType.CLUSTER: Change(changed=("a", "c"), removed=("b",)),
        ResourceType.ENDPOINTS: Change(changed=("c",), removed=("b",)),
    }


def test_diff_to_nothing_is_everything() -> None:
    snapshot = Snapshot.build([cluster("a"), endpoints("a")])
    assert snapshot.diff(None)[ResourceType.CLUSTER] == Change(("a",), ())
    assert Snapshot.build([]).diff(None) == {}


def test_equal_snapshots_do_not_differ() -> None:
    one = Snapshot.build([cluster("a"), endpoints("a")])
    assert one.diff(one) == {}
    assert one.diff(Snapshot.build([cluster("a"), endpoints("a")])) == {}


def test_unchanged_types_are_shared_with_the_generation_before() -> None:
    before = Snapshot.build([cluster("a"), endpoints("a"), listener("front")])
    after = Snapshot.build([cluster("a"), endpoints("a"), listener("back")], before)
    assert after.of_type(ResourceType.CLUSTER) is before.of_type(ResourceType.CLUSTER)
    assert after.diff(before) == {ResourceType.LISTENER: Change(("back",), ("front",))}


def test_a_type_without_resources_is_empty() -> None:
    assert dict(Snapshot.build([]).of_type(ResourceType.AGENT)) == {}


def test_what_is_refused_without_a_snapshot_before_is_refused_after_one() -> None:
    before = Snapshot.build([listener("front", "f"), filter_of("f"), cluster("x"), endpoints("x")])
    with pytest.raises(InconsistentSnapshotError, match="'front' refers to filter 'f'"):
        Snapshot.build([listener("front", "f"), cluster("x"), endpoints("x")], before)
    with pytest.raises(InconsistentSnapshotError, match="'front' refers to filter 'g'"):
        Snapshot.build([listener("front", "g"), filter_of("f"), *_served("x")], before)
    with pytest.raises(InconsistentSnapshotError, match="cluster 'x' has no endpoints"):
        Snapshot.build([listener("front", "f"), filter_of("f"), cluster("x")], before)


def test_what_is_measured_does_not_hide_what_leads_nowhere() -> None:
    measured = Resource.of(
        ResourceType.MODEL_METRICS, "cost", model_metrics_pb2.ModelMetrics(name="cost")
    )
    before = Snapshot.build([listener("front", "f"), filter_of("f")]).with_measured([measured])
    with pytest.raises(InconsistentSnapshotError, match="'front' refers to filter 'f'"):
        Snapshot.build([listener("front", "f")], before)


def test_only_what_is_new_is_serialised() -> None:
    before = Snapshot.build(_served("x"))
    named = Named(ResourceType.CLUSTER, "x", cluster_pb2.Cluster(name="x", connect_timeout_ms=5))
    moved = Named(
        ResourceType.ENDPOINTS,
        "x",
        endpoint_pb2.Endpoints(cluster="x", endpoints=[endpoint_pb2.Endpoint(host="b")]),
    )
    after = Snapshot.build([named, moved], before)
    assert after.of_type(ResourceType.CLUSTER) is before.of_type(ResourceType.CLUSTER)
    expected = Resource.of(ResourceType.ENDPOINTS, "x", moved.message)
    assert after.of_type(ResourceType.ENDPOINTS) == {"x": expected}
    assert after.version == Snapshot.build([named, moved]).version != before.version


def filter_of(name: str) -> Resource:
    return Resource.of(ResourceType.FILTER, name, filter_pb2.Filter(id=name))


def _served(name: str) -> list[Resource]:
    return [cluster(name), endpoints(name)]
