"""The framing, with botocore's own decoder as the oracle."""

import itertools
import json

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from dataplane.llm.aws_events import AwsEvent, AwsEventDecoder, AwsEventError, encode, head

DELTA = head("event", "contentBlockDelta")
EVENTS = [
    AwsEvent("event", "messageStart", b'{"role":"assistant"}'),
    AwsEvent("event", "contentBlockDelta", b'{"delta":{"text":"caf\xc3\xa9"}}'),
    AwsEvent("event", "contentBlockDelta", b"{}"),
    AwsEvent("exception", "throttlingException", b'{"message":"slow down"}'),
    AwsEvent("event", "contentBlockStop", b""),
]
STREAM = b"".join(encode(head(e.kind, e.name), e.payload) for e in EVENTS)


def decode(*chunks: bytes) -> list[AwsEvent]:
    decoder = AwsEventDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def decode_until_failure(stream: bytes) -> tuple[list[AwsEvent], bool]:
    """Byte by byte: what comes before a spoilt frame must still come out right."""
    decoder = AwsEventDecoder()
    found: list[AwsEvent] = []
    try:
        for at in range(len(stream)):
            found += decoder.feed(stream[at : at + 1])
    except AwsEventError:
        return found, True
    return found, False


def test_events_come_back_as_they_were_written() -> None:
    assert decode(STREAM) == EVENTS


@given(st.data())
def test_any_chunking_gives_the_same_events(data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(STREAM)), max_size=9)))
    chunks = [STREAM[a:b] for a, b in itertools.pairwise([0, *cuts, len(STREAM)])]
    assert decode(*chunks) == EVENTS


def test_single_bytes_give_the_same_events() -> None:
    assert decode(*[STREAM[i : i + 1] for i in range(len(STREAM))]) == EVENTS


@given(st.integers(0, len(STREAM) * 8 - 1))
def test_a_flipped_bit_is_never_an_event(bit: int) -> None:
    spoilt = bytearray(STREAM)
    spoilt[bit // 8] ^= 1 << bit % 8
    found, failed = decode_until_failure(bytes(spoilt))
    assert (failed, found) == (True, EVENTS[: len(found)])


def test_botocore_reads_what_we_write() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(STREAM)
    theirs = [message.to_response_dict() for message in buffer]
    assert [
        (m["headers"][f":{m['headers'][':message-type']}-type"], m["body"]) for m in theirs
    ] == [(event.name, event.payload) for event in EVENTS]


def test_headers_of_every_type_are_stepped_over() -> None:
    odd = b"".join(
        bytes([1]) + b"h" + bytes([type_]) + value
        for type_, value in [
            (0, b""),
            (1, b""),
            (2, b"1"),
            (3, b"12"),
            (4, b"1234"),
            (5, b"12345678"),
            (6, b"\0\2ab"),
            (8, b"12345678"),
            (9, b"1234567890123456"),
        ]
    )
    (event,) = decode(encode(odd + DELTA, b"{}"))
    assert event == AwsEvent("event", "contentBlockDelta", b"{}")


def test_an_error_has_its_words_as_payload() -> None:
    headers = b"".join(
        bytes([len(key)]) + key + b"\7" + len(value).to_bytes(2) + value
        for key, value in [
            (b":message-type", b"error"),
            (b":error-code", b"InternalFailure"),
            (b":error-message", b"it broke"),
        ]
    )
    assert decode(encode(headers, b"")) == [AwsEvent("error", "InternalFailure", b"it broke")]


@pytest.mark.parametrize(
    "headers",
    [b"\x20short", b"\1h\x63", b"\1h\7\0\x40ab", b"\2\xff\xfe\0", b"\1h\7\0\1\xff"],
    ids=["name cut", "unknown type", "value cut", "name no text", "value no text"],
)
def test_broken_headers_are_an_error(headers: bytes) -> None:
    with pytest.raises(AwsEventError):
        decode(encode(headers, b"{}"))


def test_a_frame_larger_than_the_limit_is_refused_by_its_lengths() -> None:
    frame = encode(DELTA, b"x" * 100)
    decoder = AwsEventDecoder(max_frame_bytes=100)
    with pytest.raises(AwsEventError, match="larger than 100 bytes"):
        decoder.feed(frame[:12])


def test_text_that_is_no_event_stream_is_an_error() -> None:
    with pytest.raises(AwsEventError, match="checksum"):
        decode(json.dumps({"message": "proxy error"}).encode())


def test_a_decoder_is_whole_between_frames_only() -> None:
    decoder = AwsEventDecoder()
    decoder.feed(STREAM[:5])
    within = decoder.whole
    decoder.feed(STREAM[5:])
    assert (within, decoder.whole) == (False, True)
