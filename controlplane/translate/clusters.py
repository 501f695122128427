"""Addresses -> a cluster and its endpoints, with the defaults laid under what it says itself.

Blocks become messages of what they say, and levels are laid over one another by MergeFrom.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from types import MappingProxyType

from outriderpb.v1 import cluster_pb2, endpoint_pb2, model_pb2

from controlplane.config import schema
from controlplane.config.schema_clusters import (
    CircuitBreakers,
    ClusterKeys,
    Endpoint,
    HealthCheck,
    LoadBalancing,
    OutlierDetection,
    Thresholds,
    read_statuses,
)
from controlplane.config.values import Url, duration_ms, read_url
from controlplane.snapshot.resource import Named, ResourceType
from controlplane.translate.secrets import secret

CONNECT_TIMEOUT_MS = 5000  # Plano's default for upstream_connect_timeout
DNS_REFRESH_MS = 5000  # Envoy's dns_refresh_rate
LOCALHOST = "localhost"
"""Its two families are one machine, and most servers listen on one of them."""

POLICIES = {
    None: cluster_pb2.BALANCING_POLICY_UNSPECIFIED,
    "round_robin": cluster_pb2.BALANCING_POLICY_ROUND_ROBIN,
    "least_request": cluster_pb2.BALANCING_POLICY_LEAST_REQUEST,
    "peak_ewma": cluster_pb2.BALANCING_POLICY_PEAK_EWMA,
    "ring_hash": cluster_pb2.BALANCING_POLICY_RING_HASH,
    "prefix_affinity": cluster_pb2.BALANCING_POLICY_PREFIX_AFFINITY,
}
HASHES = {
    None: cluster_pb2.HASH_ON_UNSPECIFIED,
    "header": cluster_pb2.HASH_ON_HEADER,
    "session": cluster_pb2.HASH_ON_SESSION,
    "model": cluster_pb2.HASH_ON_MODEL,
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where one endpoint is, and its place among the others."""

    url: Url
    weight: int = 1
    priority: int = 0
    zone: str = ""


def addresses(url: str | None, endpoints: Sequence[Endpoint] | None) -> list[Address]:
    """The addresses of a service, by its one URL or its endpoints."""
    if endpoints is None:
        return [Address(read_url(url or ""))]
    return [
        Address(read_url(one.url), one.weight, one.priority, one.zone or "") for one in endpoints
    ]


def cluster(
    config: schema.Config,
    name: str,
    own: ClusterKeys,
    places: Sequence[Address],
    http_host: str = "",
    at_vendor: bool = False,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Named]:
    """The cluster of one service and its endpoints; the URLs differ in host and port only.

    :param http_host: the Host header, when it is not the URL's. :param at_vendor: at the address
        that everybody knows: such names change their addresses by the minute, and nobody there
        waits for our health checks. :param headers: what every request to it carries, secret texts
        by their names.
    """
    urls = [one.url for one in places]
    first = urls[0]
    # One Host header for several hosts would be wrong for all but one: each gets its own.
    authorities = {url.authority for url in urls}
    message = cluster_pb2.Cluster(
        name=name,
        tls=first.tls,
        sni=first.host if first.tls else "",
        authority=http_host or (first.authority if len(authorities) == 1 else ""),
        connect_timeout_ms=_connect_timeout_ms(config, own),
        dns_refresh_ms=_dns_refresh_ms(config, own, urls, at_vendor),
        headers=[
            model_pb2.Header(name=header, value=secret(text)) for header, text in headers.items()
        ],
    )
    if config.defaults is not None:
        _lay_over(message, config.defaults, with_health_check=not at_vendor)
    _lay_over(message, own)
    if message.health_check.HasField("enabled") and not message.health_check.enabled:
        message.ClearField("health_check")
    yield Named(ResourceType.CLUSTER, name, message)
    endpoints = endpoint_pb2.Endpoints(
        cluster=name,
        endpoints=[
            endpoint_pb2.Endpoint(
                host=one.url.host,
                port=one.url.port,
                weight=one.weight,
                priority=one.priority,
                zone=one.zone,
            )
            for one in places
        ],
    )
    yield Named(ResourceType.ENDPOINTS, name, endpoints)


def _connect_timeout_ms(config: schema.Config, own: ClusterKeys) -> int:
    planos = config.overrides.upstream_connect_timeout if config.overrides is not None else None
    default = config.defaults.connect_timeout if config.defaults is not None else None
    return _ms(own.connect_timeout or default or planos) or CONNECT_TIMEOUT_MS


def _dns_refresh_ms(
    config: schema.Config, own: ClusterKeys, urls: Sequence[Url], at_vendor: bool
) -> int:
    """0: names are left to who opens a connection."""
    defaults = config.defaults or ClusterKeys()
    kind = own.dns or ("logical" if at_vendor else defaults.dns)
    hosts = {url.host for url in urls}
    if own.dns != "strict":
        hosts.discard(LOCALHOST)
    if kind == "logical" or not any(_is_name(host) for host in hosts):
        return 0
    return _ms(own.dns_refresh_rate or defaults.dns_refresh_rate) or DNS_REFRESH_MS


def _is_name(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return True
    return False


def _lay_over(
    message: cluster_pb2.Cluster, keys: ClusterKeys, with_health_check: bool = True
) -> None:
    if keys.load_balancing is not None:
        message.load_balancing.MergeFrom(_load_balancing(keys.load_balancing))
    if keys.health_check is not None and with_health_check:
        if keys.health_check.expected_statuses is not None:
            # A list takes the place of the one below; MergeFrom would put one behind the other.
            message.health_check.ClearField("expected_statuses")
        message.health_check.MergeFrom(_health_check(keys.health_check))
        message.health_check.SetInParent()
    if keys.outlier_detection is not None:
        message.outlier_detection.MergeFrom(_outlier(keys.outlier_detection))
    if keys.circuit_breakers is not None:
        message.circuit_breakers.MergeFrom(_circuit_breakers(keys.circuit_breakers))


def _load_balancing(block: LoadBalancing) -> cluster_pb2.LoadBalancing:
    slow = block.slow_start
    return cluster_pb2.LoadBalancing(
        policy=POLICIES[block.policy],
        slow_start=None
        if slow is None
        else cluster_pb2.SlowStart(window_ms=_ms(slow.window), min_percent=slow.min_percent),
        panic_threshold_percent=block.panic_threshold,
        hash_on=HASHES[block.hash_on],
        hash_header=(block.hash_header or "").lower(),
        max_load_percent=block.max_load_percent,
        ewma_decay_ms=_ms(block.ewma_decay),
    )


def _health_check(block: HealthCheck) -> cluster_pb2.HealthCheck:
    ranges = [read_statuses(text) for text in block.expected_statuses or ()]
    return cluster_pb2.HealthCheck(
        enabled=block.enabled,
        path=block.path or "",
        interval_ms=_ms(block.interval),
        timeout_ms=_ms(block.timeout),
        healthy_threshold=block.healthy_threshold,
        unhealthy_threshold=block.unhealthy_threshold,
        expected_statuses=[
            cluster_pb2.StatusRange(first=one[0], last=one[1]) for one in ranges if one is not None
        ],
        host=block.host or "",
        jitter_percent=block.jitter_percent,
    )


def _outlier(block: OutlierDetection) -> cluster_pb2.OutlierDetection:
    return cluster_pb2.OutlierDetection(
        enabled=block.enabled,
        consecutive_5xx=block.consecutive_5xx,
        consecutive_local_origin_failure=block.consecutive_local_origin_failure,
        interval_ms=_ms(block.interval),
        base_ejection_time_ms=_ms(block.base_ejection_time),
        max_ejection_time_ms=_ms(block.max_ejection_time),
        max_ejection_percent=block.max_ejection_percent,
        success_rate_minimum_hosts=block.success_rate_minimum_hosts,
        success_rate_request_volume=block.success_rate_request_volume,
        success_rate_stdev_factor=block.success_rate_stdev_factor,
        failure_percentage_threshold=block.failure_percentage_threshold,
        failure_percentage_minimum_hosts=block.failure_percentage_minimum_hosts,
        failure_percentage_request_volume=block.failure_percentage_request_volume,
    )


def _circuit_breakers(block: CircuitBreakers) -> cluster_pb2.CircuitBreakers:
    message = cluster_pb2.CircuitBreakers()
    own = _thresholds(block)
    if own.ByteSize():
        message.default.CopyFrom(own)
    if block.high is not None:
        message.high.CopyFrom(_thresholds(block.high))
    return message


def _thresholds(block: Thresholds) -> cluster_pb2.Thresholds:
    return cluster_pb2.Thresholds(
        max_connections=block.max_connections,
        max_pending_requests=block.max_pending_requests,
        max_requests=block.max_requests,
        max_retries=block.max_retries,
    )


def _ms(text: str | None) -> int | None:
    return duration_ms(text) if text is not None else None
