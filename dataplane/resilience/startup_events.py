"""What one event says at the start of a stream, by protocol: nothing, content, or an error.

The rule: only what is listed here says nothing; an event of a kind that is not known is content,
because to hold it would delay what the client waits for.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any

from dataplane.runtime.protocols import Protocol


class Sign(Enum):
    """What an event is to a client that waits."""

    __hash__ = object.__hash__

    NOTHING = "nothing"
    CONTENT = "content"
    """Or an end: nothing better comes."""
    ERROR = "error"


def _chat(event: dict[str, Any]) -> Sign:
    """Roles, empty texts, and events without choices (Azure's filter results, usage) say nothing.

    vLLM's older form of an error is {"object": "error"}; OpenRouter puts `error` beside choices.
    """
    if event.get("error") or event.get("object") == "error":
        return Sign.ERROR
    choices = event.get("choices")
    if not isinstance(choices, list):
        return Sign.NOTHING if choices is None and "message" not in event else Sign.CONTENT
    for choice in choices:
        if not isinstance(choice, dict) or choice.get("finish_reason"):
            return Sign.CONTENT
        delta = choice.get("delta")
        if not isinstance(delta, dict) or any(
            value for key, value in delta.items() if key != "role"
        ):
            return Sign.CONTENT
    return Sign.NOTHING


_OPEN_BLOCKS = frozenset(("text", "thinking"))


def _messages(event: dict[str, Any]) -> Sign:
    match event.get("type"):
        case "message_start" | "ping":
            return Sign.NOTHING
        case "error":
            return Sign.ERROR
        case "content_block_start":
            block = event.get("content_block")
            if not isinstance(block, dict) or block.get("type") not in _OPEN_BLOCKS:
                return Sign.CONTENT
            said = block.get("text") or block.get("thinking")
            return Sign.CONTENT if said else Sign.NOTHING
        case _:
            return Sign.CONTENT


_RESPONSES_OPENING = frozenset(
    (
        "response.created",
        "response.queued",
        "response.in_progress",
        "response.reasoning_summary_part.added",
        "keepalive",
    )
)
_OPEN_ITEMS = frozenset(("message", "reasoning"))


def _responses(event: dict[str, Any]) -> Sign:
    kind = event.get("type")
    if kind in _RESPONSES_OPENING:
        return Sign.NOTHING
    match kind:
        case "error" | "response.failed":
            return Sign.ERROR
        case "response.output_item.added":
            item = event.get("item")
            is_open = isinstance(item, dict) and item.get("type") in _OPEN_ITEMS
            return Sign.NOTHING if is_open else Sign.CONTENT
        case "response.content_part.added":
            part = event.get("part")
            said = not isinstance(part, dict) or part.get("text") or part.get("refusal")
            return Sign.CONTENT if said else Sign.NOTHING
        case _:
            return Sign.CONTENT if kind is not None or not event.get("error") else Sign.ERROR


def _gemini(event: dict[str, Any]) -> Sign:
    """No candidates, or parts without text, say nothing, unless a prompt was blocked."""
    if event.get("error"):
        return Sign.ERROR
    feedback = event.get("promptFeedback")
    if isinstance(feedback, dict) and feedback.get("blockReason"):
        return Sign.CONTENT
    candidates = event.get("candidates") or ()
    for candidate in candidates:
        if not isinstance(candidate, dict) or candidate.get("finishReason"):
            return Sign.CONTENT
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        if any(_says(part) for part in parts or ()):
            return Sign.CONTENT
    return Sign.NOTHING


def _says(part: object) -> bool:
    return not isinstance(part, dict) or any(
        value for key, value in part.items() if key not in ("thought", "thoughtSignature")
    )


JUDGES: dict[Protocol, Callable[[dict[str, Any]], Sign]] = {
    Protocol.CHAT: _chat,
    Protocol.MESSAGES: _messages,
    Protocol.RESPONSES: _responses,
    Protocol.GEMINI: _gemini,
}
"""Converse is not here: its stream is not events of text (commit.py)."""
