"""Clusters and their endpoints, of the wire -> dataplane/runtime/{config,cluster}.py.

The rule: what is not said has this data plane's default, and what it does not know is refused,
because a request that is spread by a guess goes where it should not.
"""

from collections.abc import Mapping
from math import inf

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
from dataplane.xds.fields import (
    BadFieldError,
    Said,
    header_name,
    said,
    same,
    seconds,
    secret,
    within,
)
from dataplane.xds.secrets import SecretReader

POLICIES: Mapping[int, PolicyKind] = {
    cluster_pb2.BALANCING_POLICY_UNSPECIFIED: Balancing().kind,
    cluster_pb2.BALANCING_POLICY_ROUND_ROBIN: PolicyKind.ROUND_ROBIN,
    cluster_pb2.BALANCING_POLICY_LEAST_REQUEST: PolicyKind.LEAST_REQUEST,
    cluster_pb2.BALANCING_POLICY_PEAK_EWMA: PolicyKind.PEAK_EWMA,
    cluster_pb2.BALANCING_POLICY_RING_HASH: PolicyKind.RING_HASH,
    cluster_pb2.BALANCING_POLICY_PREFIX_AFFINITY: PolicyKind.PREFIX_AFFINITY,
}
HASHES: Mapping[int, HashOn] = {
    cluster_pb2.HASH_ON_UNSPECIFIED: Balancing().hash_on,
    cluster_pb2.HASH_ON_HEADER: HashOn.HEADER,
    cluster_pb2.HASH_ON_SESSION: HashOn.SESSION,
    cluster_pb2.HASH_ON_MODEL: HashOn.MODEL,
}
PRIORITIES: Mapping[int, Priority] = {
    route_pb2.PRIORITY_UNSPECIFIED: Priority.DEFAULT,
    route_pb2.PRIORITY_HIGH: Priority.HIGH,
}
PERCENT = (0.0, 100.0)
MAX_WEIGHT = 1000  # a ring has places for each unit of weight; shares need not be finer
MAX_PRIORITY = 127  # Envoy's

_DEFAULT_BALANCING, _DEFAULT_OUTLIER = Balancing(), OutlierDetection()
_DEFAULT_BREAKERS = CircuitBreakers()


def cluster(name: str, m: cluster_pb2.Cluster, secrets: SecretReader) -> Cluster:
    """A cluster; its endpoints come by themselves. Raises BadFieldError and
    SecretUnavailableError.
    """
    same(name, m.name, "name")
    return Cluster(
        name=name,
        endpoints=(),
        tls=m.tls,
        sni=m.sni,
        authority=m.authority,
        connect_timeout_s=seconds(m.connect_timeout_ms, 5.0),
        dns_refresh_s=m.dns_refresh_ms / 1000,
        balancing=_balancing(m),
        health_check=_health_check(m),
        outlier=_outlier(m),
        circuit_breakers=_circuit_breakers(m),
        headers=tuple((header_name(h.name), secret(h.value, secrets)) for h in m.headers),
    )


def endpoints(name: str, m: endpoint_pb2.Endpoints, _: SecretReader) -> tuple[Endpoint, ...]:
    """The addresses of a cluster. Raises BadFieldError."""
    same(name, m.cluster, "cluster")
    return tuple(_endpoint(one) for one in m.endpoints)


def priority(m: route_pb2.Route) -> Priority:
    """How important the requests of a route are. Raises BadFieldError."""
    found = PRIORITIES.get(m.priority)
    if found is None:
        raise BadFieldError(f"priority {m.priority} is not one this data plane knows")
    return found


def _endpoint(m: endpoint_pb2.Endpoint) -> Endpoint:
    if not m.host:
        raise BadFieldError("an endpoint without a host")
    if not 0 < m.port < 65536:
        raise BadFieldError(f"endpoint {m.host}: port {m.port} is not between 1 and 65535")
    within(f"endpoint {m.host}: weight", m.weight, 0, MAX_WEIGHT)
    within(f"endpoint {m.host}: priority", m.priority, 0, MAX_PRIORITY)
    return Endpoint(m.host, m.port, m.weight or 1, m.priority, m.zone)


def _balancing(m: cluster_pb2.Cluster) -> Balancing:
    """Clusters that say nothing share one object."""
    if not m.HasField("load_balancing"):
        return _DEFAULT_BALANCING
    given = m.load_balancing
    kind, hash_on = POLICIES.get(given.policy), HASHES.get(given.hash_on)
    if kind is None:
        raise BadFieldError(f"policy {given.policy} is not one this data plane knows")
    if hash_on is None:
        raise BadFieldError(f"hash_on {given.hash_on} is not one this data plane knows")
    if hash_on is HashOn.HEADER:
        header_name(given.hash_header)
    return Balancing(
        kind=kind,
        hash_on=hash_on,
        hash_header=given.hash_header.lower(),
        **said(given.slow_start, _SLOW_START),
        **said(given, _BALANCING),
    )


def _health_check(m: cluster_pb2.Cluster) -> HealthCheck | None:
    given = m.health_check
    if not m.HasField("health_check") or (given.HasField("enabled") and not given.enabled):
        return None
    default = HealthCheck()
    for one in given.expected_statuses:
        within("expected_statuses", one.first, 100, 599)
        within("expected_statuses", one.last, one.first, 599)
    return HealthCheck(
        path=given.path or default.path,
        host=given.host,
        statuses=tuple((one.first, one.last) for one in given.expected_statuses)
        or default.statuses,
        **said(given, _HEALTH_CHECK),
    )


def _outlier(m: cluster_pb2.Cluster) -> OutlierDetection:
    given = m.outlier_detection
    if not m.HasField("outlier_detection"):
        return _DEFAULT_OUTLIER
    if given.HasField("enabled") and not given.enabled:
        return NO_OUTLIERS
    return OutlierDetection(**said(given, _OUTLIER))


def _circuit_breakers(m: cluster_pb2.Cluster) -> CircuitBreakers:
    if not m.HasField("circuit_breakers"):
        return _DEFAULT_BREAKERS
    given = m.circuit_breakers
    return CircuitBreakers(
        Thresholds(**said(given.default, _THRESHOLDS)), Thresholds(**said(given.high, _THRESHOLDS))
    )


# Each field: its name, that of ours, by what to divide, least and most.
_ANY, _TIME = (0.0, inf), (0.001, inf)
_SLOW_START = (
    Said("window_ms", "slow_start_s", 1000, _ANY),
    Said("min_percent", "slow_start_min_percent", 1, PERCENT),
)
_BALANCING = (
    Said("panic_threshold_percent", "panic_threshold_percent", 1, PERCENT),
    Said("max_load_percent", "max_load_percent", 1, (100.0, inf)),
    Said("ewma_decay_ms", "ewma_decay_s", 1000, _TIME),
)
_HEALTH_CHECK = (
    Said("interval_ms", "interval_s", 1000, _TIME),
    Said("timeout_ms", "timeout_s", 1000, _TIME),
    Said("healthy_threshold", "healthy_threshold", 0, (1, inf)),
    Said("unhealthy_threshold", "unhealthy_threshold", 0, (1, inf)),
    Said("jitter_percent", "jitter_percent", 1, PERCENT),
)
_OUTLIER = (
    Said("consecutive_5xx", "consecutive_5xx", 0, _ANY),
    Said("consecutive_local_origin_failure", "consecutive_local_origin_failure", 0, _ANY),
    Said("interval_ms", "interval_s", 1000, _TIME),
    Said("base_ejection_time_ms", "base_ejection_time_s", 1000, _TIME),
    Said("max_ejection_time_ms", "max_ejection_time_s", 1000, _TIME),
    Said("max_ejection_percent", "max_ejection_percent", 1, PERCENT),
    Said("success_rate_minimum_hosts", "success_rate_minimum_hosts", 0, _ANY),
    Said("success_rate_request_volume", "success_rate_request_volume", 0, _ANY),
    Said("success_rate_stdev_factor", "success_rate_stdev_factor", 1, _ANY),
    Said("failure_percentage_threshold", "failure_percentage_threshold", 1, PERCENT),
    Said("failure_percentage_minimum_hosts", "failure_percentage_minimum_hosts", 0, _ANY),
    Said("failure_percentage_request_volume", "failure_percentage_request_volume", 0, _ANY),
)
_THRESHOLDS = (
    Said("max_connections", "max_connections", 0, (1, inf)),
    Said("max_pending_requests", "max_pending_requests", 0, _ANY),
    Said("max_requests", "max_requests", 0, _ANY),
    Said("max_retries", "max_retries", 0, _ANY),
)
