import httptools
import pytest

from dataplane.runtime.messages import Request
from dataplane.upstream.message import LONG_BYTES, message_of


class Heard:
    """What a server makes of it."""

    def __init__(self, data: bytes) -> None:
        self.url = self.body = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.messages = 0
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.messages += 1


def heard(request: Request) -> Heard:
    made = message_of(request, "a.test")
    assert isinstance(made, bytes)
    return Heard(made)


def test_it_is_sent_as_it_is() -> None:
    got = heard(Request("POST", "/a%20b", (("X-One", "1"),), b"hi", "q=%41"))
    assert got.url == b"/a%20b?q=%41"
    assert got.headers == [(b"Host", b"a.test"), (b"X-One", b"1"), (b"Content-Length", b"2")]
    assert (got.body, got.messages) == (b"hi", 1)


@pytest.mark.parametrize(("method", "told"), [("GET", False), ("DELETE", False), ("POST", True)])
def test_length_of_no_body_is_told_where_one_is_expected(method: str, told: bool) -> None:
    names = [name for name, _ in heard(Request(method, "/")).headers]
    assert (b"Content-Length" in names) is told


@pytest.mark.parametrize(
    "header",
    [
        ("content-length", "99"),
        ("Transfer-Encoding", "chunked"),
        ("Host", "elsewhere.test"),
        ("connection", "close"),
    ],
    ids=lambda one: str(one[0]).lower(),
)
def test_framing_is_ours_whatever_headers_say(header: tuple[str, str]) -> None:
    got = heard(Request("POST", "/", (header,), b"hi"))
    assert got.headers == [(b"Host", b"a.test"), (b"Content-Length", b"2")]


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", "/", (("x", "1\r\nx-evil: 2"),), b"hi"),
        Request("POST", "/", (("x\r\nx-evil", "1"),), b"hi"),
        Request("POST", "/", (("x", "1\nx-evil: 2\r"),), b"hi"),
        Request("POST", "/", (("x", "1\r\n\r\nGET /evil HTTP/1.1\0"),), b"hi"),
        Request("POST", "/\r\nx-evil:1", (), b"hi"),
        Request("POST", "/", (), b"hi", "q=1\r\nx-evil:1"),
    ],
    ids=["value", "name", "bare LF", "second request", "path", "query"],
)
def test_no_value_ends_its_line(request_: Request) -> None:
    head, _, body = message_of(request_, "a.test").partition(b"\r\n\r\n")  # type: ignore[union-attr]
    assert body == b"hi"
    lines = head.split(b"\r\n")
    assert not any(line.lower().startswith((b"x-evil", b"get ")) for line in lines)
    assert not any(one in line for line in lines for one in (b"\r", b"\n", b"\0"))


def test_bytes_that_are_no_text_are_sent_as_they_came() -> None:
    got = heard(Request("POST", "/", (("x", b"\xff\xe9".decode("utf-8", "surrogateescape")),)))
    assert (b"x", b"\xff\xe9") in got.headers


def test_half_a_character_is_no_reason_to_fail() -> None:
    assert (b"x", b"a?") in heard(Request("POST", "/", (("x", "a\ud800"),))).headers


def test_long_body_is_not_copied() -> None:
    body = b"x" * LONG_BYTES
    made = message_of(Request("POST", "/", (), body), "a.test")
    assert isinstance(made, list)
    assert made[1] is body
    got = Heard(b"".join(made))
    assert (got.body, got.messages) == (body, 1)
