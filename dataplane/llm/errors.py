"""Local replies in the error body of the API that the client speaks (OpenAI's)."""

import msgspec

from dataplane.runtime.messages import LocalReply, ResponseDetail

_ENCODER = msgspec.json.Encoder()

_PARAMS = {
    ResponseDetail.MODEL_NOT_FOUND: "model",
    ResponseDetail.MODEL_REQUIRED: "model",
}


def error_type(status: int) -> str:
    """The `type` that OpenAI's own answers of this status carry."""
    if status in (401, 403):
        return "authentication_error" if status == 401 else "permission_error"
    if status == 429:
        return "rate_limit_error"
    return "invalid_request_error" if status < 500 else "server_error"


def error_body(reply: LocalReply) -> bytes:
    """{"error": {"message", "type", "param", "code"}} with the detail as the code."""
    return _ENCODER.encode(
        {
            "error": {
                "message": reply.message,
                "type": error_type(reply.status),
                "param": _PARAMS.get(reply.detail),
                "code": reply.detail.value,
            }
        }
    )
