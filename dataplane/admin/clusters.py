"""What workers say of their clusters, as one answer for the machine (pure).

The rule: counts are sums over workers, and what workers may differ in (who is well, who is left
out) is told as how many of them say so.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from dataplane.observe.endpoints import ClusterReport, EndpointReport

_REPORTS = msgspec.json.Decoder(list[ClusterReport])


class EndpointStatus(msgspec.Struct, frozen=True):
    """One endpoint, as the workers together know it."""

    address: str
    hostname: str
    weight: int
    priority: int
    zone: str
    workers: int
    """Who know it."""
    healthy: int
    """Workers whose health checks find it well; those that do not ask say nothing."""
    unhealthy: int
    ejected: int
    """Workers that leave it out for failing."""
    ejected_for_s: float
    """The longest of them."""
    picking: int
    """Workers that may pick it now."""
    active: int
    """Requests under way."""
    answers: int
    failures: int
    success_rate: float | None
    """Of all since the start; null before the first."""
    first_token_s: float
    """Peak EWMA, the mean of the workers that have measured it; 0: none has."""
    token_s: float


class ClusterStatus(msgspec.Struct, frozen=True):
    """One cluster, as the workers together know it."""

    name: str
    policy: str
    workers: int
    panicking: int
    """Workers that ignore health, because too few endpoints are well."""
    breakers_open: int
    """Workers that send requests to other candidates, because all of it fails."""
    connections: int
    endpoints: list[EndpointStatus]
    ejections: dict[str, int]
    overflows: dict[str, int]
    checks: dict[str, int]
    prefixes: dict[str, int]


def encode_reports(reports: Iterable[ClusterReport]) -> bytes:
    """For the way from a worker to its parent."""
    return msgspec.json.encode(list(reports))


def decode_reports(data: bytes) -> list[ClusterReport]:
    """The other end. Raises msgspec.MsgspecError."""
    return _REPORTS.decode(data)


def merged(of_workers: Iterable[Iterable[ClusterReport]]) -> list[ClusterStatus]:
    """One status for each cluster, by name."""
    named: dict[str, list[ClusterReport]] = {}
    for reports in of_workers:
        for one in reports:
            named.setdefault(one.name, []).append(one)
    return [_cluster(reports) for _, reports in sorted(named.items())]


def as_text(clusters: Iterable[ClusterStatus]) -> Iterator[str]:
    """Envoy's form, for grep: `cluster::address::what::value`."""
    for cluster in clusters:
        for what in ("policy", "workers", "panicking", "breakers_open", "connections"):
            yield f"{cluster.name}::{what}::{getattr(cluster, what)}"
        for what in ("ejections", "overflows", "checks", "prefixes"):
            counts: Mapping[str, int] = getattr(cluster, what)
            for word, number in sorted(counts.items()):
                yield f"{cluster.name}::{what}.{word}::{number}"
        for one in cluster.endpoints:
            for what in EndpointStatus.__struct_fields__[1:]:
                value = getattr(one, what)
                yield f"{cluster.name}::{one.address}::{what}::{'' if value is None else value}"


def _cluster(reports: list[ClusterReport]) -> ClusterStatus:
    """Workers may be on different configurations for a moment: an endpoint is there when one of
    them has it.
    """
    endpoints: dict[str, list[EndpointReport]] = {}
    for report in reports:
        for one in report.endpoints:
            endpoints.setdefault(one.address, []).append(one)
    return ClusterStatus(
        name=reports[0].name,
        policy=reports[0].policy,
        workers=len(reports),
        panicking=sum(report.panics for report in reports),
        breakers_open=sum(report.breaker_open for report in reports),
        connections=sum(report.connections for report in reports),
        endpoints=[_endpoint(of_one) for of_one in endpoints.values()],
        ejections=_sums(reports, lambda report: report.ejections),
        overflows=_sums(reports, lambda report: report.overflows),
        checks=_sums(reports, lambda report: report.checks),
        prefixes=_sums(reports, lambda report: report.prefixes),
    )


def _endpoint(reports: list[EndpointReport]) -> EndpointStatus:
    first = reports[0]
    answers = sum(one.answers for one in reports)
    failures = sum(one.failures for one in reports)
    return EndpointStatus(
        address=first.address,
        hostname=first.hostname,
        weight=first.weight,
        priority=first.priority,
        zone=first.zone,
        workers=len(reports),
        healthy=sum(one.healthy is True for one in reports),
        unhealthy=sum(one.healthy is False for one in reports),
        ejected=sum(one.ejected_for_s > 0.0 for one in reports),
        ejected_for_s=max(one.ejected_for_s for one in reports),
        picking=sum(one.picked for one in reports),
        active=sum(one.active for one in reports),
        answers=answers,
        failures=failures,
        success_rate=answers / (answers + failures) if answers + failures else None,
        first_token_s=_mean([one.first_token_s for one in reports if one.first_token_s]),
        token_s=_mean([one.token_s for one in reports if one.token_s]),
    )


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _sums(
    reports: Iterable[ClusterReport], counts: Callable[[ClusterReport], Mapping[str, int]]
) -> dict[str, int]:
    total: dict[str, int] = {}
    for report in reports:
        for word, number in counts(report).items():
            total[word] = total.get(word, 0) + number
    return total
