import pytest

from dataplane.llm.chat_answer import Unreadable, answer_text, error_sentence
from dataplane.runtime.messages import HttpReply

SSE = (("Content-Type", "text/event-stream; charset=utf-8"),)


def json(body: bytes) -> HttpReply:
    return HttpReply(200, (("content-type", "application/json"),), body)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"choices":[{"message":{"role":"assistant","content":"Rain."}}]}', "Rain."),
        (b'{"choices":[{"message":{"content":[{"type":"text","text":"Rain."}]}}]}', "Rain."),
        (b'{"choices":[{"message":{"content":null,"tool_calls":[]}}],"error":null}', ""),
    ],
    ids=["text", "parts", "tool call"],
)
def test_text_of_a_whole_answer(body: bytes, text: str) -> None:
    assert answer_text(json(body)) == text


def test_text_of_a_stream_is_the_first_choice() -> None:
    body = (
        b'data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}\r\n\r\n'
        b'data: {"choices":[{"index":0,"delta":{"content":"Ra"}}]}\n\n'
        b'data: {"choices":[{"index":1,"delta":{"content":"other"}}]}\n\n'
        b": ping\n\ndata: {broken\n\n"
        b'data: {"choices":[{"delta":{"content":"in."}}]}\n\n'
        b'data: {"choices":[],"usage":{"total_tokens":3}}\n\ndata: [DONE]'
    )
    assert answer_text(HttpReply(200, SSE, body)) == "Rain."


def test_stream_with_a_finish_reason_needs_no_done() -> None:
    body = b'data: {"choices":[{"delta":{"content":"Rain."},"finish_reason":"stop"}]}\n\n'
    assert answer_text(HttpReply(200, SSE, body)) == "Rain."


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (json(b"<html>"), "it is not JSON"),
        (json(b'"hi"'), "it is not a chat completion"),
        (json(b'{"answer":"hi"}'), "it has no choices[0].message"),
        (json(b'{"error":{"message":"x"}}'), "it carries an error"),
        (HttpReply(200, SSE, b'data: {"error":{"message":"x"}}\n\n'), "it carries an error"),
        (HttpReply(200, SSE, b'data: {"choices":[{"delta":{}}]}\n\n'), "its stream ended early"),
        (HttpReply(200, SSE, b"data: " + b"x" * (2 << 20)), "larger than"),
        (HttpReply(200, (("Content-Encoding", "gzip"),), b"\x1f"), "content-encoding is gzip"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_answer_does_not_pass_for_one(reply: HttpReply, reason: str) -> None:
    text = answer_text(reply)
    assert isinstance(text, Unreadable)
    assert reason in text.reason


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"error":{"message":"slow down"}}', "slow down"),
        (b'{"error":"slow down"}', "slow down"),
        (b'{"message":"slow down"}', "slow down"),
        (b'{"detail":"slow down"}', "slow down"),
        (b'{"detail":[{"loc":[]}]}', ""),
        (b"<html>", ""),
        (b'{"error":{"message":"' + b"x" * 900 + b'"}}', "x" * 500),
    ],
)
def test_sentence_of_an_error_is_found(body: bytes, sentence: str) -> None:
    assert error_sentence(json(body)) == sentence


def test_plain_text_error_is_its_own_sentence() -> None:
    assert error_sentence(HttpReply(500, (("content-type", "text/plain"),), b" no\n")) == "no"
