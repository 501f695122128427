"""Chunks are read as llhttp reads them, whoever does it: the same bodies, ends and faults."""

import asyncio

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.runtime.messages import ResponseDetail
from dataplane.upstream.chunks import whole_chunks
from tests.unit.dataplane.upstream.test_connection import Waiting, connection

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


class Llhttp:
    """What httptools alone makes of an answer."""

    def __init__(self, data: bytes) -> None:
        self.body = b""
        self.done = False
        self.fault = False
        try:
            httptools.HttpResponseParser(self).feed_data(data)
        except httptools.HttpParserError:
            self.fault = True

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.done = True


async def read(pieces: list[bytes]) -> Waiting:
    """What our connection makes of it."""
    upstream, _, _ = connection()
    reader = Waiting()
    upstream.send(reader, b"ask")
    await asyncio.sleep(0)
    for piece in filter(None, pieces):
        if reader.failure is None and not any(done for _, done in reader.bodies):
            upstream.data_received(piece)
    return reader


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """`data` as several reads."""
    ends = sorted({min(place, len(data)) for place in places} | {len(data)})
    return [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]


CUTS = st.lists(st.integers(0, 400), max_size=6)
BODIES = st.lists(st.binary(min_size=1, max_size=40) | st.just(b"\r\n0\r\n\r\n"), max_size=8)


@given(BODIES, CUTS)
def test_a_body_in_chunks_is_what_was_sent_however_it_is_cut(
    bodies: list[bytes], places: list[int]
) -> None:
    data = HEAD + b"".join(map(chunk, bodies)) + LAST
    reader = asyncio.run(read(cut(data, places)))
    assert b"".join(body for body, _ in reader.bodies) == b"".join(bodies)
    assert [done for _, done in reader.bodies][-1]


ODD = [
    b"5\r\nhello\r\n",
    b"A\r\n0123456789\r\n",
    b"00000000000000005\r\nhello\r\n",
    b"0005\r\nhello\r\n",
    b"5;a=b\r\nhello\r\n",
    b"5\nhello\n",
    b"5\r\nhello",
    b"5\r\nhelloo\r\n",
    b"5 \r\nhello\r\n",
    b"-5\r\nhello\r\n",
    b"+5\r\nhello\r\n",
    b"0x5\r\nhello\r\n",
    b"\r\n",
    b"fffffff\r\nhello\r\n",
    b"ffffffffffffffff\r\nhello\r\n",
    b"0\r\nx-trailer: a\r\n\r\n",
    LAST,
]


HEADS = [
    HEAD,
    HEAD.replace(b"chunked", b"CHUNKED  "),
    HEAD.replace(b"1.1", b"1.0"),
    HEAD.replace(b"chunked", b"gzip, chunked"),
    HEAD.replace(b"chunked", b"chunked, gzip"),
    HEAD.replace(b"Transfer", b"transfer-encoding: chunked\r\nTransfer"),
    HEAD.replace(b"Transfer", b"content-length: 5\r\nTransfer"),
    HEAD.replace(b"Transfer", b"connection: close\r\nTransfer"),
]


@given(st.sampled_from(HEADS), st.lists(st.sampled_from(ODD), max_size=6).map(b"".join), CUTS)
def test_of_anything_else_it_is_llhttp_that_decides(
    head: bytes, chunks: bytes, places: list[int]
) -> None:
    told = Llhttp(head + chunks)
    reader = asyncio.run(read(cut(head + chunks, places)))
    if reader.failure is not None:
        assert reader.failure.detail is ResponseDetail.UPSTREAM_PROTOCOL_ERROR
    elif told.fault:
        # what came in later reads, when the answer was whole, was not read any more
        assert any(done for _, done in reader.bodies)
    else:
        assert b"".join(body for body, _ in reader.bodies) == told.body
        assert any(done for _, done in reader.bodies) is told.done


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: Transfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_what_only_looks_like_a_chunk_is_the_body(head: bytes) -> None:
    reader = await read([head + chunk(b"hello")])
    assert b"".join(body for body, _ in reader.bodies) == chunk(b"hello")


async def test_chunks_behind_an_interim_answer_are_those_of_the_answer() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\ntransfer-encoding: chunked\r\n\r\n"
    reader = await read([early + HEAD + chunk(b"hello") + LAST])
    assert reader.bodies == [(b"hello", True)]


async def test_chunks_of_an_answer_without_body_are_none() -> None:
    head = HEAD.replace(b"200 OK", b"204 No Content")
    reader = await read([head, chunk(b"hello")])
    assert reader.bodies == [(b"", True)]


@given(BODIES, st.binary(max_size=9))
def test_only_whole_chunks_are_taken(bodies: list[bytes], rest: bytes) -> None:
    data = b"ab" + b"".join(map(chunk, bodies))
    body, end = whole_chunks(data + rest, 2)
    assert body == b"".join(bodies)[: len(body)]
    assert b"".join(map(chunk, bodies)).startswith(data[2:end])
    assert end == 2 or end >= len(data) or data[end - 2 : end] == b"\r\n"
