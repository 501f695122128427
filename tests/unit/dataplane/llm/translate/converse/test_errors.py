import json

import pytest

from dataplane.llm.hub.answer import Failure
from dataplane.llm.translate.converse.errors import (
    error_type,
    read_error,
    read_exception,
    write_error,
    write_exception,
)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, b'{"message":"m"}', Failure(400, "m", "invalid_request")),
        (403, b'{"Message":"m"}', Failure(403, "m", "permission")),
        (424, b'{"message":"m"}', Failure(424, "m", "server")),
        (408, b'{"message":"m"}', Failure(408, "m", "timeout")),
        (
            403,
            b'{"message":"m","__type":"com.amazon#ExpiredTokenException"}',
            Failure(403, "m", "authentication", code="ExpiredTokenException"),
        ),
        (
            429,
            b'{"message":"m","__type":"ModelNotReadyException"}',
            Failure(429, "m", "overloaded", code="ModelNotReadyException"),
        ),
        (
            400,
            b'{"message":"Input is too long for requested model."}',
            Failure(
                400,
                "Input is too long for requested model.",
                "invalid_request",
                code="context_length_exceeded",
            ),
        ),
        (503, b"<html>", Failure(503, "<html>", "overloaded")),
        (500, b'{"message":null}', Failure(500, "", "server")),
        (502, b"\xff", Failure(502, "\N{REPLACEMENT CHARACTER}", "server")),
    ],
)
def test_errors_are_read(status: int, body: bytes, expected: Failure) -> None:
    assert read_error(status, body) == expected


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        (Failure(400, ""), "ValidationException"),
        (Failure(401, ""), "UnrecognizedClientException"),
        (Failure(403, ""), "AccessDeniedException"),
        (Failure(404, ""), "ResourceNotFoundException"),
        (Failure(413, ""), "ValidationException"),
        (Failure(424, "", "server"), "ModelErrorException"),
        (Failure(429, ""), "ThrottlingException"),
        (Failure(500, ""), "InternalServerException"),
        (Failure(529, ""), "ServiceUnavailableException"),
        (Failure(504, ""), "ModelTimeoutException"),
        (Failure(200, "", "rate_limit"), "ThrottlingException"),
        (Failure(401, "", "invalid_request"), "UnrecognizedClientException"),
        (Failure(503, "", "server"), "ServiceUnavailableException"),
    ],
)
def test_errors_have_the_names_that_aws_clients_know(failure: Failure, name: str) -> None:
    assert error_type(failure) == name


def test_a_body_tells_words_and_name() -> None:
    body = json.loads(write_error(Failure(429, "Slow down.")))
    assert body == {"message": "Slow down.", "__type": "ThrottlingException"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("throttlingException", Failure(429, "m", "rate_limit", code="throttlingException")),
        ("validationException", Failure(400, "m", "invalid_request", code="validationException")),
        (
            "modelStreamErrorException",
            Failure(424, "m", "server", code="modelStreamErrorException"),
        ),
        (
            "serviceUnavailableException",
            Failure(503, "m", "overloaded", code="serviceUnavailableException"),
        ),
        ("internalServerException", Failure(500, "m", "server", code="internalServerException")),
        ("futureException", Failure(500, "m", "server", code="futureException")),
    ],
)
def test_exceptions_of_streams_are_read(name: str, expected: Failure) -> None:
    assert read_exception(name, b'{"message":"m"}') == expected


def test_what_the_model_said_itself_is_told_too() -> None:
    failure = read_exception("modelStreamErrorException", b'{"message":"m","originalMessage":"o"}')
    assert failure.message == "m (o)"


def test_an_exception_without_json_is_told_as_it_is() -> None:
    assert read_exception("InternalFailure", b"it broke").message == "it broke"


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        (Failure(429, "m"), "throttlingException"),
        (Failure(400, "m"), "validationException"),
        (Failure(502, "m"), "internalServerException"),
        (Failure(529, "m", "overloaded"), "serviceUnavailableException"),
        (Failure(424, "m", "server"), "modelStreamErrorException"),
    ],
)
def test_exceptions_of_streams_are_written(failure: Failure, name: str) -> None:
    assert write_exception(failure) == (name, b'{"message":"m"}')
