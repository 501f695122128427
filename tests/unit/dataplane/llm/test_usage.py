import json

import pytest

from dataplane.llm.hub.answer import Usage
from dataplane.llm.usage import (
    MAX_JSON_BYTES,
    TAIL_BYTES,
    usage_in_tail,
    usage_of_json,
    usage_of_stream,
)

TOKENS = {"prompt_tokens": 7, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 3}}


def test_usage_of_a_json_answer_is_read() -> None:
    body = json.dumps({"choices": [{"usage": 1}], "usage": TOKENS}).encode()
    assert usage_of_json(body) == Usage(7, 9, 3)


def test_usage_at_the_end_of_a_large_json_answer_is_read() -> None:
    body = json.dumps({"x": "a" * MAX_JSON_BYTES, "usage": TOKENS}).encode()
    assert usage_of_json(body) == Usage(7, 9, 3)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"\x1f\x8b", b'{"usage":null}', b'{"usage":{"prompt_tokens":"x"}}'],
)
def test_answer_that_tells_no_usage_has_none(body: bytes) -> None:
    assert usage_of_json(body) is None


@pytest.mark.parametrize("names", [("prompt", "completion"), ("input", "output")])
def test_usage_in_one_of_the_last_events_is_read(names: tuple[str, str]) -> None:
    usage = {f"{names[0]}_tokens": 7, f"{names[1]}_tokens": 9}
    tail = b'data: {"usage": null}\n\ndata: ' + json.dumps({"usage": usage}).encode()
    assert usage_in_tail((tail + b"\n\ndata: [DONE]\n\n")[-TAIL_BYTES:]) == Usage(7, 9)


@pytest.mark.parametrize("tail", [b"", b'"usage"', b'"usage":{"prompt_tokens":1', b'"usage":null'])
def test_tail_without_usage_has_none(tail: bytes) -> None:
    assert usage_in_tail(tail) is None


def test_partly_told_usage_of_gemini_and_bedrock_is_read() -> None:
    google = (
        b'data: {"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":2,'
        b'"thoughtsTokenCount":3,"promptTokensDetails":[{"modality":"TEXT"}]}}'
    )
    assert usage_in_tail(google) == Usage(7, 5, reasoning=3)
    amazon = (
        b'\x00\x01{"usage":{"inputTokens":4,"outputTokens":2,"cacheReadInputTokens":6},'
        b'"p":"ab"}\xff'
    )
    assert usage_in_tail(amazon) == Usage(10, 2, 6)


def test_usage_told_at_both_ends_of_a_stream_is_put_together() -> None:
    head = (
        b'{"message":{"usage":{"input_tokens":5,"cache_read_input_tokens":3,'
        b'"cache_creation":{"a":1},"output_tokens":1}}}'
    )
    tail = b'{"type":"message_delta","usage":{"output_tokens":9}}'
    assert usage_of_stream(head, tail) == Usage(8, 9, 3)
    assert usage_of_stream(b"", tail) == Usage(0, 9)
    assert usage_of_stream(head, b"") == Usage(8, 1, 3)
