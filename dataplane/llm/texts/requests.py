"""Texts of requests, by operation; and how something is added to what a model is told."""

from collections.abc import Callable, Sequence
from typing import Any

from dataplane.llm.texts.slot import Slot, TextKind, each, string
from dataplane.runtime.protocols import Operation

_SYSTEM = ("system", "developer")


def request_slots(operation: Operation, json: Any) -> Sequence[Slot]:
    """The texts of a request, in their order, each with the role of who says it."""
    find = _FINDS.get(operation)
    found: list[Slot] = []
    if find is not None and isinstance(json, dict):
        find(found, json)
    return found


def with_instruction(operation: Operation, json: Any, text: str) -> bool:
    """Add to what the operator tells the model, behind what is there: in place.

    False: requests of this operation have no place for it.
    """
    add = _ADDS.get(operation)
    if add is None or not isinstance(json, dict):
        return False
    add(json, text)
    return True


def _content(found: list[Slot], holder: Any, key: str, role: str) -> None:
    """A text, or a list of parts some of which are texts."""
    string(found, holder, key, role=role)
    for _, part in each(holder.get(key)):
        string(found, part, "text", role=role)


def _chat(found: list[Slot], json: Any) -> None:
    for _, message in each(json.get("messages")):
        role = str(message.get("role", "user"))
        _content(found, message, "content", "system" if role in _SYSTEM else role)
        for _, call in each(message.get("tool_calls")):
            string(found, call.get("function"), "arguments", TextKind.ARGUMENTS, role=role)


def _messages(found: list[Slot], json: Any) -> None:
    _content(found, json, "system", "system")
    for _, message in each(json.get("messages")):
        role = str(message.get("role", "user"))
        string(found, message, "content", role=role)
        for _, block in each(message.get("content")):
            string(found, block, "text", role=role)
            if block.get("type") == "tool_result":
                _content(found, block, "content", "tool")


def _responses(found: list[Slot], json: Any) -> None:
    string(found, json, "instructions", role="system")
    string(found, json, "input", role="user")
    for _, item in each(json.get("input")):
        role = str(item.get("role", "user"))
        _content(found, item, "content", "system" if role in _SYSTEM else role)
        if item.get("type") in ("function_call_output", "custom_tool_call_output"):
            _content(found, item, "output", "tool")


def _gemini(found: list[Slot], json: Any) -> None:
    for key in ("systemInstruction", "system_instruction"):
        _parts(found, json.get(key), "system")
    for _, content in each(json.get("contents")):
        _parts(found, content, "assistant" if content.get("role") == "model" else "user")


def _parts(found: list[Slot], content: Any, role: str) -> None:
    for _, part in each(content.get("parts") if isinstance(content, dict) else None):
        string(found, part, "text", role=role)


def _converse(found: list[Slot], json: Any) -> None:
    for _, block in each(json.get("system")):
        string(found, block, "text", role="system")
    for _, message in each(json.get("messages")):
        role = str(message.get("role", "user"))
        for _, block in each(message.get("content")):
            string(found, block, "text", role=role)
            result = block.get("toolResult")
            for _, piece in each(result.get("content") if isinstance(result, dict) else None):
                string(found, piece, "text", role="tool")


def _inputs(key: str) -> Callable[[list[Slot], Any], None]:
    def find(found: list[Slot], json: Any) -> None:
        string(found, json, key, role="user")
        value = json.get(key)
        if isinstance(value, list):
            found += [
                Slot(value, at, role="user") for at, one in enumerate(value) if isinstance(one, str)
            ]

    return find


_FINDS: dict[Operation, Callable[[list[Slot], Any], None]] = {
    Operation.CHAT: _chat,
    Operation.COMPLETIONS: _inputs("prompt"),
    Operation.EMBEDDINGS: _inputs("input"),
    Operation.RESPONSES: _responses,
    Operation.MESSAGES: _messages,
    Operation.COUNT_TOKENS: _messages,
    Operation.GENERATE_CONTENT: _gemini,
    Operation.GEMINI_COUNT_TOKENS: _gemini,
    Operation.CONVERSE: _converse,
}


def _add_chat(json: dict[str, Any], text: str) -> None:
    messages = json.get("messages")
    if isinstance(messages, list):
        at = 0
        while at < len(messages) and messages[at].get("role") in _SYSTEM:
            at += 1
        messages.insert(at, {"role": "system", "content": text})


def _add_text(key: str) -> Callable[[dict[str, Any], str], None]:
    def add(json: dict[str, Any], text: str) -> None:
        had = json.get(key)
        json[key] = f"{had}\n\n{text}" if isinstance(had, str) and had else text

    return add


def _add_messages(json: dict[str, Any], text: str) -> None:
    if isinstance(json.get("system"), list):
        json["system"].append({"type": "text", "text": text})
    else:
        _add_text("system")(json, text)


def _add_gemini(json: dict[str, Any], text: str) -> None:
    key = "system_instruction" if "system_instruction" in json else "systemInstruction"
    content = json.setdefault(key, {})
    content.setdefault("parts", []).append({"text": text})


def _add_converse(json: dict[str, Any], text: str) -> None:
    json.setdefault("system", []).append({"text": text})


_ADDS: dict[Operation, Callable[[dict[str, Any], str], None]] = {
    Operation.CHAT: _add_chat,
    Operation.RESPONSES: _add_text("instructions"),
    Operation.MESSAGES: _add_messages,
    Operation.COUNT_TOKENS: _add_messages,
    Operation.GENERATE_CONTENT: _add_gemini,
    Operation.CONVERSE: _add_converse,
}
