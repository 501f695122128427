"""Errors, both ways. The body is that of all of OpenAI's APIs; a response object that failed has a
form of its own.
"""

import msgspec

from dataplane.llm.hub.answer import Failure, failure_kind
from dataplane.llm.translate.chat.errors import failure_of, read_error, write_error

__all__ = ["failure_of", "read_error", "response_error", "write_error"]

_CODES = frozenset(
    (
        "server_error",
        "rate_limit_exceeded",
        "invalid_prompt",
        "data_residency_mismatch",
        "bio_policy",
        "vector_store_timeout",
        "invalid_image",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "image_too_large",
        "image_too_small",
        "image_parse_error",
        "image_content_policy_violation",
        "invalid_image_mode",
        "image_file_too_large",
        "unsupported_image_media_type",
        "empty_image_file",
        "failed_to_download_image",
        "image_file_not_found",
    )
)
"""All codes that the API's types know."""
_BY_KIND = {
    "rate_limit": "rate_limit_exceeded",
    "invalid_request": "invalid_prompt",
    "too_large": "invalid_prompt",
}
_ENCODER = msgspec.json.Encoder()


def response_error(failure: Failure) -> bytes:
    """The `error` of a response object: {"code", "message"}."""
    code = failure.code
    if code not in _CODES:
        code = _BY_KIND.get(failure_kind(failure), "server_error")
    return _ENCODER.encode({"code": code, "message": failure.message})
