"""Counts of tokens in the shape of each API."""

import json

import pytest

from dataplane.llm.counted import counted
from dataplane.runtime.protocols import Operation

TURN = {"role": "user", "parts": [{"text": "What is the weather in Oslo?"}]}


@pytest.mark.parametrize(
    ("operation", "body", "key"),
    [
        pytest.param(
            Operation.COUNT_TOKENS,
            {"model": "m", "messages": [{"role": "user", "content": TURN["parts"][0]["text"]}]},  # type: ignore[index]
            "input_tokens",
            id="anthropic",
        ),
        pytest.param(
            Operation.GEMINI_COUNT_TOKENS, {"contents": [TURN]}, "totalTokens", id="google"
        ),
        pytest.param(
            Operation.GEMINI_COUNT_TOKENS,
            {"generateContentRequest": {"model": "models/m", "contents": [TURN]}},
            "totalTokens",
            id="google, a whole request",
        ),
    ],
)
def test_tokens_are_told_in_the_apis_words(operation: Operation, body: object, key: str) -> None:
    reply = counted(operation, json.dumps(body).encode(), "m")
    assert reply.status == 200, reply.message
    assert reply.body is not None
    assert 8 <= json.loads(reply.body)[key] <= 18


@pytest.mark.parametrize("operation", [Operation.COUNT_TOKENS, Operation.GEMINI_COUNT_TOKENS])
@pytest.mark.parametrize("body", [b"", b"[]", b'{"messages":7,"contents":7}'])
def test_bad_bodies_are_refused(operation: Operation, body: bytes) -> None:
    assert counted(operation, body, "m").status == 400
