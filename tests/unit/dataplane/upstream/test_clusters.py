import logging
from dataclasses import replace

import pytest

from dataplane.runtime.cluster import (
    Balancing,
    CircuitBreakers,
    HealthCheck,
    OutlierDetection,
    PolicyKind,
    Priority,
    Thresholds,
)
from dataplane.runtime.config import Cluster, Endpoint
from dataplane.upstream.cluster import ClusterState
from dataplane.upstream.clusters import Clusters
from tests.support.clusters import clusters

A, B, C = (Endpoint("10.0.0.1", 80), Endpoint("10.0.0.2", 80), Endpoint("10.0.0.3", 80))


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def known(clock: Clock) -> Clusters:
    return clusters(now=clock.now)


def cluster(*endpoints: Endpoint, **more: object) -> Cluster:
    return Cluster("c", endpoints, **more)  # type: ignore[arg-type]  # a test's shorthand


def fail(state: ClusterState, number: int, times: int = 5) -> None:
    for _ in range(times):
        state.answered(state.endpoints[number], 500)


async def test_single_endpoint_costs_nothing_to_pick_and_nothing_to_watch(known: Clusters) -> None:
    state = known.of(cluster(A))
    assert state.only is state.endpoints[0]
    assert state.only.watch is None
    assert [state.hashes, state.measures, state.guarded] == [False] * 3


async def test_cluster_that_moves_leaves_the_requests_of_before_where_they_were(
    known: Clusters,
) -> None:
    before, after = cluster(A, authority="a.test"), cluster(B, authority="b.test")
    known.apply({"c": before})
    began = known.of(before)
    known.apply({"c": after})
    late = known.of(before)
    for state, endpoint in ((began, A), (late, A), (known.of(after), B)):
        assert [one.endpoint for one in state.endpoints] == [endpoint]
    assert list(known) == [known.of(after)]


async def test_what_is_known_of_an_endpoint_outlives_configurations(known: Clusters) -> None:
    first = cluster(A, B)
    state = known.of(first)
    known.apply({"c": first})
    fail(state, 0)
    a, b = state.endpoints
    known.apply({"c": cluster(replace(B, weight=3), C, A)})
    assert known.of(first) is state
    assert state.endpoints[2] is a
    assert state.endpoints[0] is b
    assert (b.weight, a.ejected) == (3, True)
    assert state.endpoints[1].name == "10.0.0.3:80"


async def test_request_of_an_old_configuration_gets_the_newest_endpoints(known: Clusters) -> None:
    old, new = cluster(A), cluster(B)
    known.apply({"c": new})
    assert known.of(old).cluster is new


async def test_cluster_that_is_gone_is_forgotten(known: Clusters) -> None:
    state = known.of(cluster(A, B))
    known.apply({})
    assert known.of(cluster(A, B)) is not state


async def test_newcomers_start_slowly_and_the_first_ones_do_not(
    known: Clusters, clock: Clock
) -> None:
    slow = Balancing(slow_start_s=60.0)
    first = cluster(A, balancing=slow)
    state = known.of(first)
    assert state.endpoints[0].share == 1.0
    known.apply({"c": cluster(A, B, balancing=slow)})
    assert [one.share for one in state.endpoints] == [1.0, pytest.approx(0.1)]
    clock.time += 61.0
    state.pick()
    assert [one.share for one in state.endpoints] == [1.0, 1.0]


async def test_who_comes_back_starts_slowly_too(known: Clusters, clock: Clock) -> None:
    state = known.of(cluster(A, B, C, balancing=Balancing(slow_start_s=60.0)))
    fail(state, 0)
    assert state.available == 2
    clock.time += 40.0
    state.on_due(clock.time)
    assert state.available == 3
    assert state.endpoints[0].share == pytest.approx(0.1)


async def test_outlier_detection_that_is_switched_off_brings_everybody_back(
    known: Clusters,
) -> None:
    first = cluster(A, B)
    state = known.of(first)
    fail(state, 0)
    assert state.only is state.endpoints[1]
    off = OutlierDetection(0, 0, success_rate_stdev_factor=0.0)
    known.apply({"c": replace(first, outlier=off)})
    assert state.available == 2


async def test_configurations_that_come_often_do_not_put_off_the_sweep(
    known: Clusters, clock: Clock
) -> None:
    state = known.of(cluster(A, B))
    due = state.due
    for _ in range(5):
        clock.time += 5.0
        known.apply({"c": cluster(A, B)})
    assert state.due == due


async def test_health_checks_are_known_by_the_state_alone(known: Clusters) -> None:
    check = HealthCheck(healthy_threshold=2, unhealthy_threshold=2)
    first = cluster(A, B, health_check=check)
    state = known.of(first)
    one = state.endpoints[0]
    assert state.report().endpoints[0].healthy is None
    state.checked(one, good=False, why="it answered 503")
    assert state.only is state.endpoints[1]
    state.checked(one, good=True, why="")
    assert state.available == 1
    state.checked(one, good=True, why="")
    assert state.available == 2
    assert state.report().checks == {"passed": 2, "failed": 1}


async def test_permit_is_refused_when_there_are_too_many(
    known: Clusters, caplog: pytest.LogCaptureFixture
) -> None:
    breakers = CircuitBreakers(Thresholds(max_requests=1), Thresholds(max_requests=1))
    state = known.of(cluster(A, circuit_breakers=breakers))
    (one,) = state.endpoints
    assert state.only is None  # somebody must ask for a permit
    permit = state.permits.take(one, Priority.DEFAULT)
    assert permit is not None
    assert state.permits.take(one, Priority.DEFAULT) is None
    assert state.permits.take(one, Priority.HIGH) is not None
    permit.close()
    assert state.permits.take(one, Priority.DEFAULT) is not None
    assert state.report().overflows["requests"] == 1
    assert "circuit breakers allow no more requests" in caplog.text


async def test_panic_is_told_once(known: Clusters, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    state = known.of(cluster(A, B, C, health_check=HealthCheck()))
    for one in state.endpoints:
        state.checked(one, good=False, why="it answered 503")
    assert state.report().panics
    assert state.report().panicked == 1
    assert caplog.text.count("health is ignored") == 1
    assert state.available == 3


async def test_reports_tell_of_clusters_that_nobody_has_needed_yet(known: Clusters) -> None:
    kind = Balancing(PolicyKind.RING_HASH)
    known.apply({"c": cluster(A, replace(B, zone="b", priority=1), balancing=kind)})
    (report,) = known.reports()
    assert (report.name, report.policy) == ("c", "ring_hash")
    assert [(one.address, one.zone, one.priority) for one in report.endpoints] == [
        ("10.0.0.1:80", "", 0),
        ("10.0.0.2:80", "b", 1),
    ]
    known.of(cluster(A))
    (used,) = known.reports()
    assert [one.address for one in used.endpoints] == ["10.0.0.1:80", "10.0.0.2:80"]


async def test_own_zone_comes_first() -> None:
    known = clusters(zone="b")
    state = known.of(cluster(replace(A, zone="a"), replace(B, zone="b"), replace(C, zone="b")))
    picked = {one.name for _ in range(60) if (one := state.pick())}
    assert picked == {"10.0.0.2:80", "10.0.0.3:80"}
