import json

import pytest

from dataplane.llm.error_faults import failure_in_band, fault_in_band, fault_of_error
from dataplane.runtime.fault import Fault
from dataplane.runtime.protocols import Protocol

CHAT, RESPONSES, MESSAGES, GEMINI, CONVERSE = (
    Protocol.CHAT,
    Protocol.RESPONSES,
    Protocol.MESSAGES,
    Protocol.GEMINI,
    Protocol.CONVERSE,
)


def openai(message: str, kind: str = "invalid_request_error", code: str | None = None) -> object:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic(kind: str, message: str) -> object:
    return {"type": "error", "error": {"type": kind, "message": message}}


def google(code: int, status: str, message: str, reason: str = "") -> object:
    details = [{"@type": "ErrorInfo", "reason": reason}] if reason else []
    return {"error": {"code": code, "message": message, "status": status, "details": details}}


LONG = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."
CASES = [
    (CHAT, 400, openai(LONG, code="context_length_exceeded"), Fault.UNFIT),
    (CHAT, 400, openai(LONG), Fault.UNFIT),
    (CHAT, 400, openai("filtered", code="content_filter"), Fault.FILTERED),
    (CHAT, 400, openai("Your request was rejected by our safety system."), Fault.FILTERED),
    (CHAT, 400, openai("Unknown parameter: 'x'."), Fault.INVALID),
    (CHAT, 422, openai("no"), Fault.INVALID),
    (CHAT, 404, openai("The model `x` does not exist", code="model_not_found"), Fault.UNFIT),
    (CHAT, 413, openai("Request too large for model"), Fault.UNFIT),
    (CHAT, 401, openai("Incorrect API key", code="invalid_api_key"), Fault.CREDENTIAL),
    (CHAT, 429, openai("Rate limit reached", "requests", "rate_limit_exceeded"), Fault.LIMITED),
    (CHAT, 429, openai("too many tokens per minute", "tokens"), Fault.LIMITED),
    (CHAT, 429, openai("quota", "insufficient_quota", "insufficient_quota"), Fault.CREDENTIAL),
    (CHAT, 503, openai("maximum context length", "server_error"), Fault.SERVER),
    (CHAT, 502, "<html>Bad gateway</html>", Fault.SERVER),
    (RESPONSES, 400, openai("too long", code="context_length_exceeded"), Fault.UNFIT),
    (MESSAGES, 400, anthropic("invalid_request_error", "prompt is too long: 9 > 8"), Fault.UNFIT),
    (MESSAGES, 400, anthropic("invalid_request_error", "messages: required"), Fault.INVALID),
    (
        MESSAGES,
        400,
        anthropic("invalid_request_error", "Your credit balance is too low to access the API."),
        Fault.CREDENTIAL,
    ),
    (MESSAGES, 413, anthropic("request_too_large", "Request exceeds the size"), Fault.UNFIT),
    (MESSAGES, 529, anthropic("overloaded_error", "Overloaded"), Fault.SERVER),
    (MESSAGES, 429, anthropic("rate_limit_error", "slow down"), Fault.LIMITED),
    (
        GEMINI,
        400,
        google(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum (8)"),
        Fault.UNFIT,
    ),
    (
        GEMINI,
        400,
        google(400, "INVALID_ARGUMENT", "API key not valid.", "API_KEY_INVALID"),
        Fault.CREDENTIAL,
    ),
    (GEMINI, 429, google(429, "RESOURCE_EXHAUSTED", "quota"), Fault.LIMITED),
    (GEMINI, 503, google(503, "UNAVAILABLE", "overloaded"), Fault.SERVER),
    (CONVERSE, 400, {"message": "Input is too long for requested model."}, Fault.UNFIT),
    (CONVERSE, 429, {"message": "Too many requests"}, Fault.LIMITED),
    (CONVERSE, 403, {"message": "The security token is expired"}, Fault.CREDENTIAL),
    (CONVERSE, 424, {"message": "model error"}, Fault.SERVER),
]


@pytest.mark.parametrize(("protocol", "status", "body", "fault"), CASES)
def test_an_error_is_classed_by_its_words_and_status(
    protocol: Protocol, status: int, body: object, fault: Fault
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    assert fault_of_error(protocol, status, text.encode()) is fault


IN_BAND = [
    (CHAT, {"error": {"message": "boom", "type": "server_error"}}, Fault.SERVER),
    (CHAT, {"error": {"message": "boom", "code": 429}}, Fault.LIMITED),
    (CHAT, {"object": "error", "message": "boom", "code": 503}, Fault.SERVER),
    (CHAT, {"error": "boom"}, Fault.SERVER),
    (CHAT, openai(LONG), Fault.UNFIT),
    (MESSAGES, anthropic("overloaded_error", "Overloaded"), Fault.SERVER),
    (MESSAGES, anthropic("rate_limit_error", "slow down"), Fault.LIMITED),
    (MESSAGES, anthropic("invalid_request_error", "prompt is too long"), Fault.UNFIT),
    (MESSAGES, anthropic("authentication_error", "bad key"), Fault.CREDENTIAL),
    (RESPONSES, {"type": "error", "code": "rate_limit_exceeded", "message": "x"}, Fault.LIMITED),
    (
        RESPONSES,
        {"type": "response.failed", "response": {"error": {"code": "server_error"}}},
        Fault.SERVER,
    ),
    (
        RESPONSES,
        {"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded"}}},
        Fault.LIMITED,
    ),
    (GEMINI, google(503, "UNAVAILABLE", "overloaded"), Fault.SERVER),
    (GEMINI, google(429, "RESOURCE_EXHAUSTED", "quota"), Fault.LIMITED),
]


@pytest.mark.parametrize(("protocol", "event", "fault"), IN_BAND)
def test_an_error_within_a_stream_is_classed_like_one_of_its_status(
    protocol: Protocol, event: object, fault: Fault
) -> None:
    assert fault_in_band(protocol, json.dumps(event).encode()) is fault


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("throttlingException", Fault.LIMITED),
        ("internalServerException", Fault.SERVER),
        ("validationException", Fault.INVALID),
        ("somethingNewException", Fault.SERVER),
    ],
)
def test_an_exception_of_amazon_is_classed_by_its_name(name: str, fault: Fault) -> None:
    frame = b"\x0f:exception-type\x07\x00" + bytes([len(name)]) + name.encode() + b"\r:content"
    assert fault_in_band(CONVERSE, frame) is fault


def test_what_cannot_be_read_is_the_providers_failure() -> None:
    assert fault_in_band(CHAT, b"oops") is Fault.SERVER


@pytest.mark.parametrize(
    ("protocol", "event", "status"),
    [
        (CHAT, {"error": {"message": "boom", "type": "server_error"}}, 502),
        (MESSAGES, anthropic("overloaded_error", "boom"), 529),
        (MESSAGES, anthropic("rate_limit_error", "boom"), 429),
        (GEMINI, google(503, "UNAVAILABLE", "boom"), 503),
    ],
)
def test_an_error_within_a_stream_has_a_status_for_the_client(
    protocol: Protocol, event: object, status: int
) -> None:
    failure = failure_in_band(protocol, json.dumps(event).encode())
    assert (failure.status, failure.message) == (status, "boom")
