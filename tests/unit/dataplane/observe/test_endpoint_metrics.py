"""Metrics of clusters: bounded, and right when workers are added up."""

from dataclasses import replace

from dataplane.admin.merge import merge
from dataplane.observe.endpoint_metrics import MAX_ENDPOINTS, families
from dataplane.observe.endpoints import ClusterReport, EndpointReport
from dataplane.observe.metrics import Family

ENDPOINT = EndpointReport("h:1", 1, 1.0, 0, "", 2, None, 0.0, True, 0, 0, 0.0, 0.0)
CLUSTER = ClusterReport("a", "least_request", False, 3, (ENDPOINT,))


def samples(name: str, *reports: ClusterReport) -> object:
    return named(families(reports), name).samples


def named(found: list[Family], name: str) -> Family:
    (family,) = (one for one in found if one.name == name)
    return family


def test_an_endpoint_that_nobody_checks_has_no_health() -> None:
    assert samples("outrider_endpoint_healthy", CLUSTER) == {}
    ill = replace(CLUSTER, endpoints=(replace(ENDPOINT, healthy=False),))
    assert samples("outrider_endpoint_healthy", ill) == {("a", "h:1"): 0.0}


def test_workers_are_counted_when_they_are_added_up() -> None:
    out = replace(CLUSTER, endpoints=(replace(ENDPOINT, ejected_for_s=2.0),))
    both = merge([families([out]), families([CLUSTER]), families([out])])
    assert named(both, "outrider_endpoint_ejected").samples == {("a", "h:1"): 2.0}
    assert named(both, "outrider_cluster_requests_active").samples == {("a",): 6.0}
    assert named(both, "outrider_cluster_connections").samples == {("a",): 9.0}


def test_outcomes_are_told_once_there_are_some() -> None:
    assert samples("outrider_endpoint_answers_total", CLUSTER) == {}
    used = replace(CLUSTER, endpoints=(replace(ENDPOINT, answers=4, failures=1),))
    assert samples("outrider_endpoint_answers_total", used) == {
        ("a", "h:1", "answered"): 4.0,
        ("a", "h:1", "failed"): 1.0,
    }


def test_series_of_endpoints_are_bounded_and_the_others_counted() -> None:
    many = tuple(replace(ENDPOINT, address=f"h:{n}") for n in range(MAX_ENDPOINTS + 5))
    large = replace(CLUSTER, endpoints=many)
    found = families([large])
    assert len(named(found, "outrider_endpoint_requests_active").samples) == MAX_ENDPOINTS
    assert named(found, "outrider_endpoints_without_series").samples == {(): 5.0}
    # What is told of the whole cluster leaves nobody out.
    assert named(found, "outrider_cluster_requests_active").samples == {
        ("a",): 2.0 * (MAX_ENDPOINTS + 5)
    }


def test_causes_are_labels() -> None:
    busy = replace(CLUSTER, ejections={"success_rate": 1}, overflows={"max_requests": 7})
    assert samples("outrider_cluster_ejections_total", busy) == {("a", "success_rate"): 1.0}
    assert samples("outrider_cluster_overflows_total", busy) == {("a", "max_requests"): 7.0}


def test_names_that_cannot_be_looked_up_are_told() -> None:
    found = families([], {"gpu.internal": 3})
    assert named(found, "outrider_dns_failures").samples == {("gpu.internal",): 3.0}


def test_ejections_that_were_refused_are_no_secret() -> None:
    last = replace(CLUSTER, kept={"last": 3, "percent": 0}, unejections=2, panicked=1)
    assert samples("outrider_cluster_ejections_refused_total", last) == {
        ("a", "last"): 3.0,
        ("a", "percent"): 0.0,
    }
    assert samples("outrider_cluster_unejections_total", last) == {("a",): 2.0}
    assert samples("outrider_cluster_panicked_total", last) == {("a",): 1.0}
