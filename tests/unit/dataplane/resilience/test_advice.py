import pytest

from dataplane.resilience.advice import Advice, advice

WALL = 784111777.0  # Sun, 06 Nov 1994 08:49:37 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"2", 2.0),
        (b"0.5", 0.5),
        (b"0", 0.0),
        (b"Sun, 06 Nov 1994 08:49:47 GMT", 10.0),
        (b"Sunday, 06-Nov-94 08:49:47 GMT", 10.0),
        (b"Sun Nov  6 08:49:47 1994", 10.0),
        (b"Sun, 06 Nov 1994 08:49:00 GMT", 0.0),
        (b"-1", None),
        (b"nan", None),
        (b"inf", None),
        (b"soon", None),
        (b"", None),
    ],
)
def test_a_wait_is_told_in_seconds_or_as_a_date(value: bytes, seconds: float | None) -> None:
    assert advice([(b"Retry-After", value)], WALL) == Advice(seconds, may_retry=True)


def test_milliseconds_are_more_exact() -> None:
    headers = [(b"retry-after-ms", b"1500"), (b"retry-after", b"2")]
    assert advice(headers, WALL).retry_after_s == 1.5


@pytest.mark.parametrize(("value", "may"), [(b"false", False), (b"true", True), (b"", True)])
def test_a_provider_can_forbid_a_retry(value: bytes, may: bool) -> None:
    assert advice([(b"X-Should-Retry", value)], WALL) == Advice(None, may)


def test_other_headers_say_nothing() -> None:
    assert advice([(b"date", b"x"), (b"server", b"y")], WALL) == Advice(None, may_retry=True)
