"""Errors of Gemini providers, and for Gemini clients."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.llm.hub.answer import Failure
from dataplane.llm.translate.gemini.errors import read_error, write_error


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (429, "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
    ],
)
def test_a_status_has_its_word(status: int, word: str) -> None:
    assert json.loads(write_error(Failure(status, "x")))["error"]["status"] == word


def test_code_and_field_survive_a_round_trip() -> None:
    failure = Failure(400, "too long", "invalid_request", "context_length_exceeded", "contents")
    assert read_error(400, write_error(failure)) == failure


def test_a_bad_key_is_no_bad_request() -> None:
    error = {"status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}
    assert read_error(400, json.dumps({"error": error}).encode()).type == "authentication"


@given(body=st.binary(max_size=40))
def test_no_bytes_crash_the_reader(body: bytes) -> None:
    assert read_error(500, body).status == 500
