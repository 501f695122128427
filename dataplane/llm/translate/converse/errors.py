"""Errors, both ways.

AWS tells the kind of an error by the name of an exception: in the header `x-amzn-errortype`, and in
the body's `__type` for clients that read it there.
"""

import re

import msgspec

from dataplane.llm.hub.answer import Failure, failure_kind

_TYPES = {
    "accessdeniedexception": "permission",
    "conflictexception": "invalid_request",
    "expiredtokenexception": "authentication",
    "incompletesignatureexception": "authentication",
    "internalfailure": "server",
    "internalserverexception": "server",
    "invalidsignatureexception": "authentication",
    "missingauthenticationtokenexception": "authentication",
    "modelerrorexception": "server",
    "modelnotreadyexception": "overloaded",
    "modelstreamerrorexception": "server",
    "modeltimeoutexception": "timeout",
    "requestexpired": "authentication",
    "resourcenotfoundexception": "not_found",
    "servicequotaexceededexception": "rate_limit",
    "serviceunavailableexception": "overloaded",
    "throttlingexception": "rate_limit",
    "unrecognizedclientexception": "authentication",
    "validationexception": "invalid_request",
}
_NAMES = {
    "invalid_request": "ValidationException",
    "authentication": "UnrecognizedClientException",
    "permission": "AccessDeniedException",
    "not_found": "ResourceNotFoundException",
    "too_large": "ValidationException",
    "rate_limit": "ThrottlingException",
    "server": "InternalServerException",
    "overloaded": "ServiceUnavailableException",
    "timeout": "ModelTimeoutException",
}
STATUSES = {
    "validationException": 400,
    "throttlingException": 429,
    "modelStreamErrorException": 424,
    "internalServerException": 500,
    "serviceUnavailableException": 503,
    "modelTimeoutException": 408,
}
"""Of exceptions within a stream."""
_STREAM_NAMES = {
    "invalid_request": "validationException",
    "too_large": "validationException",
    "rate_limit": "throttlingException",
    "overloaded": "serviceUnavailableException",
    "timeout": "modelStreamErrorException",
}
_TOO_LONG = re.compile(
    r"(input|prompt) is too long|too many (input )?tokens|context (length|window)"
)
CONTEXT_LENGTH = "context_length_exceeded"
MAX_SENTENCE = 2000
"""Characters of another service's words that we repeat when they are in no known form."""


class _Body(msgspec.Struct, rename={"type": "__type"}):
    message: str | None = None
    Message: str | None = None
    type: str | None = None
    originalMessage: str | None = None


_BODY = msgspec.json.Decoder(_Body)
_ENCODER = msgspec.json.Encoder()


def read_error(status: int, body: bytes) -> Failure:
    """The body of a provider's error answer; what is in no known form is repeated as it is."""
    try:
        body.decode()
        wire = _BODY.decode(body)
    except (ValueError, RecursionError):
        return _failure(status, body.decode("utf-8", "replace").strip()[:MAX_SENTENCE], "")
    # "com.amazon.coral.service#UnrecognizedClientException", "ValidationException:http://..."
    name = (wire.type or "").rpartition("#")[2].partition(":")[0]
    return _failure(status, wire.message or wire.Message or "", name)


def read_exception(name: str, payload: bytes) -> Failure:
    """An exception that ends a stream."""
    status = STATUSES.get(name, 500)
    try:
        payload.decode()
        wire = _BODY.decode(payload)
    except (ValueError, RecursionError):
        return _failure(status, payload.decode("utf-8", "replace").strip()[:MAX_SENTENCE], name)
    message = wire.message or wire.Message or wire.originalMessage or ""
    if wire.originalMessage and wire.originalMessage not in message:
        message += f" ({wire.originalMessage})"
    return _failure(status, message, name)


def _failure(status: int, message: str, name: str) -> Failure:
    failure = Failure(status, message, _TYPES.get(name.lower(), ""), code=name)
    if status == 424:
        failure.type = "server"
    failure.type = failure_kind(failure)
    if failure.type == "invalid_request" and _TOO_LONG.search(message.lower()):
        failure.code = CONTEXT_LENGTH
    return failure


def error_type(failure: Failure) -> str:
    """The exception's name, as the header `x-amzn-errortype` must tell it."""
    kind = failure_kind(failure)
    if kind in ("invalid_request", "server") and failure.status >= 400:
        # Others call many things so, whose status tells more.
        kind = failure_kind(Failure(failure.status, ""))
        if failure.status == 424:
            return "ModelErrorException"
    return _NAMES[kind]


def write_error(failure: Failure) -> bytes:
    """{"message", "__type"}."""
    return _ENCODER.encode({"message": failure.message, "__type": error_type(failure)})


def write_exception(failure: Failure) -> tuple[str, bytes]:
    """Name and payload of the frame that ends a client's stream."""
    name = _STREAM_NAMES.get(failure_kind(failure), "internalServerException")
    if failure.status == 424:
        name = "modelStreamErrorException"
    return name, _ENCODER.encode({"message": failure.message or "The model's stream failed."})
