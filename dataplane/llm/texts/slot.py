"""A place in decoded JSON where a text stands, and what the text is for."""

from enum import Enum
from typing import Any

import msgspec

Part = tuple[Any, ...]
"""What a text is a piece of; its first step is the choice, the item or the block."""


class TextKind(Enum):
    """What a text is for."""

    TEXT = "text"
    """Said to the reader."""
    REASONING = "reasoning"
    ARGUMENTS = "arguments"
    """Of a call of a tool: JSON, in a stream a part of it."""


class Slot:
    """One text. To set it changes the JSON that it stands in."""

    __slots__ = ("_holder", "_key", "changed", "is_object", "kind", "part", "repeats", "role")

    def __init__(
        self,
        holder: Any,
        key: Any,
        kind: TextKind = TextKind.TEXT,
        part: Part = (),
        repeats: bool = False,
        role: str = "assistant",
    ) -> None:
        self._holder = holder
        self._key = key
        self.is_object = not isinstance(holder[key], str)
        self.kind = kind
        self.part = part
        """What it is a piece of: pieces of one part follow each other and make one text."""
        self.repeats = repeats
        """Whether it says once more all that the part's pieces have said before."""
        self.role = role
        """Who says it: `system`, `user`, `assistant` or `tool`."""
        self.changed = False

    @property
    def text(self) -> str:
        """What stands there. (Arguments that are no string but an object are written as JSON.)"""
        value = self._holder[self._key]
        if self.is_object:
            return msgspec.json.encode(value).decode()
        text: str = value
        return text

    @text.setter
    def text(self, text: str) -> None:
        if text == self.text:
            return
        self.changed = True
        self._holder[self._key] = msgspec.json.decode(text) if self.is_object else text

    def __repr__(self) -> str:
        return f"Slot({self.kind.value} of {self.part!r}: {self.text!r})"


def string(
    found: list[Slot],
    holder: Any,
    key: Any,
    kind: TextKind = TextKind.TEXT,
    part: Part = (),
    repeats: bool = False,
    role: str = "assistant",
) -> None:
    """Add the text at a place, if one is there."""
    if isinstance(holder, dict) and isinstance(holder.get(key), str):
        found.append(Slot(holder, key, kind, part, repeats, role))


def each(value: Any) -> list[tuple[int, dict[str, Any]]]:
    """The mappings of a list, with their places; nothing of what is no list."""
    if not isinstance(value, list):
        return []
    return [(at, one) for at, one in enumerate(value) if isinstance(one, dict)]
