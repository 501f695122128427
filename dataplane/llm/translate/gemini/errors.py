"""Errors, both ways: {"error": {"code", "message", "status", "details"}}."""

from typing import Any

import msgspec

from dataplane.llm.hub.answer import Failure, failure_kind

_KINDS = {
    "INVALID_ARGUMENT": "invalid_request",
    "FAILED_PRECONDITION": "invalid_request",
    "OUT_OF_RANGE": "invalid_request",
    "UNAUTHENTICATED": "authentication",
    "PERMISSION_DENIED": "permission",
    "NOT_FOUND": "not_found",
    "RESOURCE_EXHAUSTED": "rate_limit",
    "INTERNAL": "server",
    "UNKNOWN": "server",
    "UNIMPLEMENTED": "server",
    "UNAVAILABLE": "overloaded",
    "DEADLINE_EXCEEDED": "timeout",
}
_WORDS = {
    "invalid_request": "INVALID_ARGUMENT",
    "too_large": "INVALID_ARGUMENT",
    "authentication": "UNAUTHENTICATED",
    "permission": "PERMISSION_DENIED",
    "not_found": "NOT_FOUND",
    "rate_limit": "RESOURCE_EXHAUSTED",
    "server": "INTERNAL",
    "overloaded": "UNAVAILABLE",
    "timeout": "DEADLINE_EXCEEDED",
}
_BAD_KEYS = ("API_KEY_INVALID", "API_KEY_EXPIRED")
"""Google answers these with 400 INVALID_ARGUMENT."""
_TYPES = "type.googleapis.com/google.rpc."
MAX_SENTENCE = 2000
"""Characters of another service's words that we repeat when they are in no known form."""


class _Violation(msgspec.Struct):
    field: str | None = None


class _Detail(msgspec.Struct, rename="camel"):
    reason: str | None = None
    field_violations: list[_Violation] | None = None


class WireError(msgspec.Struct):
    """What went wrong."""

    code: int | None = None
    message: str | None = None
    status: str | None = None
    details: list[_Detail] | None = None


class _Body(msgspec.Struct):
    error: WireError | str | None = None


_BODY = msgspec.json.Decoder(_Body)
_BODIES = msgspec.json.Decoder(list[_Body])
_ERROR = msgspec.json.Decoder(WireError)
_ENCODER = msgspec.json.Encoder()


def read_error(status: int, body: bytes) -> Failure:
    """The body of a provider's error answer, alone or in a list as streams give it; what is in no
    known form is repeated as it is.
    """
    try:
        body.decode()
        if body.lstrip()[:1] == b"[":
            wire = next((one for one in _BODIES.decode(body) if one.error), _Body())
        else:
            wire = _BODY.decode(body)
    except (ValueError, RecursionError):
        return Failure(status, body.decode("utf-8", "replace").strip()[:MAX_SENTENCE])
    if isinstance(wire.error, WireError):
        return failure_of(wire.error, status)
    return Failure(status, wire.error or "")


def streamed_failure(raw: msgspec.Raw) -> Failure:
    """The `error` of a chunk of a stream."""
    try:
        return failure_of(_ERROR.decode(raw), 0)
    except (ValueError, RecursionError):
        return Failure(500, bytes(raw).decode("utf-8", "replace")[:MAX_SENTENCE])


def failure_of(error: WireError, status: int) -> Failure:
    """An error object, with its status where it stands alone (0)."""
    word = error.status or ""
    reason = ""
    param = ""
    for detail in error.details or ():
        reason = reason or detail.reason or ""
        for violation in detail.field_violations or ():
            param = param or violation.field or ""
    kind = "authentication" if reason in _BAD_KEYS else _KINDS.get(word, "")
    code = error.code if error.code is not None and 400 <= error.code < 600 else 500
    return Failure(status or code, error.message or "", kind, reason or word, param)


def error_object(failure: Failure) -> dict[str, Any]:
    """The error object alone."""
    kind = failure_kind(failure)
    word = _WORDS.get(kind, "UNKNOWN")
    error: dict[str, Any] = {
        "code": failure.status,
        "message": failure.message,
        "status": word,
    }
    details: list[dict[str, Any]] = []
    if failure.code and failure.code != word:
        details.append(
            {"@type": f"{_TYPES}ErrorInfo", "reason": failure.code, "domain": "outrider"}
        )
    if failure.param:
        violation = {"field": failure.param, "description": failure.message}
        details.append({"@type": f"{_TYPES}BadRequest", "fieldViolations": [violation]})
    if details:
        error["details"] = details
    return error


def write_error(failure: Failure) -> bytes:
    """The body in which the API tells errors."""
    return _ENCODER.encode({"error": error_object(failure)})
