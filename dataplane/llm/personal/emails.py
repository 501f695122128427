"""E-mail addresses."""

import re
from collections.abc import Iterator

Span = tuple[int, int]

_EMAIL = re.compile(
    r"(?<![\w.%+'-])[\w%+'-][\w.%+'-]{0,63}@"
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w-])"
)


def emails(text: str, begin: int) -> Iterator[Span]:
    """E-mail addresses, also of other scripts."""
    if "@" in text:
        for found in _EMAIL.finditer(text, begin):
            yield found.span()
