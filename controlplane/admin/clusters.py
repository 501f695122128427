"""What the workers say of their clusters, put together (pure).

The rule: counts are sums over workers, and what workers may differ in (who is well, who is left
out) is told as how many of them say so.
"""

from collections.abc import Iterable, Mapping

from outriderpb.admin.v1 import fleet_pb2
from outriderpb.fleet.v1 import reports_pb2


def by_worker(answers: Mapping[str, reports_pb2.Report]) -> list[fleet_pb2.ClusterStatus]:
    """One status for each worker and cluster, by name and then by worker."""
    made = []
    for worker, answer in answers.items():
        for one in answer.clusters:
            status = together([one])
            status.worker = worker
            made.append(status)
    return sorted(made, key=lambda status: (status.name, status.worker))


def merged(answers: Mapping[str, reports_pb2.Report]) -> list[fleet_pb2.ClusterStatus]:
    """One status for each cluster, by name."""
    named: dict[str, list[reports_pb2.ClusterReport]] = {}
    for _, answer in sorted(answers.items()):
        for one in answer.clusters:
            named.setdefault(one.name, []).append(one)
    return [together(reports) for _, reports in sorted(named.items())]


def together(reports: list[reports_pb2.ClusterReport]) -> fleet_pb2.ClusterStatus:
    """The reports of one cluster as one status.

    Workers may be on different configurations for a moment, so an endpoint is there when one of
    them has it.
    """
    endpoints: dict[str, list[reports_pb2.EndpointReport]] = {}
    for report in reports:
        for one in report.endpoints:
            endpoints.setdefault(one.address, []).append(one)
    status = fleet_pb2.ClusterStatus(
        name=reports[0].name,
        policy=reports[0].policy,
        workers=len(reports),
        panicking=sum(report.panics for report in reports),
        breakers_open=sum(report.breaker_open for report in reports),
        connections=sum(report.connections for report in reports),
        endpoints=[_endpoint(of_one) for of_one in endpoints.values()],
        ejections=_sums(report.ejections for report in reports),
        overflows=_sums(report.overflows for report in reports),
    )
    status.endpoints.sort(key=lambda one: one.priority)
    return status


def _endpoint(reports: list[reports_pb2.EndpointReport]) -> fleet_pb2.EndpointStatus:
    first = reports[0]
    said = [one.healthy for one in reports if one.HasField("healthy")]
    return fleet_pb2.EndpointStatus(
        address=first.address,
        hostname=first.hostname,
        weight=first.weight,
        priority=first.priority,
        zone=first.zone,
        workers=len(reports),
        healthy=sum(said),
        unhealthy=len(said) - sum(said),
        ejected=sum(one.ejected_for_ms > 0 for one in reports),
        picking=sum(one.picked for one in reports),
        ejected_for_ms=max(one.ejected_for_ms for one in reports),
        active=sum(one.active for one in reports),
        answers=sum(one.answers for one in reports),
        failures=sum(one.failures for one in reports),
        first_token_s=_mean([one.first_token_s for one in reports if one.first_token_s]),
        token_s=_mean([one.token_s for one in reports if one.token_s]),
    )


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _sums(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for of_one in counts:
        for word, number in of_one.items():
            total[word] = total.get(word, 0) + number
    return total
