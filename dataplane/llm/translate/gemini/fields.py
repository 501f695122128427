"""Objects of a Gemini client, read as proto JSON reads them: names in camelCase or snake_case, null
is nothing, whole numbers may be texts.

Rule: what was not read is still known by name (`rest`), so that nothing is overlooked.
"""

from typing import Any

import msgspec

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder(Any)
_NULL = b"null"


class Wrong(Exception):
    """What the client sent is not what the API takes; says where."""


class Fields:
    """One object; `at` is its place in the client's words."""

    __slots__ = ("_left", "_raws", "at")

    def __init__(self, raw: bytes | msgspec.Raw, at: str) -> None:
        """Raises Wrong when it is no object."""
        try:
            found = _OBJECT.decode(raw)
        except msgspec.ValidationError as problem:
            raise Wrong(f"Expected an object - at `{at or 'the body'}`") from problem
        self.at = at
        self._raws = {camel(name): value for name, value in found.items() if bytes(value) != _NULL}
        self._left = dict.fromkeys(self._raws)

    def place(self, name: str) -> str:
        """The place of one of its fields."""
        return f"{self.at}.{name}" if self.at else name

    def __contains__(self, name: str) -> bool:
        return name in self._raws

    def rest(self) -> list[str]:
        """The places of fields that nobody has read."""
        return [self.place(name) for name in self._left]

    def raw(self, name: str) -> msgspec.Raw | None:
        """A field as it came."""
        self._left.pop(name, None)
        return self._raws.get(name)

    def any(self, name: str) -> Any:
        """A field's value, whatever it is; None when it is not there."""
        raw = self.raw(name)
        return None if raw is None else _ANY.decode(raw)

    def text(self, name: str) -> str:
        """A text; empty when it is not there."""
        value = self.any(name)
        if value is not None and not isinstance(value, str):
            raise self._wrong(name, "a string")
        return value or ""

    def boolean(self, name: str) -> bool | None:
        """true, false or nothing."""
        value = self.any(name)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, "a boolean")
        return value

    def number(self, name: str) -> float | None:
        """A number, or a text of one."""
        value = self.any(name)
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError as problem:
                raise self._wrong(name, "a number") from problem
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, "a number")
        if not abs(value) < 1e300:
            raise self._wrong(name, "a number")
        return value

    def integer(self, name: str) -> int | None:
        """A whole number, be it written 3, 3.0 or "3"."""
        value = self.number(name)
        if isinstance(value, float):
            if not value.is_integer():
                raise self._wrong(name, "an integer")
            return int(value)
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts, or one text."""
        value = self.any(name)
        if isinstance(value, str):
            return [value]
        if value is None:
            return []
        if not isinstance(value, list) or any(not isinstance(item, str) for item in value):
            raise self._wrong(name, "a list of strings")
        return value

    def object(self, name: str) -> "Fields | None":
        """An object."""
        raw = self.raw(name)
        return None if raw is None else Fields(raw, self.place(name))

    def objects(self, name: str) -> list["Fields"]:
        """A list of objects, or one object."""
        raw = self.raw(name)
        if raw is None:
            return []
        if bytes(raw)[:1] == b"{":
            return [Fields(raw, self.place(name))]
        try:
            items = _LIST.decode(raw)
        except msgspec.ValidationError as problem:
            raise self._wrong(name, "a list") from problem
        return [Fields(item, f"{self.place(name)}[{at}]") for at, item in enumerate(items)]

    def _wrong(self, name: str, expected: str) -> Wrong:
        return Wrong(f"Expected {expected} - at `{self.place(name)}`")


def camel(name: str) -> str:
    """inline_data -> inlineData; a name without underscores stays."""
    if "_" not in name:
        return name
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)
