"""Which tasks ListTasks tells, and in which order."""

from typing import Any

import pytest

from dataplane.agents.a2a.listing import (
    BadListingError,
    Line,
    Listing,
    line_of,
    listed,
    page_of,
    read_listing,
    told_page,
)

DONE, WORKS = "TASK_STATE_COMPLETED", "TASK_STATE_WORKING"
LINES = [Line("a", "x", DONE, 1), Line("b", "x", WORKS, 3), Line("c", "y", DONE, 3)]


def ids(**wanted: Any) -> tuple[str, ...]:
    return page_of(LINES, Listing(**wanted)).ids


def test_newest_first_and_where_equal_always_in_the_same_order() -> None:
    assert ids() == ("c", "b", "a")
    assert page_of(reversed(LINES), Listing()).ids == ("c", "b", "a")


def test_tasks_of_a_context_in_a_state_since_a_time() -> None:
    assert ids(context_id="x") == ("b", "a")
    assert ids(state=DONE) == ("c", "a")
    assert ids(since_us=3) == ("c", "b")
    assert page_of(LINES, Listing(state=DONE, size=1)).total == 2


def test_pages_go_on_where_the_one_before_ended_whatever_has_changed() -> None:
    first = page_of(LINES, Listing(size=2))
    assert (first.ids, first.total) == (("c", "b"), 3)
    after = read_listing({"pageToken": first.next_token, "pageSize": 2})
    changed = [line for line in LINES if line.id != "b"] + [Line("d", "x", DONE, 4)]
    last = page_of(changed, after)
    assert (last.ids, last.next_token) == (("a",), "")


def test_line_says_what_a_task_is_looked_for_by() -> None:
    status = {"state": DONE, "timestamp": "1970-01-01T01:00:00.000002+01:00"}
    task = {"id": "t", "contextId": "c", "status": status}
    assert line_of(task) == Line("t", "c", DONE, 2)
    odd = {"id": "t", "status": {"timestamp": "yesterday"}}
    assert line_of(odd) == Line("t", "", "", 0)


def test_artifacts_are_told_on_request_only() -> None:
    task = {"id": "t", "artifacts": [{"artifactId": "a"}]}
    assert listed(task, Listing()) == {"id": "t"}
    assert listed(task, Listing(artifacts=True)) == task


def test_last_page_says_that_it_is() -> None:
    made = told_page(page_of([], Listing()), [], Listing())
    assert made == {"tasks": [], "nextPageToken": "", "pageSize": 50, "totalSize": 0}


def test_what_is_asked_for_is_read() -> None:
    params = {
        "contextId": "c",
        "status": WORKS,
        "pageSize": 7,
        "statusTimestampAfter": "1970-01-01T00:00:01Z",
        "includeArtifacts": "true",
    }
    assert read_listing(params) == Listing("c", WORKS, 1_000_000, 7, artifacts=True)
    assert read_listing({"status": "TASK_STATE_UNSPECIFIED"}) == Listing()


BAD: list[tuple[dict[str, Any], str]] = [
    ({"pageSize": 0}, "pageSize"),
    ({"pageSize": 101}, "pageSize"),
    ({"pageSize": True}, "pageSize"),
    ({"pageSize": "many"}, "pageSize"),
    ({"status": "working"}, "status"),
    ({"statusTimestampAfter": "yesterday"}, "statusTimestampAfter"),
    ({"statusTimestampAfter": 7}, "statusTimestampAfter"),
    ({"pageToken": "2"}, "pageToken"),
    ({"pageToken": "é"}, "pageToken"),
    ({"pageToken": "WzEsMl0"}, "pageToken"),
]


@pytest.mark.parametrize(("params", "names"), BAD)
def test_what_cannot_be_asked_for_is_named(params: dict[str, Any], names: str) -> None:
    with pytest.raises(BadListingError, match=f"`{names}`"):
        read_listing(params)
