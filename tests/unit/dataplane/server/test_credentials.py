"""Credentials in the form that each API reads."""

import pytest

from dataplane.runtime.config import AuthScheme
from dataplane.server.credentials import credential_line, passed_on, without_keys


@pytest.mark.parametrize(
    ("scheme", "line"),
    [
        (AuthScheme.BEARER, b"authorization: Bearer k\r\n"),
        (AuthScheme.X_API_KEY, b"x-api-key: k\r\n"),
        (AuthScheme.API_KEY, b"api-key: k\r\n"),
        (AuthScheme.X_GOOG_API_KEY, b"x-goog-api-key: k\r\n"),
        (AuthScheme.SIGV4, b""),
        (AuthScheme.NONE, b""),
    ],
)
def test_key_is_shown_as_the_api_reads_it(scheme: AuthScheme, line: bytes) -> None:
    assert credential_line(scheme, "k") == line


@pytest.mark.parametrize(
    ("scheme", "headers", "query", "line"),
    [
        (AuthScheme.BEARER, {b"Authorization": b"Basic x"}, "", b"authorization: Basic x\r\n"),
        (AuthScheme.BEARER, {b"X-API-Key": b"k"}, "", b"authorization: Bearer k\r\n"),
        (AuthScheme.X_API_KEY, {b"authorization": b"Basic x"}, "", b""),
        (AuthScheme.X_API_KEY, {b"authorization": b"bearer  k "}, "", b"x-api-key: k\r\n"),
        (
            AuthScheme.X_API_KEY,
            {b"authorization": b"Bearer a", b"x-api-key": b"b"},
            "",
            b"x-api-key: b\r\n",
        ),
        (AuthScheme.BEARER, {b"authorization": b"AWS4-HMAC-SHA256 x"}, "", b""),
        (AuthScheme.SIGV4, {b"authorization": b"Bearer k"}, "", b"authorization: Bearer k\r\n"),
        (AuthScheme.NONE, {b"authorization": b"Bearer k"}, "", b""),
        (AuthScheme.BEARER, {}, "key=a%20b", b""),
        (AuthScheme.BEARER, {}, "key=k%0d%0ax%3a1", b""),
        (AuthScheme.BEARER, {}, "alt=sse&key=k", b"authorization: Bearer k\r\n"),
        (AuthScheme.BEARER, {}, "", b""),
    ],
)
def test_clients_credential_is_shown_as_the_api_reads_it(
    scheme: AuthScheme, headers: dict[bytes, bytes], query: str, line: bytes
) -> None:
    assert passed_on(scheme, tuple(headers), tuple(headers.values()), query) == line


def test_query_loses_keys_and_nothing_else() -> None:
    assert without_keys("alt=sse&key=x&%6Bey=y&beta&access_token=z&q=%20") == "alt=sse&beta&q=%20"
    assert without_keys("alt=sse&b=1", frozenset(("alt",))) == "b=1"
