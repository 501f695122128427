"""What stands in a request in place of personal data, and what it stands for.

Rule: one value has one placeholder, in the order in which values first appear: a conversation that
grows keeps its placeholders, turn after turn, and nothing has to be remembered for that. Where the
provider has the earlier turns and the client does not say them again, they are (remembered.py).
"""

import re
from collections.abc import Mapping

_NO_PART = re.compile(r"[\W_]+")
_AS_WRITTEN = ("secret",)
"""Kinds in which every character counts; of the others "+49 30 1" and "+49-30-1" are one value."""


class Placeholders:
    """Those of one request."""

    def __init__(
        self, taken: str, known: Mapping[str, str] | None = None, series: str = ""
    ) -> None:
        """:param taken: the request; a placeholder that stands in it literally is not given out.
        :param known: what those of earlier turns stand for, where somebody has remembered it.
        :param series: a part of all of them, where those of earlier turns are not known.
        """
        self._taken = taken
        self._series = f"_{series}" if series else ""
        self._known: dict[tuple[str, str], str] = {}
        self._last: dict[str, int] = {}
        self.pairs: dict[str, str] = {}
        """By placeholder the value as it was first written."""
        for placeholder, value in (known or {}).items():
            kind = placeholder[1:-1].rpartition("_")[0].removesuffix(self._series).lower()
            self._known[kind, _same(kind, value)] = placeholder
            self.pairs[placeholder] = value

    def of(self, kind: str, value: str) -> str:
        """The placeholder of a value: "[EMAIL_1]"."""
        same = _same(kind, value)
        known = self._known.get((kind, same))
        if known is not None:
            return known
        while True:
            number = self._last[kind] = self._last.get(kind, 0) + 1
            made = f"[{kind.upper()}{self._series}_{number}]"
            if made not in self._taken and made not in self.pairs:
                break
        self._known[kind, same] = made
        self.pairs[made] = value
        return made

    def kinds(self) -> list[str]:
        """What was found, in words for a refusal: no value is among them."""
        return sorted({kind for kind, _ in self._known})


def _same(kind: str, value: str) -> str:
    """What all ways to write a value have in common."""
    return value if kind in _AS_WRITTEN else _NO_PART.sub("", value).casefold() or value
