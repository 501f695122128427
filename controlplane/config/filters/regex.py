"""Patterns that an operator writes: RE2's, so that no text can make them slow."""

from typing import Annotated

import re2
from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

PATTERN_NAME = r"^[a-z][a-z0-9_-]{0,31}$"
_QUIET = re2.Options()
_QUIET.log_errors = False
_LOOKS_AROUND = ("(?=", "(?!", "(?<=", "(?<!")


def _pattern(text: str) -> str:
    """A pattern that compiles and finds something to look at, kept as it is written."""
    try:
        compiled = re2.compile(text, _QUIET)
    except re2.error as problem:
        said = problem.args[0].decode() if isinstance(problem.args[0], bytes) else str(problem)
        hint = ""
        if any(sign in text for sign in _LOOKS_AROUND) or "\\1" in text:
            hint = "RE2 has no look-around and no back-references: they can take exponential time"
        context = {"said": f"is not a pattern of RE2: {said}", "hint": hint}
        raise PydanticCustomError("outrider", "{said}", context) from problem
    if compiled.search("") is not None:
        context = {"said": "matches the empty text, and so everything", "hint": ""}
        raise PydanticCustomError("outrider", "{said}", context)
    return text


Regex = Annotated[str, StringConstraints(min_length=1, max_length=4096), AfterValidator(_pattern)]
PatternName = Annotated[str, StringConstraints(pattern=PATTERN_NAME)]
