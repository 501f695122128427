"""How clusters and endpoints come over the wire."""

import pytest
from outriderpb.v1 import cluster_pb2, endpoint_pb2, route_pb2

from dataplane.runtime.cluster import (
    NO_OUTLIERS,
    Balancing,
    CircuitBreakers,
    HashOn,
    HealthCheck,
    OutlierDetection,
    PolicyKind,
    Priority,
    Thresholds,
)
from dataplane.runtime.config import Cluster, Endpoint
from dataplane.xds.clusters import cluster, endpoints, priority
from dataplane.xds.fields import BadFieldError
from dataplane.xds.secrets import Secrets

NO_SECRETS = Secrets({})


def read(**said: object) -> Cluster:
    message = cluster_pb2.Cluster(name="c", **said)  # type: ignore[arg-type] # by name
    return cluster("c", message, NO_SECRETS)


def read_endpoint(**said: object) -> Endpoint:
    one = endpoint_pb2.Endpoint(host="h", port=80, **said)  # type: ignore[arg-type] # by name
    (found,) = endpoints("c", endpoint_pb2.Endpoints(cluster="c", endpoints=[one]), NO_SECRETS)
    return found


def test_a_cluster_that_says_nothing_has_every_default() -> None:
    assert read() == Cluster("c", ())


def test_clusters_that_say_nothing_share_their_defaults() -> None:
    one, other = read(), read()
    assert one.balancing is other.balancing
    assert one.outlier is other.outlier
    assert one.circuit_breakers is other.circuit_breakers


def test_how_endpoints_are_picked_is_taken() -> None:
    assert read(
        load_balancing=cluster_pb2.LoadBalancing(
            policy=cluster_pb2.BALANCING_POLICY_RING_HASH,
            slow_start=cluster_pb2.SlowStart(window_ms=30_000, min_percent=20),
            panic_threshold_percent=0,
            hash_on=cluster_pb2.HASH_ON_HEADER,
            hash_header="X-Tenant",
            max_load_percent=150,
            ewma_decay_ms=5000,
        )
    ).balancing == Balancing(
        kind=PolicyKind.RING_HASH,
        slow_start_s=30.0,
        slow_start_min_percent=20.0,
        panic_threshold_percent=0.0,
        ewma_decay_s=5.0,
        hash_on=HashOn.HEADER,
        hash_header="x-tenant",
        max_load_percent=150.0,
    )


def test_a_health_check_is_taken() -> None:
    ranges = [cluster_pb2.StatusRange(first=200, last=204)]
    assert read(
        health_check=cluster_pb2.HealthCheck(
            path="/up",
            interval_ms=500,
            timeout_ms=250,
            healthy_threshold=1,
            unhealthy_threshold=4,
            expected_statuses=ranges,
            host="inside",
            jitter_percent=0,
        )
    ).health_check == HealthCheck("/up", 0.5, 0.25, 1, 4, ((200, 204),), "inside", 0.0)


def test_a_health_check_without_words_is_the_usual_one() -> None:
    assert read(health_check=cluster_pb2.HealthCheck()).health_check == HealthCheck()


def test_a_health_check_can_be_off() -> None:
    assert read(health_check=cluster_pb2.HealthCheck(enabled=False)).health_check is None


def test_outlier_detection_is_taken_and_zero_is_said_too() -> None:
    assert read(
        outlier_detection=cluster_pb2.OutlierDetection(
            consecutive_5xx=0, interval_ms=250, max_ejection_percent=50
        )
    ).outlier == OutlierDetection(consecutive_5xx=0, interval_s=0.25, max_ejection_percent=50.0)


def test_outlier_detection_can_be_off() -> None:
    off = cluster_pb2.OutlierDetection(enabled=False, consecutive_5xx=3)
    assert read(outlier_detection=off).outlier is NO_OUTLIERS


def test_circuit_breakers_are_taken_by_priority() -> None:
    assert read(
        circuit_breakers=cluster_pb2.CircuitBreakers(
            default=cluster_pb2.Thresholds(max_requests=7, max_pending_requests=0),
            high=cluster_pb2.Thresholds(max_connections=9, max_retries=2),
        )
    ).circuit_breakers == CircuitBreakers(
        Thresholds(max_requests=7, max_pending_requests=0),
        Thresholds(max_connections=9, max_retries=2),
    )


def test_names_are_looked_up_as_often_as_it_says() -> None:
    assert read(dns_refresh_ms=5000).dns_refresh_s == 5.0
    assert read().dns_refresh_s == 0.0


def test_an_endpoint_has_level_and_zone() -> None:
    assert read_endpoint() == Endpoint("h", 80, weight=1, priority=0, zone="")
    made = read_endpoint(weight=3, priority=1, zone="eu-1")
    assert made == Endpoint("h", 80, weight=3, priority=1, zone="eu-1")


def test_a_route_has_the_default_priority_unless_it_says() -> None:
    assert priority(route_pb2.Route()) is Priority.DEFAULT
    assert priority(route_pb2.Route(priority=route_pb2.PRIORITY_HIGH)) is Priority.HIGH


REFUSED = {
    "policy": ({"policy": 99}, "policy 99 is not one this data plane knows"),
    "hash": ({"hash_on": 99}, "hash_on 99 is not one this data plane knows"),
    "header": ({"hash_on": cluster_pb2.HASH_ON_HEADER}, "'' is not a header name"),
    "percent": ({"panic_threshold_percent": 101}, "panic_threshold_percent 101 is more than 100"),
    "not a number": (
        {"max_load_percent": float("nan")},
        "max_load_percent nan is more than inf",
    ),
    "load": ({"max_load_percent": 99}, "max_load_percent 99 is less than 100"),
    "no time": ({"ewma_decay_ms": 0}, "ewma_decay_s 0 is less than 0.001"),
}


@pytest.mark.parametrize(("said", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_balancing_that_makes_no_sense_is_refused(said: dict[str, object], reason: str) -> None:
    with pytest.raises(BadFieldError, match=f"^{reason}$"):
        read(load_balancing=cluster_pb2.LoadBalancing(**said))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            {"health_check": cluster_pb2.HealthCheck(interval_ms=0)},
            "interval_s 0 is less than 0.001",
        ),
        (
            {
                "health_check": cluster_pb2.HealthCheck(
                    expected_statuses=[cluster_pb2.StatusRange(first=300, last=200)]
                )
            },
            "expected_statuses 200 is less than 300",
        ),
        (
            {
                "circuit_breakers": cluster_pb2.CircuitBreakers(
                    default=cluster_pb2.Thresholds(max_connections=0)
                )
            },
            "max_connections 0 is less than 1",
        ),
    ],
    ids=["busy loop", "empty range", "no connections"],
)
def test_settings_that_make_no_sense_are_refused(said: dict[str, object], reason: str) -> None:
    with pytest.raises(BadFieldError, match=f"^{reason}$"):
        read(**said)


def test_an_endpoint_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(BadFieldError, match="weight 2000 is more than 1000"):
        read_endpoint(weight=2000)
    with pytest.raises(BadFieldError, match="priority 200 is more than 127"):
        read_endpoint(priority=200)


def test_a_priority_that_is_not_known_is_refused() -> None:
    message = route_pb2.Route()
    message.priority = 99  # type: ignore[assignment] # of a later version
    with pytest.raises(BadFieldError, match="priority 99"):
        priority(message)
