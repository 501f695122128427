"""The usual form of a stream is a regular expression, whoever looks for it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.resilience.usual import looks_usual

FORM = re.compile(rb'(?:(?:event: [^\n]*\n)?data: \{"[^\n]*\}\n\n)+(?:data: \[DONE\]\n\n)?')
EVENT = b'data: {"a":"}"}\n\n'
NAMED = b'event: x\ndata: {"a":1}\n\n'
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize("body", [EVENT, NAMED, EVENT * 60 + DONE, NAMED + EVENT, b'data: {"}\n\n'])
def test_events_of_one_line_each_are_usual(body: bytes) -> None:
    assert looks_usual(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        DONE,
        EVENT + DONE + EVENT,
        EVENT + b"event: x\n" + DONE,
        EVENT + b"event: x\n",
        b"event: x",
        EVENT.replace(b"\n", b"\r\n"),
        EVENT[:-1] + EVENT,
        EVENT + b'data: {"a\n\n' + EVENT,
        b'data: {"\n\n',
        b'data: {"a":\n1}\n\n',
        EVENT + b"\n",
        b"data: {}\n\n",
    ],
)
def test_anything_else_is_not(body: bytes) -> None:
    assert not looks_usual(body)


PARTS = [EVENT, NAMED, DONE, b'data: {"', b"}\n\n", b"}", b"\n", b"\r", b"event: ", b"data: ", b"x"]


@given(st.lists(st.sampled_from(PARTS), max_size=12).map(b"".join))
def test_it_is_that_expression(body: bytes) -> None:
    assert looks_usual(body) is (FORM.fullmatch(body) is not None)


@given(st.lists(st.sampled_from((EVENT, NAMED))), st.integers(0, 60), st.binary(max_size=3))
def test_so_is_a_stream_with_something_amiss(events: list[bytes], at: int, by: bytes) -> None:
    body = b"".join(events)
    body = body[:at] + by + body[at + 1 :]
    assert looks_usual(body) is (FORM.fullmatch(body) is not None)
