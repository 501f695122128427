"""JSON that stands in an answer, without what models like to put around it."""

import re
from typing import Any

import msgspec

_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n?\s*```", re.DOTALL | re.IGNORECASE)
_BEGIN = re.compile(r"[\[{]")
MAX_TRIES = 16
"""Places that are tried for the begin of a value."""


def json_in(text: str) -> tuple[str, Any] | None:
    """The one JSON value in a text, as it stands there, and decoded: all of the text, what is in a
    code block, or the largest object or list with words around it. None: there is none.
    """
    for candidate in (text.strip(), *(found[1].strip() for found in _FENCED.finditer(text))):
        value = _decoded(candidate)
        if value is not None:
            return candidate, value[0]
    end = max(text.rfind("}"), text.rfind("]")) + 1
    for tried, found in enumerate(_BEGIN.finditer(text, 0, end)):
        if tried == MAX_TRIES:
            break
        candidate = text[found.start() : end]
        value = _decoded(candidate)
        if value is not None:
            return candidate, value[0]
    return None


def _decoded(text: str) -> tuple[Any] | None:
    try:
        return (msgspec.json.decode(text),)
    except (ValueError, RecursionError):
        return None
