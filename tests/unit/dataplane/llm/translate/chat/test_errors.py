import json

import pytest

from dataplane.llm.hub.answer import Failure
from dataplane.llm.translate.chat.errors import failure_of, read_error, write_error


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"m"}}', "m"),
        (b'{"error":"m"}', "m"),
        (b'{"message":"m"}', "m"),
        (b'{"detail":"m"}', "m"),
        (b'{"message":{"detail":"m"}}', "m"),
        (b'[{"error":{"message":"m"}}]', "m"),
        (b'"m"', "m"),
        (b"m\n", "m"),
        (b"\xff", "\ufffd"),
        (b"{}", ""),
        (b"[]", ""),
        (b"null", ""),
        (b'{"error":{"message":4,"type":[],"param":{}}}', ""),
        (b"[" * 100_000, "[" * 2000),
    ],
)
def test_sentence_is_found_wherever_servers_put_it(body: bytes, message: str) -> None:
    failure = read_error(418, body)
    assert (failure.status, failure.message) == (418, message)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        ({"code": 429, "message": "m"}, 429, ""),
        ({"type": "overloaded_error", "message": "m"}, 503, "overloaded"),
        ({"code": "rate_limit_exceeded", "message": "m"}, 429, "rate_limit"),
        ({"message": "m"}, 502, ""),
        ({"code": 7, "message": "m"}, 502, ""),
    ],
)
def test_error_within_a_stream_gets_a_status(
    error: dict[str, object], status: int, kind: str
) -> None:
    failure = failure_of({"error": error})
    assert (failure.status, failure.type) == (status, kind)


def test_error_is_told_in_four_fields() -> None:
    failure = Failure(400, "m", "invalid_request", "context_length_exceeded", "messages")
    assert json.loads(write_error(failure)) == {
        "error": {
            "message": "m",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "context_length_exceeded",
        }
    }


def test_type_of_an_error_follows_from_its_status_when_nobody_told_it() -> None:
    assert json.loads(write_error(Failure(429, "m")))["error"]["type"] == "rate_limit_error"
