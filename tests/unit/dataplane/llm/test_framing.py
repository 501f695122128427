"""Cutting answers where their events end, whatever their bytes came in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.llm.aws_events import encode, head
from dataplane.llm.framing import (
    Framing,
    FramingError,
    cutter_of,
    joined,
    payload_of,
    rewrapped,
)

FRAME = encode(head("event", "contentBlockDelta"), b'{"delta":{"text":"a"}}')
STREAMS = {
    Framing.SSE: [
        b'data: {"a":1}\n\n',
        b"event: x\ndata: {}\n\n",
        b": ping\n\n",
        b"data: a\r\ndata: b\r\n\r\n",
        b"data: [DONE]\n\n",
    ],
    Framing.FRAMES: [FRAME, encode(head("event", "messageStop"), b"{}"), FRAME],
    Framing.ELEMENTS: [b'{"a":"}]\\"{"}', b'{"b":{"c":[{}]}}', b"{}"],
}


@pytest.mark.parametrize("framing", STREAMS, ids=lambda framing: framing.value)
@given(cuts=st.lists(st.integers(0, 400), max_size=6))
def test_how_bytes_were_cut_never_changes_the_pieces(framing: Framing, cuts: list[int]) -> None:
    pieces = STREAMS[framing]
    data = joined(pieces, framing, begun=False) + (b"]" if framing is Framing.ELEMENTS else b"")
    cutter = cutter_of(framing, 0)
    found: list[bytes] = []
    at = 0
    for cut in sorted(min(cut, len(data)) for cut in (*cuts, len(data))):
        found += cutter.feed(data[at:cut])
        at = cut
    assert found == pieces
    assert cutter.rest() == b""


@pytest.mark.parametrize(
    ("framing", "piece", "payload"),
    [
        (Framing.SSE, b'data: {"a":1}\n\n', b'{"a":1}'),
        (Framing.SSE, b"event: x\ndata:{}\n\n", b"{}"),
        (Framing.SSE, b"data: a\r\ndata: b\r\n\r\n", b"a\nb"),
        (Framing.SSE, b": ping\n\n", b""),
        (Framing.FRAMES, FRAME, b'{"delta":{"text":"a"}}'),
        (Framing.ELEMENTS, b"{}", b"{}"),
        (Framing.WHOLE, b"{}", b"{}"),
    ],
)
def test_payload_of_a_piece(framing: Framing, piece: bytes, payload: bytes) -> None:
    assert payload_of(piece, framing) == payload


@pytest.mark.parametrize(
    ("framing", "piece", "again"),
    [
        (Framing.SSE, b"data: 1\n\n", b"data: 2\n\n"),
        (Framing.SSE, b"id: 7\nevent: x\ndata:1\n\n", b"id: 7\nevent: x\ndata: 2\n\n"),
        (Framing.SSE, b"data: 1\r\ndata: 1\r\n\r\n", b"data: 2\r\n\r\n"),
        (Framing.FRAMES, FRAME, encode(head("event", "contentBlockDelta"), b"2")),
        (Framing.WHOLE, b"1", b"2"),
    ],
)
def test_a_piece_with_another_payload_keeps_the_rest(
    framing: Framing, piece: bytes, again: bytes
) -> None:
    assert rewrapped(piece, b"2", framing) == again


def test_elements_are_put_together_as_an_array() -> None:
    begun = joined([b"{}", b"{}"], Framing.ELEMENTS, begun=False)
    assert begun + joined([b"{}"], Framing.ELEMENTS, begun=True) == b"[{},\r\n{},\r\n{}"


def test_a_whole_answer_is_one_piece() -> None:
    cutter = cutter_of(Framing.WHOLE, 10)
    assert cutter.feed(b'{"a"') + cutter.feed(b":1}") == []
    assert cutter.rest() == b'{"a":1}'


@pytest.mark.parametrize(
    ("framing", "data"),
    [
        (Framing.SSE, b"data: " + b"x" * (1 << 20)),
        (Framing.FRAMES, b"\xff\xff\xff\xff"),
        (Framing.FRAMES, b"\0\0\0\1"),
        (Framing.WHOLE, b"x" * 11),
    ],
)
def test_what_is_no_such_stream_or_too_large_is_told(framing: Framing, data: bytes) -> None:
    with pytest.raises(FramingError):
        cutter_of(framing, 10).feed(data)
