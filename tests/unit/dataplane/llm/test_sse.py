import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.llm.event import Event
from dataplane.llm.sse import SseDecoder, SseError, encode

STREAM = (
    b"\xef\xbb\xbf: hello\r\n\r\n"
    b"event: delta\rdata: one\rdata:two\rid: 7\r\r"
    b"data\n\n"
    b"data:  kept space\nretry: 10\nfuture: x\n\n"
    b"event: no data\n\n"
    b"data: \xc3\xa9\r\n\r\n"
    b"data: never ended\n"
)
EVENTS = [
    Event(b"one\ntwo", b"delta", b"7"),
    Event(b""),
    Event(b" kept space"),
    Event(b"\xc3\xa9"),
]


def decode(*chunks: bytes) -> list[Event]:
    decoder = SseDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def test_every_kind_of_line_end_is_one() -> None:
    assert decode(STREAM) == EVENTS


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_size_of_chunks_does_not_change_events(size: int) -> None:
    chunks = [STREAM[i : i + size] for i in range(0, len(STREAM), size)]
    assert decode(*chunks) == EVENTS


@given(
    st.lists(st.sampled_from([b"data", b":", b" ", b"x", b"\r", b"\n", b"\r\n", b"event", b"\0"])),
    st.data(),
)
def test_any_chunking_gives_the_same_events(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    edges = [0, *cuts, len(stream)]
    chunks = [stream[a:b] for a, b in itertools.pairwise(edges)]
    assert decode(*chunks) == decode(stream)


@given(
    st.lists(
        st.sampled_from(
            [
                b"data: a\n\n",
                b"event: n\ndata: b\n\n",
                b"event: n\n\n",
                b"data: a\ndata: b\n\n",
                b"id: 1\ndata: c\n\n",
                b": ping\n\n",
                b"data: x",
                b"\n",
                b"\n\n",
                b"\r\n",
            ]
        )
    ),
    st.data(),
)
def test_whole_events_at_once_are_what_they_are_byte_by_byte(
    parts: list[bytes], data: st.DataObject
) -> None:
    stream = b": the way of whole events begins after the first line\n\n" + b"".join(parts)
    cut = data.draw(st.integers(0, len(stream)))
    bit_by_bit = decode(*[stream[at : at + 1] for at in range(len(stream))])
    assert decode(stream[:55], stream[55:]) == bit_by_bit
    assert decode(stream[:cut], stream[cut:]) == bit_by_bit


def test_large_event_within_a_chunk_is_bounded() -> None:
    decoder = SseDecoder(max_event_bytes=10)
    decoder.feed(b"\n\n")
    with pytest.raises(SseError, match="event is larger than 10"):
        decoder.feed(b"data: 12345678901\n\n")


@given(
    st.builds(
        Event,
        data=st.binary().map(lambda b: b.replace(b"\r", b"")),
        name=st.sampled_from([b"", b"delta"]),
        id=st.sampled_from([None, b"", b"3"]),
    )
)
def test_encoded_event_decodes_to_itself(event: Event) -> None:
    assert decode(encode(event)) == [event]


def test_lf_after_cr_of_the_last_chunk_is_not_an_empty_line() -> None:
    assert decode(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n") == [Event(b"a\nb")]


def test_line_without_end_is_bounded() -> None:
    decoder = SseDecoder(max_event_bytes=10)
    decoder.feed(b"data: 1234")
    with pytest.raises(SseError, match="line is longer than 10"):
        decoder.feed(b"5")


def test_event_without_end_is_bounded() -> None:
    decoder = SseDecoder(max_event_bytes=10)
    decoder.feed(b"data: 12\ndata: 34\ndata: 56\n")
    with pytest.raises(SseError, match="event is larger than 10"):
        decoder.feed(b"data: 78\n")


def test_comments_are_not_kept() -> None:
    decoder = SseDecoder(max_event_bytes=10)
    assert [decoder.feed(b": ping\n\n") for _ in range(10)] == [[]] * 10
