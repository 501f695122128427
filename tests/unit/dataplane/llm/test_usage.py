import json

import pytest

from dataplane.llm.usage import MAX_JSON_BYTES, TAIL_BYTES, Usage, usage_in_tail, usage_of_json

TOKENS = {"prompt_tokens": 7, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 3}}


def test_usage_of_a_json_answer_is_read() -> None:
    body = json.dumps({"choices": [{"usage": 1}], "usage": TOKENS}).encode()
    assert usage_of_json(body) == Usage(7, 9)


def test_usage_at_the_end_of_a_large_json_answer_is_read() -> None:
    body = json.dumps({"x": "a" * MAX_JSON_BYTES, "usage": TOKENS}).encode()
    assert usage_of_json(body) == Usage(7, 9)


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


@pytest.mark.parametrize("tail", [b"", b'"usage"', b'"usage":{"prompt_tokens":1}', b'"usage":null'])
def test_tail_without_usage_has_none(tail: bytes) -> None:
    assert usage_in_tail(tail) is None
