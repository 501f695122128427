"""What is looked for in a text that comes in pieces: found before any of it is shown.

Rule: a piece of what is looked for is not shown before it is known whether the rest follows, as far
as it is no longer than the window, or has been found and may still grow.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

MAX_HELD = 16_384
"""Characters of a find that grows and grows; then it counts as it is."""
MAX_RUN = 256
"""Characters without white space that are kept together: no e-mail address is longer."""
_CONTEXT = 64
"""Characters that were shown, for what looks back (word boundaries)."""


@dataclass(frozen=True, slots=True)
class Match:
    """Something that was found, and what is to stand there."""

    start: int
    end: int
    kind: str
    put: str
    """What is shown in its place."""


Scan = Callable[[str, int], Iterable[Match]]
"""All that is found in a text from a position on: in order, no two overlap, none is empty. What is
before the position may be looked back at."""


class Window:
    """A fold (`words.stream.Text`) over one text."""

    __slots__ = ("_scan", "_seen", "_text", "_width", "found")

    def __init__(self, scan: Scan, width: int) -> None:
        """:param width: characters that wait for what comes after them."""
        self._scan = scan
        self._width = width
        self._text = ""
        self._seen = 0
        """Of the text, what has been shown."""
        self.found: list[Match] = []
        """Of whatever was shown (or would have been, but for its replacement)."""

    @property
    def holds(self) -> bool:
        """See words.stream.Text."""
        return len(self._text) > self._seen

    def feed(self, piece: str) -> str:
        """See words.stream.Text."""
        self._text += piece
        matches = [*self._scan(self._text, self._seen)]
        return self._show(matches, self._cut(matches))

    def finish(self) -> str:
        """See words.stream.Text."""
        return self._show([*self._scan(self._text, self._seen)], len(self._text))

    def _cut(self, matches: list[Match]) -> int:
        """Up to where it can be shown."""
        text, seen = self._text, self._seen
        cut = max(seen, len(text) - self._width)
        begin = max(seen, cut - MAX_RUN)
        for at in range(cut - 1, begin - 1, -1):
            if text[at].isspace():
                cut = at + 1
                break
        else:
            if begin == seen:
                cut = seen
        for match in matches:
            if match.start < cut < match.end:
                return match.end if match.end - match.start > MAX_HELD else match.start
        return cut

    def _show(self, matches: list[Match], cut: int) -> str:
        text, seen = self._text, self._seen
        shown = [match for match in matches if match.end <= cut]
        self.found += shown
        keep = max(0, cut - _CONTEXT)
        self._text, self._seen = text[keep:], cut - keep
        return _put(text, shown, seen, cut)


def replaced(text: str, scan: Scan) -> tuple[str, list[Match]]:
    """A whole text with everything replaced that is found in it, and what that was."""
    matches = [*scan(text, 0)]
    return _put(text, matches, 0, len(text)), matches


def _put(text: str, matches: list[Match], begin: int, end: int) -> str:
    pieces = []
    for match in matches:
        pieces += [text[begin : match.start], match.put]
        begin = match.end
    pieces.append(text[begin:end])
    return "".join(pieces)
