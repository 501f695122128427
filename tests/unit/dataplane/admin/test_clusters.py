"""What workers say of one cluster becomes one status."""

from dataclasses import replace

from dataplane.admin.clusters import as_text, decode_reports, encode_reports, merged
from dataplane.observe.endpoints import ClusterReport, EndpointReport

ENDPOINT = EndpointReport(
    address="h:1",
    weight=1,
    share=1.0,
    priority=0,
    zone="",
    active=1,
    healthy=None,
    ejected_for_s=0.0,
    picked=True,
    answers=0,
    failures=0,
    first_token_s=0.0,
    token_s=0.0,
)
CLUSTER = ClusterReport("a", "least_request", False, 1, (ENDPOINT,))


def test_a_report_survives_the_way_to_the_parent() -> None:
    told = [replace(CLUSTER, ejections={"consecutive_5xx": 2}, checks={"passed": 3})]
    assert decode_reports(encode_reports(told)) == told


def test_what_workers_differ_in_is_told_by_how_many() -> None:
    ill = replace(ENDPOINT, healthy=False, picked=False)
    out = replace(ENDPOINT, healthy=True, ejected_for_s=3.5)
    of_workers = [[replace(CLUSTER, endpoints=(one,))] for one in (ENDPOINT, ill, out)]
    (status,) = merged([*of_workers, [replace(CLUSTER, panics=True, breaker_open=True)]])
    (one,) = status.endpoints
    assert (one.workers, one.healthy, one.unhealthy, one.ejected, one.picking) == (4, 1, 1, 1, 3)
    assert (one.ejected_for_s, one.active) == (3.5, 4)
    assert (status.panicking, status.breakers_open, status.connections) == (1, 1, 4)


def test_success_rate_is_that_of_all_workers_and_null_before_the_first_answer() -> None:
    (status,) = merged([[CLUSTER]])
    assert status.endpoints[0].success_rate is None
    good, bad = replace(ENDPOINT, answers=3), replace(ENDPOINT, failures=1)
    (status,) = merged([[replace(CLUSTER, endpoints=(one,))] for one in (good, bad)])
    assert status.endpoints[0].success_rate == 0.75


def test_counts_by_cause_are_added_up() -> None:
    one = replace(CLUSTER, overflows={"max_requests": 1}, prefixes={"hit": 2})
    other = replace(CLUSTER, overflows={"max_requests": 2, "max_retries": 1})
    (status,) = merged([[one], [other]])
    assert status.overflows == {"max_requests": 3, "max_retries": 1}
    assert status.prefixes == {"hit": 2}


def test_text_has_a_line_for_each_fact() -> None:
    lines = list(as_text(merged([[replace(CLUSTER, checks={"failed": 2})]])))
    assert lines[0] == "a::policy::least_request"
    assert "a::checks.failed::2" in lines
    assert "a::h:1::active::1" in lines
    assert "a::h:1::success_rate::" in lines
