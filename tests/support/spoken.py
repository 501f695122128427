"""The same small exchange in every protocol: a question, its answer, the answer as a stream."""

import json
from dataclasses import dataclass
from typing import Any

from dataplane.runtime.protocols import Protocol
from tests.support.aws_frames import of_line

TEXT = "Rain in Oslo."


@dataclass(frozen=True)
class Spoken:
    """One protocol. Requests are for the model `nick`; answers have 5 + 7 tokens and say TEXT."""

    api: str
    """The operation's name in a config."""
    path: str
    stream_path: str
    request: dict[str, Any]
    answer: bytes
    stream: bytes
    kind: bytes
    upstream_path: str
    upstream_stream_path: str
    error: bytes
    """Of status 429."""
    cut: bytes
    """A stream that has no end."""

    def body(self, stream: bool = False) -> bytes:
        """A client's request."""
        in_body = {"stream": True} if stream and self.path == self.stream_path else {}
        return json.dumps(self.request | in_body).encode()


def _sse(*events: dict[str, Any], named: bool = False, done: bool = False) -> bytes:
    lines = [
        (f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n"
        for event in events
    ]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


def _chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "m-1",
        "choices": [choice],
    } | more


_CHAT_USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
_CHAT = (_chunk({"role": "assistant", "content": "Rain "}), _chunk({"content": "in Oslo."}))
CHAT = Spoken(
    "chat",
    "/v1/chat/completions",
    "/v1/chat/completions",
    {"model": "nick", "messages": [{"role": "user", "content": "Weather?"}]},
    json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1700000000,
            "model": "m-1",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": TEXT},
                    "finish_reason": "stop",
                }
            ],
            "usage": _CHAT_USAGE,
        }
    ).encode(),
    _sse(
        *_CHAT,
        _chunk({}, "stop"),
        _chunk({}) | {"choices": [], "usage": _CHAT_USAGE},
        done=True,
    ),
    b"text/event-stream",
    "/base/chat/completions",
    "/base/chat/completions",
    b'{"error":{"message":"Slow down.","type":"rate_limit_error","code":"too_fast"}}',
    _sse(*_CHAT),
)

_MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m-1",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 1},
}
_MESSAGES: tuple[dict[str, Any], ...] = (
    {"type": "message_start", "message": _MESSAGE},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "Rain "},
    },
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "in Oslo."},
    },
)
MESSAGES = Spoken(
    "messages",
    "/v1/messages",
    "/v1/messages",
    {"model": "nick", "max_tokens": 99, "messages": [{"role": "user", "content": "Weather?"}]},
    json.dumps(
        _MESSAGE
        | {
            "content": [{"type": "text", "text": TEXT}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 5, "output_tokens": 7},
        }
    ).encode(),
    _sse(
        *_MESSAGES,
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 7},
        },
        {"type": "message_stop"},
        named=True,
    ),
    b"text/event-stream",
    "/base/messages",
    "/base/messages",
    b'{"type":"error","error":{"type":"rate_limit_error","message":"Slow down."}}',
    _sse(*_MESSAGES, named=True),
)

_RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1700000000,
    "status": "in_progress",
    "model": "m-1",
    "output": [],
}
_ITEM: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": TEXT, "annotations": []}],
}
_DONE_RESPONSE = _RESPONSE | {
    "status": "completed",
    "output": [_ITEM],
    "usage": {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12},
}
_AT = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
_RESPONSES: tuple[dict[str, Any], ...] = (
    {"type": "response.created", "response": _RESPONSE},
    {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": _ITEM | {"status": "in_progress", "content": []},
    },
    {
        "type": "response.content_part.added",
        "part": {"type": "output_text", "text": "", "annotations": []},
        **_AT,
    },
    {"type": "response.output_text.delta", "delta": "Rain ", **_AT},
    {"type": "response.output_text.delta", "delta": "in Oslo.", **_AT},
)


def _numbered(*events: dict[str, Any]) -> bytes:
    return _sse(*(e | {"sequence_number": n} for n, e in enumerate(events)), named=True)


RESPONSES = Spoken(
    "responses",
    "/v1/responses",
    "/v1/responses",
    {"model": "nick", "input": "Weather?", "store": False},
    json.dumps(_DONE_RESPONSE).encode(),
    _numbered(
        *_RESPONSES,
        {"type": "response.output_text.done", "text": TEXT, **_AT},
        {"type": "response.content_part.done", "part": _ITEM["content"][0], **_AT},
        {"type": "response.output_item.done", "output_index": 0, "item": _ITEM},
        {"type": "response.completed", "response": _DONE_RESPONSE},
    ),
    b"text/event-stream",
    "/base/responses",
    "/base/responses",
    b'{"error":{"message":"Slow down.","type":"rate_limit_error","code":"too_fast"}}',
    _numbered(*_RESPONSES),
)


def _google(text: str, **more: Any) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": text}]}
    return {
        "candidates": [{"content": content, "index": 0} | more],
        "usageMetadata": {
            "promptTokenCount": 5,
            "candidatesTokenCount": 7,
            "totalTokenCount": 12,
        },
        "modelVersion": "m-1",
        "responseId": "g1",
    }


GEMINI = Spoken(
    "generate_content",
    "/v1beta/models/nick:generateContent",
    "/v1beta/models/nick:streamGenerateContent?alt=sse",
    {"contents": [{"role": "user", "parts": [{"text": "Weather?"}]}]},
    json.dumps(_google(TEXT, finishReason="STOP")).encode(),
    _sse(_google("Rain "), _google("in Oslo.", finishReason="STOP")),
    b"text/event-stream",
    "/base/models/m-1:generateContent",
    "/base/models/m-1:streamGenerateContent?alt=sse",
    b'{"error":{"code":429,"message":"Slow down.","status":"RESOURCE_EXHAUSTED"}}',
    _sse(_google("Rain "), _google("in Oslo.")),
)


def _frames(*events: tuple[str, dict[str, Any]]) -> bytes:
    return b"".join(
        of_line(json.dumps({"event-type": name, "payload": payload})) for name, payload in events
    )


_CONVERSE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Rain "}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "in Oslo."}}),
)
_CONVERSE_USAGE = {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}
CONVERSE = Spoken(
    "converse",
    "/model/nick/converse",
    "/model/nick/converse-stream",
    {"messages": [{"role": "user", "content": [{"text": "Weather?"}]}]},
    json.dumps(
        {
            "output": {"message": {"role": "assistant", "content": [{"text": TEXT}]}},
            "stopReason": "end_turn",
            "usage": _CONVERSE_USAGE,
            "metrics": {"latencyMs": 3},
        }
    ).encode(),
    _frames(
        *_CONVERSE,
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": _CONVERSE_USAGE, "metrics": {"latencyMs": 3}}),
    ),
    b"application/vnd.amazon.eventstream",
    "/base/model/m-1/converse",
    "/base/model/m-1/converse-stream",
    b'{"message":"Slow down."}',
    _frames(*_CONVERSE),
)

SPOKEN = {
    Protocol.CHAT: CHAT,
    Protocol.RESPONSES: RESPONSES,
    Protocol.MESSAGES: MESSAGES,
    Protocol.GEMINI: GEMINI,
    Protocol.CONVERSE: CONVERSE,
}
