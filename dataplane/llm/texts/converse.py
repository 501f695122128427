"""Amazon Bedrock Converse. Parts: (index of the block).

The JSON of an event of the stream is its frame's payload, which does not say which event it is; the
keys do.
"""

from collections.abc import Sequence
from typing import Any

from dataplane.llm.texts.slot import Part, Slot, TextKind, each, string

INDEX = "contentBlockIndex"


def event_slots(json: Any) -> list[Slot]:
    """Of one event."""
    found: list[Slot] = []
    delta = json.get("delta")
    if isinstance(delta, dict):
        part = (json.get(INDEX),)
        string(found, delta, "text", part=part)
        string(found, delta.get("reasoningContent"), "text", TextKind.REASONING, part)
        string(found, delta.get("toolUse"), "input", TextKind.ARGUMENTS, part)
    return found


def answer_slots(json: Any) -> list[Slot]:
    """Of a whole answer."""
    found: list[Slot] = []
    output = json.get("output")
    message = output.get("message") if isinstance(output, dict) else None
    for at, block in each(message.get("content") if isinstance(message, dict) else None):
        string(found, block, "text", part=(at,))
        cited = block.get("citationsContent")
        for _, piece in each(cited.get("content") if isinstance(cited, dict) else None):
            string(found, piece, "text", part=(at,))
        reasoning = block.get("reasoningContent")
        if isinstance(reasoning, dict):
            string(found, reasoning.get("reasoningText"), "text", TextKind.REASONING, (at,))
        call = block.get("toolUse")
        if isinstance(call, dict) and isinstance(call.get("input"), dict):
            found.append(Slot(call, "input", TextKind.ARGUMENTS, (at,)))
    return found


def ended(json: Any) -> Sequence[Part] | None:
    """A block ends by an event with nothing but its index, all of them with the message."""
    if "stopReason" in json or "metrics" in json:
        return None
    if INDEX in json and "delta" not in json and "start" not in json:
        return [(json[INDEX],)]
    return ()
