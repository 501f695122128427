"""Errors, both ways, in OpenAI's form and in those of servers that came close to it."""

from typing import Any

import msgspec

from dataplane.llm.hub.answer import Failure, failure_kind

_HUB_TYPES = {
    "invalid_request_error": "invalid_request",
    "authentication_error": "authentication",
    "permission_error": "permission",
    "permission_denied_error": "permission",
    "not_found_error": "not_found",
    "request_too_large": "too_large",
    "rate_limit_error": "rate_limit",
    "rate_limit_exceeded": "rate_limit",
    "requests": "rate_limit",
    "tokens": "rate_limit",
    "insufficient_quota": "rate_limit",
    "server_error": "server",
    "api_error": "server",
    "internal_server_error": "server",
    "overloaded_error": "overloaded",
    "service_unavailable_error": "overloaded",
    "timeout_error": "timeout",
}
_TYPES = {
    "invalid_request": "invalid_request_error",
    "authentication": "authentication_error",
    "permission": "permission_error",
    "not_found": "not_found_error",
    "too_large": "invalid_request_error",
    "rate_limit": "rate_limit_error",
    "server": "server_error",
    "overloaded": "server_error",
    "timeout": "server_error",
}
_STATUSES = {
    "invalid_request": 400,
    "authentication": 401,
    "permission": 403,
    "not_found": 404,
    "too_large": 413,
    "rate_limit": 429,
    "overloaded": 503,
    "timeout": 504,
}
_TELLING = (401, 403, 404, 408, 413, 429)
MAX_SENTENCE = 2000
"""Characters of another service's words that we repeat when they are in no known form."""
_VALUE = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder()


def read_error(status: int, body: bytes) -> Failure:
    """The body of a provider's error answer; what is in no known form is repeated as it is."""
    try:
        told: object = _VALUE.decode(body)
    except (ValueError, RecursionError):
        return Failure(status, body.decode("utf-8", "replace").strip()[:MAX_SENTENCE])
    return failure_of(told, status)


def failure_of(told: object, status: int = 0) -> Failure:
    """An error object as it was decoded, with its status where it stands alone (in a stream)."""
    if isinstance(told, list) and told:  # Gemini's compatible endpoint puts it in a list
        told = told[0]
    if not isinstance(told, dict):
        return Failure(status or 502, told if isinstance(told, str) else "")
    error = told.get("error")
    where: dict[str, Any] = error if isinstance(error, dict) else told
    code = where.get("code")
    kind = _HUB_TYPES.get(_text(where.get("type")), "") or _HUB_TYPES.get(_text(code), "")
    if kind == "invalid_request" and status in _TELLING:
        kind = ""  # OpenAI says so of wrong keys and unknown models, too: the status knows more
    number = code if isinstance(code, int) and 400 <= code <= 599 else _STATUSES.get(kind, 502)
    return Failure(
        status or number,
        _sentence(where) or (error if isinstance(error, str) else ""),
        type=kind,
        code=_text(code),
        param=_text(where.get("param")),
    )


def write_error(failure: Failure) -> bytes:
    """{"error": {"message", "type", "param", "code"}}."""
    return _ENCODER.encode(
        {
            "error": {
                "message": failure.message,
                "type": _TYPES.get(failure_kind(failure), "server_error"),
                "param": failure.param or None,
                "code": failure.code or None,
            }
        }
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _sentence(told: dict[str, Any]) -> str:
    """ "message"; FastAPI's "detail" is a text or a list of {"loc", "msg"}."""
    message = told.get("message")
    if isinstance(message, str):
        return message
    detail = message if isinstance(message, dict) else told
    said = detail.get("detail")
    if isinstance(said, str):
        return said
    return _ENCODER.encode(said).decode()[:MAX_SENTENCE] if said else ""
