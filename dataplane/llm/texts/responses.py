"""OpenAI Responses. Parts: (index of the item, what it is, index of the part within).

Its stream says everything several times: piece by piece, then the part, the item and the whole
response once more.
"""

from collections.abc import Sequence
from typing import Any

from dataplane.llm.texts.slot import Part, Slot, TextKind, each, string

_DELTAS = {
    "response.output_text": ("text", TextKind.TEXT, "content_index"),
    "response.refusal": ("refusal", TextKind.TEXT, "content_index"),
    "response.reasoning_text": ("text", TextKind.REASONING, "content_index"),
    "response.reasoning_summary_text": ("text", TextKind.REASONING, "summary_index"),
    "response.function_call_arguments": ("arguments", TextKind.ARGUMENTS, ""),
    "response.custom_tool_call_input": ("input", TextKind.ARGUMENTS, ""),
    "response.mcp_call_arguments": ("arguments", TextKind.ARGUMENTS, ""),
}
_PARTS = frozenset(("response.content_part.added", "response.content_part.done"))
_SUMMARY_PARTS = frozenset(
    ("response.reasoning_summary_part.added", "response.reasoning_summary_part.done")
)
_ITEMS = frozenset(("response.output_item.added", "response.output_item.done"))
_ENDS = frozenset(("response.completed", "response.incomplete", "response.failed"))


def event_slots(json: Any) -> list[Slot]:
    """Of one event."""
    found: list[Slot] = []
    kind = json.get("type")
    if not isinstance(kind, str):
        return found
    stem, _, verb = kind.rpartition(".")
    known = _DELTAS.get(stem)
    item = json.get("output_index", 0)
    if known is not None:
        key, of, index = known
        part = _part(item, index, json.get(index, 0))
        if verb == "delta":
            string(found, json, "delta", of, part)
        elif verb == "done":
            string(found, json, key, of, part, repeats=True)
    elif kind in _PARTS or kind in _SUMMARY_PARTS:
        index = "content_index" if kind in _PARTS else "summary_index"
        _piece(found, json.get("part"), _part(item, index, json.get(index, 0)))
    elif kind in _ITEMS:
        _item(found, json.get("item"), item, repeats=True)
    elif kind in _ENDS:
        _output(found, json.get("response"), repeats=True)
    return found


def answer_slots(json: Any) -> list[Slot]:
    """Of a whole answer."""
    found: list[Slot] = []
    _output(found, json, repeats=False)
    return found


def ended(json: Any) -> Sequence[Part] | None:
    """A part, an item, or the response."""
    kind = json.get("type")
    if kind in _ENDS:
        return None
    item = json.get("output_index", 0)
    if kind == "response.output_item.done":
        return [(item,)]
    if not isinstance(kind, str) or not kind.endswith(".done"):
        return ()
    known = _DELTAS.get(kind.removesuffix(".done"))
    if known is not None:
        index = known[2]
    elif kind in _PARTS:
        index = "content_index"
    elif kind in _SUMMARY_PARTS:
        index = "summary_index"
    else:
        return ()
    return [_part(item, index, json.get(index, 0))]


def _part(item: Any, index: str, at: Any) -> Part:
    return (item, index, at)


def _output(found: list[Slot], response: Any, repeats: bool) -> None:
    if isinstance(response, dict):
        for at, item in each(response.get("output")):
            _item(found, item, at, repeats)


def _item(found: list[Slot], item: Any, at: Any, repeats: bool) -> None:
    if not isinstance(item, dict):
        return
    is_reasoning = item.get("type") == "reasoning"
    kind = TextKind.REASONING if is_reasoning else TextKind.TEXT
    for index, piece in each(item.get("summary")):
        part = _part(at, "summary_index", index)
        string(found, piece, "text", TextKind.REASONING, part, repeats)
    for index, piece in each(item.get("content")):
        part = _part(at, "content_index", index)
        string(found, piece, "text", kind, part, repeats)
        string(found, piece, "refusal", kind, part, repeats)
    for key in ("arguments", "input"):
        string(found, item, key, TextKind.ARGUMENTS, _part(at, "", 0), repeats)


def _piece(found: list[Slot], piece: Any, part: Part) -> None:
    if isinstance(piece, dict):
        is_reasoning = piece.get("type") in ("reasoning_text", "summary_text")
        kind = TextKind.REASONING if is_reasoning else TextKind.TEXT
        string(found, piece, "text", kind, part, repeats=True)
        string(found, piece, "refusal", kind, part, repeats=True)
