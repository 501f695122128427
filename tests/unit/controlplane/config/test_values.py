"""Durations, URLs and secret texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.config.values import (
    BadValueError,
    SecretKind,
    SecretPart,
    Url,
    duration_ms,
    read_url,
    secret_parts,
)

LITERAL, ENV, FILE = SecretKind.LITERAL, SecretKind.ENV, SecretKind.FILE


@pytest.mark.parametrize(
    ("text", "ms"), [("30s", 30_000), ("500ms", 500), ("1.5m", 90_000), ("24h", 86_400_000)]
)
def test_durations_are_read(text: str, ms: int) -> None:
    assert duration_ms(text) == ms


@pytest.mark.parametrize(
    "text", ["", "s", "5", "5 s", "-5s", "1e3s", "5S", "5s\n", "0.0001ms", "٣s"]
)
def test_other_texts_are_no_durations(text: str) -> None:
    with pytest.raises(BadValueError):
        duration_ms(text)


URLS = {
    "http://h": (Url("http", "h", 80, ""), "h"),
    "https://h": (Url("https", "h", 443, ""), "h"),
    "HTTPS://H.example:8443/a/b/": (Url("https", "h.example", 8443, "/a/b"), "h.example:8443"),
    "http://[::1]:9/": (Url("http", "::1", 9, ""), "[::1]:9"),
    "http://my_service:80": (Url("http", "my_service", 80, ""), "my_service"),
}


@pytest.mark.parametrize(("text", "expected"), URLS.items(), ids=URLS)
def test_urls_are_read(text: str, expected: tuple[Url, str]) -> None:
    url = read_url(text)
    assert (url, url.authority) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "h", "h:80", "//h", "http:/h", "http://", "ftp://h", "http://h:0", "http://h:x"),
        *(
            "http://h:99999",
            "http://[::1",
            "http://h/?",
            "http://h/#",
            "http://h h",
            "http://h/a b",
        ),
        *("http://-h", "http://h..x", "http://u@h", "http://:p@h", "http://h\\x", "http://é"),
        *("http://h/\x00", "http://h\n", "http://[v1.x]/", "http://" + "h" * 300),
    ],
)
def test_other_texts_are_no_urls(text: str) -> None:
    with pytest.raises(BadValueError):
        read_url(text)


@given(st.text(max_size=30).map("http://".__add__))
def test_any_text_is_a_url_or_is_not(text: str) -> None:
    try:
        url = read_url(text)
    except BadValueError:
        return
    assert url.host.isascii()
    assert 0 < url.port < 65536


def test_a_password_is_never_shown() -> None:
    for text in ("http://u:hunter2@h", "http://u:hunter2@h:x", "ftp://u:hunter2@h", "u:hunter2@h"):
        with pytest.raises(BadValueError) as refused:
            read_url(text)
        assert "hunter2" not in refused.value.hint
        if "//" in text:
            assert "hunter2" not in refused.value.message


SECRETS = {
    "$KEY": [SecretPart(ENV, "KEY")],
    "${KEY}": [SecretPart(ENV, "KEY")],
    "file:/run/key": [SecretPart(FILE, "/run/key")],
    "a$KEY-b": [SecretPart(LITERAL, "a"), SecretPart(ENV, "KEY"), SecretPart(LITERAL, "-b")],
    "a${KEY}b": [SecretPart(LITERAL, "a"), SecretPart(ENV, "KEY"), SecretPart(LITERAL, "b")],
    "5$$": [SecretPart(LITERAL, "5$")],
    "$$KEY": [SecretPart(LITERAL, "$KEY")],
    "$A$B": [SecretPart(ENV, "A"), SecretPart(ENV, "B")],
    "plain": [SecretPart(LITERAL, "plain")],
}


@pytest.mark.parametrize(("text", "parts"), SECRETS.items(), ids=SECRETS)
def test_secret_texts_are_read(text: str, parts: list[SecretPart]) -> None:
    assert list(secret_parts(text)) == parts


@pytest.mark.parametrize("text", ["$", "a$", "$1", "${", "${}", "${A", "file:", "file:a", "file:/"])
def test_other_secret_texts_are_refused(text: str) -> None:
    with pytest.raises(BadValueError):
        secret_parts(text)
