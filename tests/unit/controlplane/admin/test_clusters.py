"""What workers say of one cluster becomes one status."""

from outriderpb.fleet.v1 import reports_pb2

from controlplane.admin.clusters import by_worker, merged


def endpoint(address: str, **said: object) -> reports_pb2.EndpointReport:
    return reports_pb2.EndpointReport(address=address, weight=1, **said)  # type: ignore[arg-type]


def report(name: str, *endpoints: reports_pb2.EndpointReport, **said: object) -> reports_pb2.Report:
    one = reports_pb2.ClusterReport(
        name=name,
        policy="least_request",
        endpoints=endpoints,
        **said,  # type: ignore[arg-type] # by name
    )
    return reports_pb2.Report(clusters=[one])


def test_counts_are_sums_over_workers() -> None:
    (status,) = merged(
        {
            "n/0": report(
                "a",
                endpoint("h:1", active=2, answers=10, failures=1),
                connections=3,
                overflows={"max_requests": 4},
            ),
            "n/1": report(
                "a",
                endpoint("h:1", active=1, answers=5),
                connections=1,
                overflows={"max_requests": 1, "max_retries": 2},
            ),
        }
    )
    (one,) = status.endpoints
    assert (one.workers, one.active, one.answers, one.failures) == (2, 3, 15, 1)
    assert (status.workers, status.connections) == (2, 4)
    assert dict(status.overflows) == {"max_requests": 5, "max_retries": 2}


def test_what_workers_differ_in_is_told_by_how_many() -> None:
    (status,) = merged(
        {
            "n/0": report("a", endpoint("h:1", healthy=True, picked=True), panics=True),
            "n/1": report("a", endpoint("h:1", healthy=False, ejected_for_ms=700)),
            "n/2": report("a", endpoint("h:1", ejected_for_ms=900)),
        }
    )
    (one,) = status.endpoints
    assert (one.workers, one.healthy, one.unhealthy, one.ejected, one.picking) == (3, 1, 1, 2, 1)
    assert one.ejected_for_ms == 900
    assert status.panicking == 1


def test_an_endpoint_that_one_worker_has_already_is_there() -> None:
    (status,) = merged(
        {"n/0": report("a", endpoint("h:1")), "n/1": report("a", endpoint("h:1"), endpoint("h:2"))}
    )
    assert [(one.address, one.workers) for one in status.endpoints] == [("h:1", 2), ("h:2", 1)]


def test_times_are_means_of_those_who_have_measured() -> None:
    (status,) = merged(
        {
            "n/0": report("a", endpoint("h:1", first_token_s=0.2)),
            "n/1": report("a", endpoint("h:1", first_token_s=0.4)),
            "n/2": report("a", endpoint("h:1")),
        }
    )
    assert round(status.endpoints[0].first_token_s, 6) == 0.3


def test_levels_come_in_order_and_clusters_by_name() -> None:
    answers = {
        "n/0": report("b", endpoint("h:2", priority=1), endpoint("h:1")),
        "n/1": report("a", endpoint("h:3")),
    }
    assert [status.name for status in merged(answers)] == ["a", "b"]
    assert [one.address for one in merged(answers)[1].endpoints] == ["h:1", "h:2"]


def test_each_worker_can_be_told_by_itself() -> None:
    answers = {"n/1": report("a", endpoint("h:1")), "n/0": report("a", endpoint("h:1"))}
    assert [(status.name, status.worker) for status in by_worker(answers)] == [
        ("a", "n/0"),
        ("a", "n/1"),
    ]
