"""Errors, both ways."""

import json

import pytest

from dataplane.llm.hub.answer import Failure
from dataplane.llm.translate.messages.errors import (
    MAX_SENTENCE,
    WireError,
    failure_of,
    read_error,
    write_error,
)


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (400, "invalid_request_error", "invalid_request"),
        (401, "authentication_error", "authentication"),
        (402, "billing_error", "permission"),
        (404, "not_found_error", "not_found"),
        (413, "request_too_large", "too_large"),
        (429, "rate_limit_error", "rate_limit"),
        (500, "api_error", "server"),
        (529, "overloaded_error", "overloaded"),
    ],
)
def test_error_comes_back_in_the_same_words(status: int, word: str, kind: str) -> None:
    body = json.dumps({"type": "error", "error": {"type": word, "message": "Why."}}).encode()
    failure = read_error(status, body)
    assert failure == Failure(status, "Why.", kind, code=word)
    assert json.loads(write_error(failure))["error"] == {"type": word, "message": "Why."}


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (405, "invalid_request_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ],
)
def test_status_alone_names_the_type(status: int, word: str) -> None:
    written = json.loads(write_error(Failure(status, "Why.")))
    assert written == {
        "type": "error",
        "error": {"type": word, "message": "Why."},
        "request_id": None,
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"Bad gateway\n", "Bad gateway", id="text"),
        pytest.param(b"", "", id="nothing"),
        pytest.param(b'{"message":"no"}', "no", id="message-alone"),
        pytest.param(b'{"error":"no"}', "no", id="error-is-a-text"),
        pytest.param(b"[1]", "[1]", id="a-list"),
        pytest.param(b"\xff", "�", id="not-utf8"),
        pytest.param(b"[" * 3000, "[" * MAX_SENTENCE, id="too-deep"),
    ],
)
def test_body_of_another_form_is_repeated(body: bytes, message: str) -> None:
    assert read_error(502, body) == Failure(502, message)


def test_error_in_a_stream_gets_the_status_of_its_type() -> None:
    assert failure_of(WireError("overloaded_error", "Busy")).status == 529
    assert failure_of(WireError("some_future_error")).status == 500


def test_refused_thread_has_the_details_that_the_sdk_looks_for() -> None:
    error = json.loads(write_error(Failure(400, "No.", code="thread_unsupported_request")))["error"]
    assert error["details"] == {
        "error_code": "thread_unsupported_request",
        "unsupported": ["thread"],
    }
