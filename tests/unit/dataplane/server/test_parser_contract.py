"""What reader.py relies on that httptools (llhttp) does not document; it must keep it."""

import httptools
import pytest

GET = b"GET /a?b HTTP/1.1\r\nHost: h\r\nX-A:  1 \r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"


class Told:
    """Everything that a parser says, in order."""

    def __init__(self) -> None:
        self.said: list[tuple[object, ...]] = []
        self.parser = httptools.HttpRequestParser(self)

    def on_message_begin(self) -> None:
        self.said.append(("begin",))

    def on_url(self, url: bytes) -> None:
        self.said.append(("url", url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self.said.append((name, value))

    def on_headers_complete(self) -> None:
        self.said.append(("head",))

    def on_body(self, body: bytes) -> None:
        self.said.append(("body", body))

    def on_message_complete(self) -> None:
        self.said.append(("end", self.parser.get_method(), self.parser.get_http_version()))


def test_a_message_is_told_whole_before_the_next_one_begins() -> None:
    told = Told()
    told.parser.feed_data(POST + GET)
    one = [
        *[("begin",), ("url", b"/p"), (b"Host", b"h"), (b"Content-Length", b"3"), ("head",)],
        *[("body", b"abc"), ("end", b"POST", "1.1"), ("begin",), ("url", b"/a?b"), (b"Host", b"h")],
    ]
    assert told.said[: len(one)] == one
    assert ("end", b"GET", "1.1") in told.said


def test_white_space_is_taken_from_the_front_of_a_value_only() -> None:
    told = Told()
    told.parser.feed_data(GET)
    assert (b"X-A", b"1 ") in told.said


def test_a_good_message_is_told_before_the_bad_bytes_behind_it() -> None:
    told = Told()
    with pytest.raises(httptools.HttpParserError):
        told.parser.feed_data(GET + b"\0\0")
    assert ("end", b"GET", "1.1") in told.said


def test_an_empty_line_begins_no_message() -> None:
    told = Told()
    told.parser.feed_data(b"\r\n")
    assert not told.said


def test_the_first_letter_begins_one() -> None:
    told = Told()
    told.parser.feed_data(b"P")
    assert told.said == [("begin",)]


def test_trailers_are_told_as_headers_after_the_head() -> None:
    told = Told()
    told.parser.feed_data(
        b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\ny: 2\r\n\r\n"
    )
    assert told.said.index((b"y", b"2")) > told.said.index(("head",))


def test_an_upgrade_stops_the_parser_where_the_body_begins() -> None:
    told = Told()
    upgrade = POST.replace(b"Host: h", b"Host: h\r\nConnection: upgrade\r\nUpgrade: h2c")
    with pytest.raises(httptools.HttpParserUpgrade) as stopped:
        told.parser.feed_data(upgrade)
    assert upgrade[stopped.value.args[0] :] == b"abc"
    assert ("body", b"abc") not in told.said


def test_a_name_that_was_cut_is_told_whole() -> None:
    told = Told()
    for at in range(len(GET)):
        told.parser.feed_data(GET[at : at + 1])
    assert (b"X-A", b"1 ") in told.said
    assert b"".join(part[1] for part in told.said if part[0] == "url") == b"/a?b"  # type: ignore[misc]
