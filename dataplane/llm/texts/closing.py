"""A whole answer that ends as one that a content filter has stopped."""

from collections.abc import Callable
from typing import Any

from dataplane.llm.texts.answers import slots_of
from dataplane.llm.texts.slot import TextKind, each
from dataplane.runtime.protocols import Operation


def closed(operation: Operation, json: Any) -> Any:
    """The same answer, stopped: in place."""
    close = _CLOSES.get(operation)
    if close is not None and isinstance(json, dict):
        close(json)
    return json


def silenced(operation: Operation, json: Any) -> Any:
    """The same answer without a word of it: in place. Calls of tools are words, too."""
    for slot in slots_of(operation, True, json):
        slot.text = "{}" if slot.kind is TextKind.ARGUMENTS else ""
    return json


def _openai(json: dict[str, Any]) -> None:
    for _, choice in each(json.get("choices")):
        choice["finish_reason"] = "content_filter"
        if isinstance(choice.get("message"), dict):
            choice["message"].pop("tool_calls", None)


def _responses(json: dict[str, Any]) -> None:
    json["status"] = "incomplete"
    json["incomplete_details"] = {"reason": "content_filter"}


def _messages(json: dict[str, Any]) -> None:
    json["stop_reason"] = "refusal"
    json["stop_sequence"] = None


def _gemini(json: dict[str, Any]) -> None:
    for _, candidate in each(json.get("candidates")):
        candidate["finishReason"] = "SAFETY"


def _converse(json: dict[str, Any]) -> None:
    json["stopReason"] = "content_filtered"


_CLOSES: dict[Operation, Callable[[dict[str, Any]], None]] = {
    Operation.CHAT: _openai,
    Operation.COMPLETIONS: _openai,
    Operation.RESPONSES: _responses,
    Operation.MESSAGES: _messages,
    Operation.GENERATE_CONTENT: _gemini,
    Operation.CONVERSE: _converse,
}
