"""Google's generateContent, where an event looks as a whole answer does. Parts: (candidate, kind),
and calls, which come whole, one each.
"""

from collections.abc import Sequence
from typing import Any

from dataplane.llm.texts.slot import Part, Slot, TextKind, each, string


def slots(json: Any) -> list[Slot]:
    """Of an event, or of a whole answer."""
    found: list[Slot] = []
    for at, candidate in each(json.get("candidates")):
        index = candidate.get("index", at)
        content = candidate.get("content")
        for place, part in each(content.get("parts") if isinstance(content, dict) else None):
            kind = TextKind.REASONING if part.get("thought") is True else TextKind.TEXT
            string(found, part, "text", kind, (index, kind.value))
            call = part.get("functionCall")
            if isinstance(call, dict) and isinstance(call.get("args"), dict):
                found.append(Slot(call, "args", TextKind.ARGUMENTS, (index, "call", place)))
    return found


def ended(json: Any) -> Sequence[Part] | None:
    """A candidate ends with its reason."""
    return [
        (candidate.get("index", at),)
        for at, candidate in each(json.get("candidates"))
        if candidate.get("finishReason") is not None
    ]
