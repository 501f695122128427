from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.mcp.events import MAX_EVENT_BYTES, EventDecoder, EventError, message_event

STREAM = (
    b"id: s/0\nretry: 500\ndata: \n\n"
    b": ping\n\n"
    b'event: message\r\nid: s/1\r\ndata: {"a":\r\ndata: 1}\r\n\r\n'
    b"data:{}\n\n"
)


def test_ids_and_waits_are_kept() -> None:
    first, comment, second, last = EventDecoder().feed(STREAM)
    assert (first.id, first.is_message, first.encoded()) == (
        b"s/0",
        False,
        b"id: s/0\nretry: 500\ndata: \n\n",
    )
    assert comment.encoded() == b": ping\n\n"
    assert (second.id, second.data) == (b"s/1", b'{"a":\n1}')
    assert (last.id, last.data) == (None, b"{}")


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_cuts_never_change_the_events(cuts: list[int]) -> None:
    decoder = EventDecoder()
    at = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[a:b] for a, b in pairwise(at)]
    assert [e for piece in pieces for e in decoder.feed(piece)] == EventDecoder().feed(STREAM)


def test_changes_leave_the_other_lines() -> None:
    _, _, event, _ = EventDecoder().feed(STREAM)
    assert event.with_data(b"{}").with_id(b"a:s/1").encoded() == (
        b"id: a:s/1\nevent: message\ndata: {}\n\n"
    )
    assert message_event(b"{}").encoded() == b"event: message\ndata: {}\n\n"


def test_event_without_end_is_bounded() -> None:
    decoder = EventDecoder()
    with pytest.raises(EventError, match="larger than"):
        decoder.feed(b"data: " + b"x" * MAX_EVENT_BYTES)
