"""What services may make of an answer's status and headers."""

import json
from typing import Any

import pytest

from dataplane.filters.answer_head import (
    HEADERS,
    MAX_TOLD_BYTES,
    STATUS,
    Changes,
    changes_in_headers,
    changes_of,
    told_in_headers,
)
from dataplane.filters.api import Head

GOOD = Head(200, (("Content-Type", "application/json"), ("x-a", "1"), ("X-A", "2")))


def test_head_is_told_in_two_headers() -> None:
    status, headers = told_in_headers(GOOD)
    assert status == (STATUS, "200")
    assert headers[0] == HEADERS
    assert json.loads(headers[1]) == {"content-type": "application/json", "x-a": "1, 2"}
    assert told_in_headers(Head(200, (("x", "é\r\n"),)))[1][1].isascii()


def test_what_is_too_much_of_a_head_is_not_told() -> None:
    head = Head(200, (("x-short", "s"), ("x-long", "l" * MAX_TOLD_BYTES)))
    assert json.loads(told_in_headers(head)[1][1]) == {"x-short": "s"}


def test_headers_are_set_and_taken_away() -> None:
    changes = changes_of(GOOD, 201, {"X-A": "3", "x-b": "new", "x-none": None})
    assert isinstance(changes, Changes)
    assert changes.applied(GOOD) == Head(
        201, (("Content-Type", "application/json"), ("x-a", "3"), ("x-b", "new"))
    )


def test_nothing_said_is_nothing_changed() -> None:
    changes = changes_in_headers(GOOD, {"content-type": "text/plain"})
    assert isinstance(changes, Changes)
    assert changes.applied(GOOD) == GOOD


@pytest.mark.parametrize(
    ("came", "wanted", "may"),
    [
        (200, 299, True),
        (200, 400, False),
        (200, 204, False),
        (204, 204, True),
        (204, 200, False),
        (503, 429, True),
        (503, 200, False),
        (404, 600, False),
        (302, 200, False),
    ],
)
def test_success_stays_success_and_error_stays_error(came: int, wanted: int, may: bool) -> None:
    assert isinstance(changes_of(Head(came), wanted, None), Changes) is may
    assert isinstance(changes_in_headers(Head(came), {STATUS: str(wanted)}), Changes) is may


@pytest.mark.parametrize(
    ("status", "headers", "why"),
    [
        (True, None, "the status 'True'"),
        ("201", None, "the status '201'"),
        (None, [], "no object"),
        (None, {"content-length": "1"}, "would change the header 'content-length'"),
        (None, {"Content-Type": "x/y"}, "would change the header 'Content-Type'"),
        (None, {"transfer-encoding": None}, "would change the header"),
        (None, {"x-outrider-detail": "x"}, "would change the header"),
        (None, {"a b": "x"}, "would change the header 'a b'"),
        (None, {"x": "a\r\nb: c"}, "a value for the header 'x'"),
        (None, {"x": 1}, "a value for the header 'x'"),
    ],
)
def test_what_may_not_be_changed_is_said(status: Any, headers: Any, why: str) -> None:
    found = changes_of(GOOD, status, headers)
    assert isinstance(found, str)
    assert why in found


def test_nonsense_in_headers_is_said() -> None:
    assert changes_in_headers(GOOD, {HEADERS: "{"}) == f"gave {HEADERS} that are no JSON"
    assert isinstance(changes_in_headers(GOOD, {STATUS: "many"}), str)
