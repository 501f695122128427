"""Anthropic Messages. Parts: (index of the block)."""

from collections.abc import Sequence
from typing import Any

from dataplane.llm.texts.slot import Part, Slot, TextKind, each, string

_DELTAS = {
    "text_delta": ("text", TextKind.TEXT),
    "thinking_delta": ("thinking", TextKind.REASONING),
    "input_json_delta": ("partial_json", TextKind.ARGUMENTS),
}


def event_slots(json: Any) -> list[Slot]:
    """Of one event."""
    found: list[Slot] = []
    part = (json.get("index"),)
    match json.get("type"):
        case "content_block_start":
            _block(found, json.get("content_block"), part, is_begin=True)
        case "content_block_delta":
            delta = json.get("delta")
            known = _DELTAS.get(delta.get("type", "")) if isinstance(delta, dict) else None
            if known is not None:
                string(found, delta, known[0], known[1], part)
        case _:
            pass
    return found


def answer_slots(json: Any) -> list[Slot]:
    """Of a whole answer."""
    found: list[Slot] = []
    for at, block in each(json.get("content")):
        _block(found, block, (at,), is_begin=False)
    return found


def ended(json: Any) -> Sequence[Part] | None:
    """A block ends by itself, all of them with the message."""
    match json.get("type"):
        case "content_block_stop":
            return [(json.get("index"),)]
        case "message_delta" | "message_stop":
            return None
        case _:
            return ()


def _block(found: list[Slot], block: Any, part: Part, is_begin: bool) -> None:
    if not isinstance(block, dict):
        return
    string(found, block, "text", part=part)
    string(found, block, "thinking", TextKind.REASONING, part)
    if not is_begin and isinstance(block.get("input"), dict):
        found.append(Slot(block, "input", TextKind.ARGUMENTS, part))
