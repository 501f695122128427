"""The reader beside aiohttp's parser: what it takes for a message, that one takes for the same."""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import cast

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dataplane.runtime.config import Limits
from dataplane.runtime.messages import LocalReply
from dataplane.server.incoming import Incoming
from dataplane.server.reader import SLICE_BYTES, MessageReader
from tests.support.bare import active_listener
from tests.support.examples import share_of

LIMITS = Limits()
LISTENER = active_listener()
GET = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"

Message = tuple[str, str, tuple[tuple[bytes, bytes], ...], bytes]


def reader() -> MessageReader:
    return MessageReader(LISTENER)


def of(found: Incoming) -> Message:
    return (
        found.method,
        found.target,
        tuple(zip(found.names, found.values, strict=True)),
        found.body,
    )


def ours(pieces: Sequence[bytes]) -> list[Message | None]:
    """Messages, and None for a refusal, which is the last."""
    it = reader()
    said: list[Message | None] = []
    for piece in pieces:
        found = it.feed(piece)
        while found is not None:
            if isinstance(found, LocalReply):
                return [*said, None]
            said.append(of(found))
            if it.closes:
                return said
            found = it.feed(b"")
    return said


class Quiet:
    """What aiohttp's parser asks of its protocol."""

    def pause_reading(self) -> None: ...

    def resume_reading(self, resume_parser: bool = True) -> None: ...


def theirs(data: bytes) -> list[Message | None]:
    loop = asyncio.new_event_loop()
    try:
        it = HttpRequestParser(
            cast(BaseProtocol, Quiet()),
            loop,
            1 << 30,
            max_line_size=1 << 16,
            max_headers=128,
            max_field_size=1 << 16,
            auto_decompress=False,
            max_msg_queue_size=1,
        )
        said: list[Message | None] = []
        while True:
            try:
                messages, _, _ = it.feed_data(data)
            except (HttpProcessingError, ValueError):
                return [*said, None]
            if not messages or not messages[0][1].is_eof():
                return said
            message, payload = messages[0]
            body = payload.read_nowait() if payload.total_bytes else b""
            said.append((message.method, message.path, tuple(message.raw_headers), body))
            it.message_consumed()
            data = b""
            if message.should_close or message.chunked:  # (its trailers leak into the next one)
                return said
    finally:
        loop.close()


LINES = (
    *(b"host: h", b"Host: h", b"host:h ", b"content-length: 3", b"Content-Length: 03"),
    *(b"content-length: 0", b"content-length: +3", b"content-length: 3, 3", b"content-length:"),
    *(b"transfer-encoding: chunked", b"transfer-encoding: gzip, chunked", b"te: trailers"),
    *(b"transfer-encoding: xchunked", b"Transfer-Encoding:\tchunked ", b"connection: close"),
    *(b"connection: keep-alive", b"x: y", b"x : y", b" x: y", b"x:\x01y", b"x: \xc3\xa9", b"\0: y"),
    *(b"x:y\rz: w", b"x: y\nz: w", b"content-type: a", b"user-agent: u", b"upgrade: h2c", b"x:"),
    *(b"connection: upgrade", b"expect: 100-continue", b"", b":", b"x", b"x: y  \t"),
)
TARGETS = (b"/", b"/a?b=c", b"*", b"http://h/", b"/\xff", b"/a b", b"", b"//x", b"/%00", b"a")
VERSIONS = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.2", b"HTTP/1", b"http/1.1", b"")
METHODS = (b"GET", b"POST", b"CONNECT", b"get", b"P", b"POST ", b"DELETE", b"\x00")
BODIES = (
    b"",
    b"abc",
    b"3\r\nabc\r\n0\r\n\r\n",
    b"3;e\r\nabc\r\n0\r\nt: 1\r\n\r\n",
    b"x\r\n",
    b"abcd",
)
ENDS = (b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r")


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    method, target, version = (draw(st.sampled_from(x)) for x in (METHODS, TARGETS, VERSIONS))
    if draw(st.integers(0, 2)):
        method, target, version = b"POST", b"/p", b"HTTP/1.1"
    end = draw(st.sampled_from(ENDS))
    lines = [b"host: h", *draw(st.lists(st.sampled_from(LINES), max_size=4))]
    head = end.join((b"%b %b %b" % (method, target, version), *lines)) + end * 2
    return head + draw(st.sampled_from(BODIES))


@settings(max_examples=share_of(400))
@given(st.lists(requests(), min_size=1, max_size=3))
@example([b"CONNECT  \r\nhost: h\r\n\r\n"])  # (llhttp takes that for an empty target)
def test_what_it_takes_for_a_message_aiohttp_takes_for_the_same(parts: list[bytes]) -> None:
    data = b"".join(parts)
    mine = ours([data])
    other = theirs(data)
    both = min(sum(message is not None for message in mine), len(other))
    assert mine[:both] == other[:both]


@settings(max_examples=share_of(200))
@given(st.lists(requests(), min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_how_bytes_are_cut_does_not_matter(parts: list[bytes], random: Random) -> None:
    data = b"".join(parts)
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.randrange(12)))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert ours([piece for piece in pieces if piece]) == ours([data])


def test_a_read_full_of_messages_is_taken_in_slices() -> None:
    it = reader()
    count = SLICE_BYTES // len(GET) * 4
    assert it.feed(GET * count) is not None
    assert len(it._queue) <= SLICE_BYTES // len(GET) + 1
    assert sum(it.feed(b"") is not None for _ in range(count)) == count - 1
    assert it.drained


def test_a_body_in_single_bytes_is_kept_in_one_piece() -> None:
    it = reader()
    it.feed(b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(3):
        it.feed(b"1\r\na\r\n" * 100)
    assert it._reads.getvalue() == b"a" * 300
    assert not it._pieces


def test_a_body_behind_an_upgrade_is_read() -> None:
    """As Java's HttpClient sends every request without TLS."""
    head = b"POST / HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: h2c\r\n"
    data = head + b"content-length: 3\r\n\r\nabc"
    for size in (1, 7, len(data)):
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        ((_, _, _, body),) = (m for m in ours(pieces) if m is not None)
        assert body == b"abc"
