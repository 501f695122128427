import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.resilience.malformed import malformed, without_malformed
from dataplane.resilience.usual import looks_usual

GOOD = b'data: {"choices":[{"delta":{"content":"a\\n\\ndata: b"}}]}\n\n'
NAMED = b'event: ping\ndata: {"type": "ping"}\n\n'
BAD = b"data: {this is not json}\n\n"
CUT = b'data: {"choices":[{"del\n\n'
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        GOOD,
        GOOD * 3,
        GOOD + DONE,
        DONE,
        NAMED * 2,
        NAMED + GOOD,
        b": comment\n\n",
        b": comment\n\n" + GOOD,
        b"event: ping\n\n",
        b"retry: 3\ndata: {}\n\n",
        b'data: {"a":\ndata: 1}\n\n',
        GOOD.replace(b"\n", b"\r\n"),
        GOOD + b'data: {"choi',
        b'ces":[]}\n\n' + GOOD,
        b"no end yet",
    ],
)
def test_what_is_json_passes_untouched(body: bytes) -> None:
    assert not malformed(body)
    assert without_malformed(body) == (body, 0)


@pytest.mark.parametrize("bad", [BAD, CUT, BAD.replace(b"\n", b"\r\n"), b"data:oops\n\n"])
@pytest.mark.parametrize("before", [b"", GOOD, NAMED, b": hello\n\n", b'rest"}\n\n'])
@pytest.mark.parametrize("after", [b"", GOOD, DONE, b'data: {"choi'])
def test_what_is_not_json_is_left_out_alone(before: bytes, bad: bytes, after: bytes) -> None:
    assert malformed(before + bad + after)
    assert without_malformed(before + bad + after) == (before + after, 1)
    assert without_malformed(before + bad + after, b": x\n\n") == (before + b": x\n\n" + after, 1)


@pytest.mark.parametrize("body", [GOOD, GOOD * 3, NAMED * 2, NAMED + GOOD, GOOD + DONE])
def test_the_usual_read_is_known_at_a_glance(body: bytes) -> None:
    assert looks_usual(body)


@pytest.mark.parametrize("body", [BAD, CUT, GOOD + CUT + GOOD, GOOD[:-1], b": hello\n\n", b""])
def test_what_is_cut_or_no_object_is_looked_at_again(body: bytes) -> None:
    assert not looks_usual(body)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v), max_leaves=5
)


@given(st.lists(VALUES), st.booleans())
def test_no_json_is_ever_called_bad(values: list[object], named: bool) -> None:
    name = "event: x\n" if named else ""
    body = "".join(f"{name}data: {json.dumps(value)}\n\n" for value in values).encode()
    assert not malformed(body)


EVENTS = st.lists(st.sampled_from([GOOD, NAMED, BAD, CUT, DONE, b": hello\n\n", b"\n", b"}"]))


@given(EVENTS)
def test_nothing_that_was_cut_looks_usual(events: list[bytes]) -> None:
    body = b"".join(events)
    if looks_usual(body):
        assert CUT not in events
        assert not malformed(body) or BAD in events  # an object by its ends: only decoding tells
