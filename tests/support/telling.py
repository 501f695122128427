"""Providers that tell the same words in any protocol, event by event, and break where a test says.

Written by hand after the APIs' books, so that our own writers are not their own witnesses.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from dataplane.runtime.protocols import Protocol
from tests.support.upstream import (
    Close,
    Cut,
    Received,
    Script,
    Step,
    chunk,
    chunked_head,
    json_answer,
)

WORDS = [f"word{number} " for number in range(19)] + ["end."]
TEXT = "".join(WORDS)
PROMPT_TOKENS = 11
SSE = (Protocol.CHAT, Protocol.MESSAGES, Protocol.RESPONSES, Protocol.GEMINI)


def sse(event: dict[str, Any], named: bool = False) -> bytes:
    """One event."""
    name = f"event: {event['type']}\n" if named else ""
    return f"{name}data: {json.dumps(event)}\n\n".encode()


def told(protocol: Protocol, words: Sequence[str], mark: str = "a") -> list[bytes]:
    """The events of a whole stream; the words are events `first_word(protocol)` and following.
    `mark` is in every id.
    """
    return _TOLD[protocol](words, mark)


def first_word(protocol: Protocol) -> int:
    """How many events come before the first word."""
    return {Protocol.CHAT: 1, Protocol.MESSAGES: 2, Protocol.RESPONSES: 4, Protocol.GEMINI: 0}[
        protocol
    ]


def _chat(words: Sequence[str], mark: str) -> list[bytes]:
    def of(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return sse(head | {"choices": [choice]})

    head = {
        "id": f"chatcmpl-{mark}",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": f"model-{mark}",
    }
    usage = {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": len(words),
        "total_tokens": PROMPT_TOKENS + len(words),
    }
    return [
        of({"role": "assistant", "content": ""}),
        *(of({"content": word}) for word in words),
        of({}, "stop"),
        sse(head | {"choices": [], "usage": usage}),
        b"data: [DONE]\n\n",
    ]


def _messages(words: Sequence[str], mark: str) -> list[bytes]:
    message: dict[str, Any] = {
        "id": f"msg_{mark}",
        "type": "message",
        "role": "assistant",
        "model": f"model-{mark}",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": PROMPT_TOKENS, "output_tokens": 1},
    }
    stop = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": len(words)},
    }
    block = {"type": "text", "text": ""}
    return [
        sse({"type": "message_start", "message": message}, True),
        sse({"type": "content_block_start", "index": 0, "content_block": block}, True),
        *(
            sse(
                {
                    "type": "content_block_delta",
                    "index": 0,
                    "delta": {"type": "text_delta", "text": word},
                },
                True,
            )
            for word in words
        ),
        sse({"type": "content_block_stop", "index": 0}, True),
        sse(stop, True),
        sse({"type": "message_stop"}, True),
    ]


def _responses(words: Sequence[str], mark: str) -> list[bytes]:
    text = "".join(words)
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    item = {
        "id": f"msg_{mark}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }
    response = {
        "id": f"resp_{mark}",
        "object": "response",
        "created_at": 1700000000,
        "status": "in_progress",
        "model": f"model-{mark}",
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    at = {"item_id": f"msg_{mark}", "output_index": 0, "content_index": 0}
    usage = {
        "input_tokens": PROMPT_TOKENS,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": len(words),
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": PROMPT_TOKENS + len(words),
    }
    whole = response | {"status": "completed", "output": [item], "usage": usage}
    begun = item | {"status": "in_progress", "content": []}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": response},
        {"type": "response.in_progress", "response": response},
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
        {"type": "response.content_part.added", "part": part | {"text": ""}, **at},
        *(
            {"type": "response.output_text.delta", "delta": word, "logprobs": [], **at}
            for word in words
        ),
        {"type": "response.output_text.done", "text": text, "logprobs": [], **at},
        {"type": "response.content_part.done", "part": part, **at},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    return [sse(event | {"sequence_number": n}, True) for n, event in enumerate(events)]


def _gemini(words: Sequence[str], mark: str) -> list[bytes]:
    events = []
    for number, word in enumerate(words):
        last = {"finishReason": "STOP"} if number == len(words) - 1 else {}
        content = {"role": "model", "parts": [{"text": word}]}
        usage = {
            "promptTokenCount": PROMPT_TOKENS,
            "candidatesTokenCount": number + 1,
            "totalTokenCount": PROMPT_TOKENS + number + 1,
        }
        events.append(
            sse(
                {
                    "candidates": [{"content": content, "index": 0} | last],
                    "usageMetadata": usage,
                    "modelVersion": f"model-{mark}",
                    "responseId": f"resp-{mark}",
                }
            )
        )
    return events


_TOLD = {
    Protocol.CHAT: _chat,
    Protocol.MESSAGES: _messages,
    Protocol.RESPONSES: _responses,
    Protocol.GEMINI: _gemini,
}
IN_BAND = {
    Protocol.CHAT: sse({"error": {"message": "Engine lost.", "type": "server_error"}}),
    Protocol.MESSAGES: sse(
        {"type": "error", "error": {"type": "overloaded_error", "message": "Engine lost."}}, True
    ),
    Protocol.RESPONSES: sse(
        {
            "type": "response.failed",
            "response": {
                "id": "resp_a",
                "object": "response",
                "status": "failed",
                "error": {"code": "server_error", "message": "Engine lost."},
            },
            "sequence_number": 99,
        },
        True,
    ),
    Protocol.GEMINI: sse(
        {"error": {"code": 503, "message": "Engine lost.", "status": "UNAVAILABLE"}}
    ),
}
"""The provider says that it failed."""


class Stall:
    """Nothing comes any more."""


Ending = Step | Stall | None


def prefill_of(protocol: Protocol, received: Received) -> str:
    """The beginning of the answer that a request gives; empty: none."""
    asked = json.loads(received.body)
    turns = asked.get("messages") or asked.get("input") or asked.get("contents")
    last = turns[-1] if isinstance(turns, list) else {}
    if last.get("role") not in ("assistant", "model"):
        return ""
    content = last.get("content") or last.get("parts") or ""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def taking_prefill(protocol: Protocol, mark: str = "b") -> Script:
    """Says what is left of the answer after the beginning that it is given."""

    async def script(received: Received) -> AsyncIterator[Step]:
        given = prefill_of(protocol, received)
        assert TEXT.startswith(given)
        assert given == given.rstrip()
        left = TEXT[len(given) :]
        words = [left[at : at + 7] for at in range(0, len(left), 7)]
        async for step in telling(protocol, words, mark)(received):
            yield step

    return script


def refusing_prefill(protocol: Protocol, then: Script) -> Script:
    """A 400 for every request that ends in an assistant message."""

    async def script(received: Received) -> AsyncIterator[Step]:
        if prefill_of(protocol, received):
            words = {"message": "This model does not support assistant message prefill."}
            yield json_answer(json.dumps({"error": words}).encode(), "400 Bad Request")
            return
        async for step in then(received):
            yield step

    return script


def telling(
    protocol: Protocol,
    words: Sequence[str] = WORDS,
    mark: str = "a",
    *,
    stop_at: int | None = None,
    ending: Ending = None,
    one_read: bool = False,
) -> Script:
    """Tells the words; after `stop_at` of them comes `ending` instead of the rest."""

    async def script(received: Received) -> AsyncIterator[Step]:
        events = told(protocol, words, mark)
        if stop_at is not None:
            events = events[: first_word(protocol) + stop_at]
        yield chunked_head()
        if one_read:
            yield chunk(b"".join(events))
        else:
            for event in events:
                yield chunk(event)
        match ending:
            case None if stop_at is None:
                yield b"0\r\n\r\n"
            case Stall():
                await asyncio.sleep(3600)
            case None:
                await asyncio.sleep(0.01)
                yield Close()
            case bytes() as data:
                yield (chunk(data) if data else b"") + b"0\r\n\r\n"
            case Cut() | Close() as end:
                await asyncio.sleep(0.01)  # so that what was sent is read before the reset
                yield end

    return script
