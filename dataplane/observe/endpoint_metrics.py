"""The metrics of clusters and their endpoints.

Gauges of what an endpoint is in a worker count workers, because those of all workers are added up:
2 of 4 is "two workers leave it out". Labels come from the configuration and from DNS, and endpoints
past a bound have none.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from dataplane.observe.endpoints import ClusterReport, EndpointReport
from dataplane.observe.metrics import Family

MAX_ENDPOINTS = 1000
"""With series of their own: five each, and a scrape of 5,000 lines takes the parent some 50 ms."""

Samples = dict[tuple[str, ...], float]
NOTHING: Mapping[str, int] = MappingProxyType({})
_BY_ENDPOINT = ("cluster", "endpoint")


def families(
    reports: Iterable[ClusterReport], unresolved: Mapping[str, int] = NOTHING
) -> list[Family]:
    """What the workers' reports come to in numbers.

    :param unresolved: names that cannot be looked up, and how often that has failed in a row.
    """
    clusters = list(reports)
    endpoints = [(cluster.name, one) for cluster in clusters for one in cluster.endpoints]
    shown = endpoints[:MAX_ENDPOINTS]
    checked = [(name, one) for name, one in shown if one.healthy is not None]
    left_out: Samples = {(): float(len(endpoints) - len(shown))}
    return [
        _endpoint_gauge(
            "outrider_endpoint_healthy",
            "Workers whose health checks find an endpoint well; none where nobody asks.",
            checked,
            lambda one: one.healthy is True,
        ),
        _endpoint_gauge(
            "outrider_endpoint_ejected",
            "Workers that leave an endpoint out because it failed.",
            shown,
            lambda one: one.ejected_for_s > 0.0,
        ),
        _endpoint_gauge(
            "outrider_endpoint_requests_active",
            "Requests under way at an endpoint.",
            shown,
            lambda one: one.active,
        ),
        Family(
            "outrider_endpoint_answers_total",
            "counter",
            "Attempts by outcome; counted where a cluster has several endpoints.",
            (*_BY_ENDPOINT, "outcome"),
            _outcomes(shown),
        ),
        Family(
            "outrider_endpoints_without_series",
            "gauge",
            f"Endpoints past the first {MAX_ENDPOINTS} of a worker, which have no metrics.",
            (),
            left_out,
        ),
        Family(
            "outrider_dns_failures",
            "gauge",
            "Look-ups of a name that have failed since the last good one; what was known is kept.",
            ("name",),
            {(name,): float(count) for name, count in unresolved.items()},
        ),
        _cluster_gauge(
            "outrider_cluster_requests_active",
            "Requests under way at a cluster.",
            clusters,
            lambda cluster: sum(one.active for one in cluster.endpoints),
        ),
        _cluster_gauge(
            "outrider_cluster_connections",
            "Open connections of relayed requests.",
            clusters,
            lambda cluster: cluster.connections,
        ),
        _cluster_gauge(
            "outrider_cluster_panics",
            "Workers that ignore health, because too few endpoints are well.",
            clusters,
            lambda cluster: cluster.panics,
        ),
        _counts(
            "outrider_cluster_ejections_total",
            "Endpoints left out for failing, by cause.",
            "cause",
            clusters,
            lambda cluster: cluster.ejections,
        ),
        _counts(
            "outrider_cluster_ejections_refused_total",
            "Endpoints that failed and are asked on: the last one left, or enough are out.",
            "why",
            clusters,
            lambda cluster: cluster.kept,
        ),
        _total(
            "outrider_cluster_unejections_total",
            "Endpoints that came back after they were left out for failing.",
            clusters,
            lambda cluster: cluster.unejections,
        ),
        _total(
            "outrider_cluster_panicked_total",
            "Times that a worker began to ignore health.",
            clusters,
            lambda cluster: cluster.panicked,
        ),
        _counts(
            "outrider_cluster_overflows_total",
            "Requests that circuit breakers refused, by what was used up.",
            "what",
            clusters,
            lambda cluster: cluster.overflows,
        ),
        _counts(
            "outrider_health_checks_total",
            "Health checks by outcome.",
            "outcome",
            clusters,
            lambda cluster: cluster.checks,
        ),
        _counts(
            "outrider_prefix_affinity_total",
            "Answers by what they tell of the prompt cache; lost: affinities that were given up.",
            "outcome",
            clusters,
            lambda cluster: cluster.prefixes,
        ),
    ]


def _endpoint_gauge(
    name: str,
    about: str,
    endpoints: Iterable[tuple[str, EndpointReport]],
    read: Callable[[EndpointReport], float],
) -> Family:
    samples: Samples = {(cluster, one.address): float(read(one)) for cluster, one in endpoints}
    return Family(name, "gauge", about, _BY_ENDPOINT, samples)


def _cluster_gauge(
    name: str,
    about: str,
    clusters: Iterable[ClusterReport],
    read: Callable[[ClusterReport], float],
) -> Family:
    samples: Samples = {(one.name,): float(read(one)) for one in clusters}
    return Family(name, "gauge", about, ("cluster",), samples)


def _total(
    name: str,
    about: str,
    clusters: Iterable[ClusterReport],
    read: Callable[[ClusterReport], float],
) -> Family:
    samples: Samples = {(one.name,): float(read(one)) for one in clusters}
    return Family(name, "counter", about, ("cluster",), samples)


def _counts(
    name: str,
    about: str,
    label: str,
    clusters: Iterable[ClusterReport],
    read: Callable[[ClusterReport], Mapping[str, int]],
) -> Family:
    samples: Samples = {
        (one.name, word): float(count) for one in clusters for word, count in read(one).items()
    }
    return Family(name, "counter", about, ("cluster", label), samples)


def _outcomes(endpoints: Iterable[tuple[str, EndpointReport]]) -> Samples:
    samples: Samples = {}
    for cluster, one in endpoints:
        if one.answers or one.failures:
            samples[cluster, one.address, "answered"] = float(one.answers)
            samples[cluster, one.address, "failed"] = float(one.failures)
    return samples
