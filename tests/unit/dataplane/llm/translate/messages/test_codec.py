"""The codec as a whole."""

import json

from dataplane.llm.hub.delta import Delta
from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.request import Request
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.messages.codec import CODEC
from dataplane.runtime.dialect import PLAIN
from dataplane.runtime.protocols import Protocol

ECHO = Echo(Request("m", True, Protocol.MESSAGES, []), 1700000000, "0a1b")


def test_request_that_is_read_and_written_says_the_same() -> None:
    body = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 20_000,
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t", "content": "x", "is_error": True}
                ],
            },
        ],
        "tools": [{"name": "f", "description": "D", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "temperature": 0.5,
        "top_k": 3,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u"},
        "service_tier": "standard_only",
        "stream": True,
    }
    request = CODEC.read_request(json.dumps(body).encode(), "", True)
    assert isinstance(request, Request)
    losses = Losses(request)
    assert json.loads(CODEC.write_request(request, PLAIN, losses)) == body
    assert losses.dropped() == ()


def test_stream_that_is_read_and_written_says_the_same_again() -> None:
    lines = [
        {"type": "message_start", "message": {"id": "msg_1", "model": "c"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "Hello"},
        },
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}},
        {"type": "message_stop"},
    ]
    first = b"".join(b"data: %b\n\n" % json.dumps(line).encode() for line in lines)
    written = CODEC.stream_writer(ECHO).feed(_read(first))
    assert CODEC.stream_writer(ECHO).feed(_read(written)) == written


def _read(stream: bytes) -> list[Delta]:
    reader = CODEC.stream_reader()
    return reader.feed(stream) + reader.finish()
