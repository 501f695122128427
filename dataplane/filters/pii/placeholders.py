"""What stands in a request in place of personal data, and what it stands for.

Rule: one value has one placeholder, in the order in which values first appear: a conversation that
grows keeps its placeholders, turn after turn, and nothing has to be remembered for that.
"""

import re

_NO_PART = re.compile(r"[\W_]+")
_AS_WRITTEN = ("secret",)
"""Kinds in which every character counts; of the others "+49 30 1" and "+49-30-1" are one value."""


class Placeholders:
    """Those of one request."""

    def __init__(self, taken: str) -> None:
        """:param taken: the request; a placeholder that stands in it literally is not given out."""
        self._taken = taken
        self._known: dict[tuple[str, str], str] = {}
        self._last: dict[str, int] = {}
        self.pairs: dict[str, str] = {}
        """By placeholder the value as it was first written."""

    def of(self, kind: str, value: str) -> str:
        """The placeholder of a value: "[EMAIL_1]"."""
        same = value if kind in _AS_WRITTEN else _NO_PART.sub("", value).casefold() or value
        known = self._known.get((kind, same))
        if known is not None:
            return known
        while True:
            number = self._last[kind] = self._last.get(kind, 0) + 1
            made = f"[{kind.upper()}_{number}]"
            if made not in self._taken:
                break
        self._known[kind, same] = made
        self.pairs[made] = value
        return made

    def kinds(self) -> list[str]:
        """What was found, in words for a refusal: no value is among them."""
        return sorted({kind for kind, _ in self._known})
