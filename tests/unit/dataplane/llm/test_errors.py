import json

import pytest

from dataplane.llm.errors import error_body, error_type
from dataplane.runtime.messages import LocalReply, ResponseDetail


def test_error_body_is_openais() -> None:
    reply = LocalReply(404, 'no "x"', ResponseDetail.MODEL_NOT_FOUND)
    assert json.loads(error_body(reply)) == {
        "error": {
            "message": 'no "x"',
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
        }
    }


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (429, "rate_limit_error"),
        (502, "server_error"),
    ],
)
def test_type_follows_the_status(status: int, word: str) -> None:
    assert error_type(status) == word
