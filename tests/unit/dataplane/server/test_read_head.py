"""Heads of answers for filters: the same whether one header is asked for, or all are."""

import pytest

from dataplane.filters.api import Head
from dataplane.server.answers import WrittenHead

WRITTEN = (
    b"HTTP/1.1 201 Created\r\nContent-Type:  application/json \r\nx-two: a\r\nX-Two: b\r\n"
    b"Content-Length: 2\r\nx-request-id: r1\r\nDate: now\r\nx-n\xc3\xa4me: \xff\r\n\r\n{}"
)


def head() -> Head:
    return WrittenHead(WRITTEN).head


def test_status_and_headers_are_read_without_those_that_are_ours() -> None:
    assert head().status == 201
    assert head().headers == (
        ("Content-Type", "application/json"),
        ("x-two", "a"),
        ("X-Two", "b"),
        ("x-n\u00e4me", "\udcff"),
    )


@pytest.mark.parametrize(
    "name", ["content-type", "x-two", "content-length", "x-request-id", "date", "two", "x-none"]
)
def test_one_header_is_found_as_among_all(name: str) -> None:
    all_of_it = Head(201, head().headers)
    assert head().header(name) == all_of_it.header(name)


def test_what_is_made_of_it_is_an_ordinary_head() -> None:
    assert head().with_header("x-two", "c").headers[-1] == ("x-two", "c")


def test_nothing_else_is_made_up() -> None:
    with pytest.raises(AttributeError):
        _ = head().reason  # type: ignore[attr-defined]


def test_written_head_knows_its_size_and_what_follows() -> None:
    written = WrittenHead(WRITTEN)
    assert (written.size, written.body) == (2, b"{}")
    assert b"content-length" not in written.lines.lower()
    assert b"x-request-id: r1\r\n" in written.lines
