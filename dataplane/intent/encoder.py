"""What the router asks of an encoder: cosines as plain numbers, so that scoring stays pure.

`dataplane.intent.embed` is the one that computes them; tests bring their own.
"""

from collections.abc import Sequence
from typing import Protocol

Span = tuple[int, int]
"""Start and end of a part of a text, in characters."""


class TextIndex(Protocol):
    """Texts that requests are compared with."""

    def cosines(self, text: str) -> list[float]:
        """The cosine of `text` to each indexed text, -1 to 1, in the order they were given."""
        ...

    def cosines_of_parts(self, text: str, parts: Sequence[Span]) -> list[list[float]]:
        """For each part of `text`, read within the whole, its cosines: one pass for all parts."""
        ...


class Encoder(Protocol):
    """Makes indexes; keeps the vectors of texts it has seen lately."""

    @property
    def name(self) -> str:
        """The short word decisions and metrics call it by."""
        ...

    def index(self, texts: Sequence[str]) -> TextIndex:
        """Computes the vectors of `texts` (about 2 ms each) and keeps them."""
        ...
