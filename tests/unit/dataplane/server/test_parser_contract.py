"""What reader.py uses of aiohttp's C parser beyond its documentation; aiohttp must keep it."""

import asyncio

import pytest
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.http_parser import HttpRequestParser

GET = b"GET /a?b HTTP/1.1\r\nHost: h\r\nX-A: 1 \r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"


class Asked:
    """What the StreamReader of a body asks its protocol for."""

    def __init__(self) -> None:
        self.paused = 0

    def pause_reading(self) -> None:
        self.paused += 1

    def resume_reading(self, resume_parser: bool = True) -> None:
        pass


def parser(asked: Asked | None = None) -> HttpRequestParser:
    return HttpRequestParser(
        asked or Asked(),  # type: ignore[arg-type]
        asyncio.get_running_loop(),
        1 << 30,
        max_line_size=8190,
        max_headers=128,
        max_field_size=8190,
        auto_decompress=False,
        max_msg_queue_size=1,
    )


async def test_it_is_the_one_written_in_c() -> None:
    assert type(parser()).__module__ == "aiohttp._http_parser"


async def test_it_stops_after_each_message_and_keeps_the_rest() -> None:
    it = parser()
    ((first, _),), upgraded, rest = it.feed_data(POST + GET + GET)
    assert (first.method, first.path, upgraded, rest) == ("POST", "/p", False, b"")
    for _ in range(2):
        it.message_consumed()
        ((message, payload),), _, _ = it.feed_data(b"")
        assert message.path == "/a?b"
        assert payload.is_eof()
        assert payload.total_bytes == 0
    it.message_consumed()
    assert not it.feed_data(b"")[0]


async def test_bad_bytes_behind_a_message_are_met_only_afterwards() -> None:
    it = parser()
    assert len(it.feed_data(GET + b"\0\0")[0]) == 1
    it.message_consumed()
    with pytest.raises(BadHttpMessage):
        it.feed_data(b"")


async def test_names_and_values_come_as_bytes_without_white_space() -> None:
    ((message, _),), _, _ = parser().feed_data(GET)
    assert message.raw_headers == ((b"Host", b"h"), (b"X-A", b"1"))
    assert (message.should_close, message.upgrade, message.chunked) == (False, False, False)


async def test_a_body_is_read_without_waiting() -> None:
    asked = Asked()
    it = parser(asked)
    ((_, payload),), _, _ = it.feed_data(POST[:-1])
    assert (payload.is_eof(), payload.total_bytes) == (False, 2)
    assert not it.feed_data(POST[-1:])[0]
    assert (payload.is_eof(), payload.total_bytes) == (True, 3)
    assert payload.read_nowait() == b"abc"


async def test_a_large_body_never_pauses() -> None:
    asked = Asked()
    it = parser(asked)
    body = b"a" * (1 << 20)
    head = POST.replace(b"3", b"%d" % (8 << 20)).removesuffix(b"abc")
    ((_, payload),), _, _ = it.feed_data(head)
    for _ in range(8):
        it.feed_data(body)
    assert payload.is_eof()
    assert payload.read_nowait() == body * 8
    assert asked.paused == 0


async def test_long_lines_have_an_error_of_their_own() -> None:
    for data in (b"GET /" + b"a" * 9000, GET[:-2] + b"y: " + b"a" * 9000):
        with pytest.raises(LineTooLong):
            parser().feed_data(data)


async def test_trailers_leak_into_the_next_message() -> None:
    """Not a wish: why reader.py closes after a chunked request. When this fails, that may go."""
    it = parser()
    chunked = b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\ny: 2\r\n\r\n"
    assert len(it.feed_data(chunked)[0]) == 1
    it.message_consumed()
    ((message, _),), _, _ = it.feed_data(GET)
    assert message.raw_headers[0] == (b"y", b"2")
