"""How a provider says sixty words in each protocol, event by event, and how it says no.

Written from the vendors' descriptions; tests/unit/faults/test_wall.py holds it to their types.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from dataplane.runtime.protocols import Protocol
from tests.faults.words import PROMPT_TOKENS

CREATED = 1_790_000_000


class Speech(ABC):
    """One streamed answer. Each method gives the bytes of whole events."""

    protocol: ClassVar[Protocol]

    def __init__(self, model: str, serial: int, wants_usage: bool) -> None:
        self.model = model
        self.serial = f"{serial:08}"
        self.wants_usage = wants_usage
        self.said: list[str] = []

    @abstractmethod
    def begin(self) -> bytes:
        """What comes before any content."""

    @abstractmethod
    def token(self, text: str) -> bytes:
        """One token."""

    @abstractmethod
    def finish(self) -> bytes:
        """All that is left to be known: why it ended, and the usage."""

    @abstractmethod
    def last(self) -> bytes:
        """The sign after which nothing comes, where the protocol has one that says only that."""

    @abstractmethod
    def broken(self) -> bytes:
        """An event whose data are not JSON."""

    @abstractmethod
    def failed(self, status: int, kind: str, message: str) -> bytes:
        """An error within a stream of status 200."""

    @abstractmethod
    def whole(self, text: str) -> bytes:
        """The body of an answer that is not streamed."""


class Chat(Speech):
    """OpenAI chat completions."""

    protocol = Protocol.CHAT

    def begin(self) -> bytes:
        return self._chunk([_choice({"role": "assistant", "content": "", "refusal": None})])

    def token(self, text: str) -> bytes:
        self.said.append(text)
        return self._chunk([_choice({"content": text})])

    def finish(self) -> bytes:
        stop = self._chunk([_choice({}, "stop")])
        usage = _openai_usage("prompt_tokens", "completion_tokens", len(self.said))
        return stop + (self._chunk([], usage) if self.wants_usage else b"")

    def last(self) -> bytes:
        return b"data: [DONE]\n\n"

    def broken(self) -> bytes:
        return b'data: {"id":"chatcmpl-' + self.serial.encode() + b'","choices":[{"del\n\n'

    def failed(self, status: int, kind: str, message: str) -> bytes:
        return b"data: %b\n\n" % openai_error(kind, message)

    def whole(self, text: str) -> bytes:
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        message["annotations"] = []
        return json.dumps(
            {
                "id": f"chatcmpl-{self.serial}",
                "object": "chat.completion",
                "created": CREATED,
                "model": self.model,
                "choices": [
                    {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
                ],
                "usage": _openai_usage("prompt_tokens", "completion_tokens", len(text.split(" "))),
            }
        ).encode()

    def _chunk(self, choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> bytes:
        event: dict[str, Any] = {
            "id": f"chatcmpl-{self.serial}",
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": self.model,
            "choices": choices,
        }
        if self.wants_usage:
            event["usage"] = usage
        return b"data: %b\n\n" % _compact(event)


class Messages(Speech):
    """Anthropic Messages."""

    protocol = Protocol.MESSAGES

    def begin(self) -> bytes:
        message = self._message([], None, 1)
        block = {"type": "text", "text": ""}
        return _named(
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "ping"},
        )

    def token(self, text: str) -> bytes:
        self.said.append(text)
        delta = {"type": "text_delta", "text": text}
        return _named({"type": "content_block_delta", "index": 0, "delta": delta})

    def finish(self) -> bytes:
        return _named(
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": len(self.said)},
            },
        )

    def last(self) -> bytes:
        return _named({"type": "message_stop"})

    def broken(self) -> bytes:
        return b'event: content_block_delta\ndata: {"type":"content_block_delta","ind\n\n'

    def failed(self, status: int, kind: str, message: str) -> bytes:
        return b"event: error\ndata: %b\n\n" % anthropic_error(kind, message)

    def whole(self, text: str) -> bytes:
        content = [{"type": "text", "text": text, "citations": None}]
        return json.dumps(self._message(content, "end_turn", len(text.split(" ")))).encode()

    def _message(self, content: list[Any], stop: str | None, output: int) -> dict[str, Any]:
        return {
            "id": f"msg_{self.serial}",
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {"input_tokens": PROMPT_TOKENS, "output_tokens": output},
        }


class Responses(Speech):
    """OpenAI Responses."""

    protocol = Protocol.RESPONSES

    def __init__(self, model: str, serial: int, wants_usage: bool) -> None:
        super().__init__(model, serial, wants_usage)
        self._number = 0
        self._at = {"item_id": f"msg_{self.serial}", "output_index": 0, "content_index": 0}

    def begin(self) -> bytes:
        response = self._response("in_progress", [])
        return self._events(
            {"type": "response.created", "response": response},
            {"type": "response.in_progress", "response": response},
            {
                "type": "response.output_item.added",
                "output_index": 0,
                "item": self._item("in_progress", []),
            },
            {"type": "response.content_part.added", "part": _part("")} | self._at,
        )

    def token(self, text: str) -> bytes:
        self.said.append(text)
        delta = {"type": "response.output_text.delta", "delta": text, "logprobs": []}
        return self._events(delta | self._at)

    def finish(self) -> bytes:
        text = "".join(self.said)
        item = self._item("completed", [_part(text)])
        return self._events(
            {"type": "response.output_text.done", "text": text, "logprobs": []} | self._at,
            {"type": "response.content_part.done", "part": _part(text)} | self._at,
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": self._response("completed", [item])},
        )

    def last(self) -> bytes:
        return b""

    def broken(self) -> bytes:
        return b'event: response.output_text.delta\ndata: {"type":"response.outp\n\n'

    def failed(self, status: int, kind: str, message: str) -> bytes:
        event = {"type": "error", "code": kind, "message": message, "param": None}
        return self._events(event)

    def whole(self, text: str) -> bytes:
        self.said = text.split(" ")
        item = self._item("completed", [_part(text)])
        return json.dumps(self._response("completed", [item])).encode()

    def _events(self, *events: dict[str, Any]) -> bytes:
        first = self._number
        self._number += len(events)
        return _named(*(e | {"sequence_number": first + n} for n, e in enumerate(events)))

    def _item(self, status: str, content: list[Any]) -> dict[str, Any]:
        return {
            "id": f"msg_{self.serial}",
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": content,
        }

    def _response(self, status: str, output: list[Any]) -> dict[str, Any]:
        done = status == "completed"
        return {
            "id": f"resp_{self.serial}",
            "object": "response",
            "created_at": CREATED,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "max_output_tokens": None,
            "metadata": {},
            "model": self.model,
            "output": output,
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "store": True,
            "temperature": 1.0,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": _openai_usage("input_tokens", "output_tokens", len(self.said))
            if done
            else None,
            "user": None,
        }


def openai_error(kind: str, message: str) -> bytes:
    """An error's body; its `kind` is the code where OpenAI has one."""
    of_request = kind in ("context_length_exceeded", "content_filter", "invalid_request_error")
    return _compact(
        {
            "error": {
                "message": message,
                "type": "invalid_request_error" if of_request else kind,
                "param": None,
                "code": None if kind in ("invalid_request_error", "server_error") else kind,
            }
        }
    )


def anthropic_error(kind: str, message: str) -> bytes:
    """An error's body."""
    of_request = kind in ("context_length_exceeded", "content_filter")
    error = {"type": "invalid_request_error" if of_request else kind, "message": message}
    return _compact({"type": "error", "error": error, "request_id": "req_wall"})


SPEECHES: dict[Protocol, type[Speech]] = {
    speech.protocol: speech for speech in (Chat, Messages, Responses)
}
PATHS = {
    "/chat/completions": Protocol.CHAT,
    "/messages": Protocol.MESSAGES,
    "/responses": Protocol.RESPONSES,
}

# What each vendor says for a status, and for two refusals that their clients know by their words.
_KINDS: dict[Protocol, dict[int, str]] = {
    Protocol.CHAT: {
        400: "invalid_request_error",
        429: "rate_limit_exceeded",
        500: "server_error",
        503: "server_error",
    },
    Protocol.MESSAGES: {
        400: "invalid_request_error",
        429: "rate_limit_error",
        500: "api_error",
        503: "overloaded_error",
    },
}
_REFUSALS: dict[str, tuple[str, str]] = {
    "context": (
        "This model's maximum context length is 8192 tokens. However, your messages resulted in"
        " 9000 tokens.",
        "prompt is too long: 9000 tokens > 8192 maximum",
    ),
    "filter": (
        "The response was filtered due to the prompt triggering content management policy.",
        "Output blocked by content filtering policy",
    ),
}
CODES = {"context": "context_length_exceeded", "filter": "content_filter"}


def refusal(protocol: Protocol, why: str) -> bytes:
    """The body of a 400 that has a meaning of its own."""
    openai, anthropic = _REFUSALS[why]
    if protocol is Protocol.MESSAGES:
        return anthropic_error(CODES[why], anthropic)
    return openai_error(CODES[why], openai)


def reason_of(protocol: Protocol, why: str) -> str:
    """The words of `refusal`."""
    return _REFUSALS[why][protocol is Protocol.MESSAGES]


def error(protocol: Protocol, status: int, message: str) -> bytes:
    """The body of an error answer."""
    if protocol is Protocol.MESSAGES:
        return anthropic_error(_KINDS[protocol][status], message)
    return openai_error(_KINDS[Protocol.CHAT][status], message)


def kind_of(protocol: Protocol, status: int) -> str:
    """What the vendor calls a status."""
    return _KINDS[Protocol.MESSAGES if protocol is Protocol.MESSAGES else Protocol.CHAT][status]


def _choice(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _openai_usage(given: str, made: str, output: int) -> dict[str, Any]:
    usage: dict[str, Any] = {
        given: PROMPT_TOKENS,
        made: output,
        "total_tokens": PROMPT_TOKENS + output,
    }
    if given == "input_tokens":
        usage["input_tokens_details"] = {"cached_tokens": 0, "cache_write_tokens": 0}
        usage["output_tokens_details"] = {"reasoning_tokens": 0}
    return usage


def _named(*events: dict[str, Any]) -> bytes:
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), _compact(event)) for event in events
    )


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def texts_of(content: object) -> str:
    """The words of a message's content, whichever form it has."""
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""
