"""Exact strings put in place of others, in a text that comes in pieces.

Rule: how a text was cut into pieces never changes what comes out, and nothing waits but what may be
the beginning of one of the strings.
"""

import json
import re
from collections.abc import Mapping


class Replacements:
    """What is put in place of what; the keys are not empty."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._pairs = pairs
        self.longest = max(map(len, pairs), default=0)
        # Longest first: of "[A]" and "[A]1" the longer one counts.
        keys = sorted(pairs, key=len, reverse=True)
        self._keys = re.compile("|".join(map(re.escape, keys))) if keys else None

    def __bool__(self) -> bool:
        return self._keys is not None

    def apply(self, text: str, is_json: bool = False) -> str:
        """The text with all of them replaced; in JSON what is put in is written as JSON has it."""
        if self._keys is None:
            return text
        pairs = self._pairs
        if is_json:
            return self._keys.sub(lambda found: json.dumps(pairs[found[0]])[1:-1], text)
        return self._keys.sub(lambda found: pairs[found[0]], text)

    def may_begin(self, text: str) -> int:
        """How many characters at the end of a text may be the beginning of a key."""
        for size in range(min(self.longest - 1, len(text)), 0, -1):
            tail = text[-size:]
            if any(key.startswith(tail) for key in self._pairs):
                return size
        return 0


class Replacing:
    """A fold (`words.stream.Text`) over one text."""

    __slots__ = ("_is_json", "_replacements", "_tail")

    def __init__(self, replacements: Replacements, is_json: bool = False) -> None:
        self._replacements = replacements
        self._is_json = is_json
        self._tail = ""

    @property
    def holds(self) -> bool:
        """See Text."""
        return bool(self._tail)

    def feed(self, piece: str) -> str:
        """See Text."""
        text = self._tail + piece
        size = self._replacements.may_begin(text)
        # A key that is complete ends before what may begin another.
        self._tail = text[len(text) - size :]
        return self._replacements.apply(text[: len(text) - size], self._is_json)

    def finish(self) -> str:
        """See Text."""
        rest, self._tail = self._tail, ""
        return self._replacements.apply(rest, self._is_json)
