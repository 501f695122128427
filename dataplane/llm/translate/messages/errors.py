"""Errors, both ways."""

import msgspec

from dataplane.llm.hub.answer import Failure
from dataplane.runtime.messages import ResponseDetail

_HUB_TYPES = {
    "invalid_request_error": "invalid_request",
    "authentication_error": "authentication",
    "billing_error": "permission",
    "permission_error": "permission",
    "not_found_error": "not_found",
    "request_too_large": "too_large",
    "rate_limit_error": "rate_limit",
    "api_error": "server",
    "overloaded_error": "overloaded",
    "timeout_error": "timeout",
}
_TYPES = {
    "invalid_request": "invalid_request_error",
    "authentication": "authentication_error",
    "permission": "permission_error",
    "not_found": "not_found_error",
    "too_large": "request_too_large",
    "rate_limit": "rate_limit_error",
    "server": "api_error",
    "overloaded": "overloaded_error",
    "timeout": "timeout_error",
}
_BY_STATUS = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_STATUSES = {
    "invalid_request": 400,
    "authentication": 401,
    "permission": 403,
    "not_found": 404,
    "too_large": 413,
    "rate_limit": 429,
    "overloaded": 529,
    "timeout": 504,
}
MAX_SENTENCE = 2000
"""Characters of another service's words that we repeat when they are in no known form."""


class WireError(msgspec.Struct, gc=False):
    """What went wrong."""

    type: str | None = None
    message: str | None = None


class _Body(msgspec.Struct):
    error: WireError | str | None = None
    message: str | None = None


_BODY = msgspec.json.Decoder(_Body)
_ENCODER = msgspec.json.Encoder()


def read_error(status: int, body: bytes) -> Failure:
    """The body of a provider's error answer; what is in no known form is repeated as it is."""
    try:
        body.decode()
        wire = _BODY.decode(body)
    except (ValueError, RecursionError):
        return Failure(status, body.decode("utf-8", "replace").strip()[:MAX_SENTENCE])
    error = wire.error
    if isinstance(error, WireError):
        return failure_of(error, status)
    return Failure(status, error or wire.message or "")


def failure_of(error: WireError, status: int = 0) -> Failure:
    """An error object, with its status where it stands alone (in a stream)."""
    word = error.type or ""
    kind = _HUB_TYPES.get(word, "")
    return Failure(
        status or _STATUSES.get(kind, 500),
        error.message or "",
        type=kind,
        code=word,
    )


def write_error(failure: Failure) -> bytes:
    """{"type": "error", "error": {"type", "message"}, "request_id": null}."""
    error: dict[str, object] = {"type": error_type(failure), "message": failure.message}
    if failure.code == ResponseDetail.THREAD_UNSUPPORTED.value:
        # With this the SDK's tool runner goes on by saying everything itself.
        error["details"] = {"error_code": failure.code, "unsupported": ["thread"]}
    return _ENCODER.encode({"type": "error", "error": error, "request_id": None})


def error_type(failure: Failure) -> str:
    """The API's word, by what is said and else by status."""
    if failure.status == 402:
        return "billing_error"
    known = _TYPES.get(failure.type) or _BY_STATUS.get(failure.status)
    if known:
        return known
    return "api_error" if failure.status >= 500 else "invalid_request_error"
