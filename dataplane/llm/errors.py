"""Local replies in the error body of the API that the client speaks."""

import msgspec

from dataplane.llm.hub.answer import Failure
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.protocols import Protocol

_ENCODER = msgspec.json.Encoder()

_PARAMS = {
    ResponseDetail.MODEL_NOT_FOUND: "model",
    ResponseDetail.MODEL_REQUIRED: "model",
}
_CODES = {
    # What SDKs and people look for.
    ResponseDetail.UNAUTHENTICATED: "invalid_api_key",
    ResponseDetail.RATE_LIMITED: "rate_limit_exceeded",
}
_AWS_NAMES = {
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
}


def error_type(status: int) -> str:
    """The `type` that OpenAI's own answers of this status carry."""
    if status in (401, 403):
        return "authentication_error" if status == 401 else "permission_error"
    if status == 429:
        return "rate_limit_error"
    return "invalid_request_error" if status < 500 else "server_error"


def aws_error_name(status: int) -> str:
    """What Bedrock calls an error of this status."""
    return _AWS_NAMES.get(
        status, "ValidationException" if status < 500 else "InternalServerException"
    )


def error_body(reply: LocalReply, speaks: Protocol = Protocol.CHAT) -> bytes:
    """The body for a client of an API, with the detail as the code where it has one.

    OpenAI's is {"error": {"message", "type", "param", "code"}}.
    """
    param = _PARAMS.get(reply.detail)
    code = _CODES.get(reply.detail) or reply.detail.value
    codec = CODECS.get(speaks) if speaks is not Protocol.CHAT else None
    if reply.kind and speaks is Protocol.RESPONSES:
        codec = None  # the same as chat's
    if codec is not None:
        return codec.write_error(Failure(reply.status, reply.message, code=code, param=param or ""))
    return _ENCODER.encode(
        {
            "error": {
                "message": reply.message,
                "type": reply.kind or error_type(reply.status),
                "param": param,
                "code": code,
            }
        }
    )
