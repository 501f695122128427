"""Chat completions and completions. Parts: (choice, what it is, and of calls which one)."""

from collections.abc import Sequence
from typing import Any

from dataplane.llm.texts.slot import Part, Slot, TextKind, each, string

_TEXT = TextKind.TEXT  # (an attribute of an Enum is slow)
_REASONING = ("reasoning_content", "reasoning")


def event_slots(json: Any) -> list[Slot]:
    """Of a chunk."""
    return _choices(json, "delta")


def answer_slots(json: Any) -> list[Slot]:
    """Of a whole answer."""
    return _choices(json, "message")


def completion_slots(json: Any) -> list[Slot]:
    """Of the older API, where a chunk looks as a whole answer does."""
    found: list[Slot] = []
    for at, choice in each(json.get("choices")):
        string(found, choice, "text", part=(choice.get("index", at), "text"))
    return found


def ended(json: Any) -> Sequence[Part] | None:
    """A choice ends with its reason."""
    return [
        (choice.get("index", at),)
        for at, choice in each(json.get("choices"))
        if choice.get("finish_reason") is not None
    ]


def _choices(json: Any, key: str) -> list[Slot]:
    found: list[Slot] = []
    for at, choice in each(json.get("choices")):
        said = choice.get(key)
        if isinstance(said, dict):
            _said(found, said, choice.get("index", at))
    return found


def _said(found: list[Slot], said: dict[str, Any], choice: Any) -> None:
    if len(said) == 1 and type(said.get("content")) is str:  # (nearly all of a stream)
        found.append(Slot(said, "content", _TEXT, (choice, "content")))
        return
    for key in _REASONING:
        string(found, said, key, TextKind.REASONING, (choice, key))
    string(found, said, "content", part=(choice, "content"))
    for _, piece in each(said.get("content")):
        string(found, piece, "text", part=(choice, "content"))
        for _, thought in each(piece.get("thinking")):  # Mistral's
            string(found, thought, "text", TextKind.REASONING, (choice, "thinking"))
    string(found, said, "refusal", part=(choice, "refusal"))
    for at, call in each(said.get("tool_calls")):
        part = (choice, "call", call.get("index", at))
        string(found, call.get("function"), "arguments", TextKind.ARGUMENTS, part)
        string(found, call.get("custom"), "input", TextKind.ARGUMENTS, part)
    string(found, said.get("function_call"), "arguments", TextKind.ARGUMENTS, (choice, "call"))
