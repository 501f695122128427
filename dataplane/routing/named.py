"""Whom the answer of a routing model names.

Rule: an answer that names nobody we know is "none fits"; only one that cannot be read at all is a
failure, and that one is told as such. Models differ in how well they keep to a form, so fences,
prose around it, thinking before it, Python's quotes and a name in place of a list are all read.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

KEYS = ("route", "routes", "agent", "agents")
"""`route` is asked for; the others are what models make of it."""
LONGEST = 64 * 1024
"""Characters looked at: an answer is short."""

_THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_FORM = re.compile(r"\{[^{}]*\}|\[[^\[\]{}]*\]")
_MARKS = " \t\r\n`\"'.*"
_BETWEEN = re.compile(r"\s*(?:,|;|\n|\band\b|->|→)\s*")


def named(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """The names in an answer that are known, each once, in order; none when it says so.

    Raises ValueError when the answer says nothing of the kind.
    """
    known = {_plain(name): name for name in reversed(names)} | {name: name for name in names}
    text = _THINKING.sub("", text[:LONGEST]).strip()
    if not text:
        return ()
    for said in _lists(text):
        return _known(said, known)
    words = [_plain(word) for word in _BETWEEN.split(text.strip(_MARKS))]
    if all(word in known for word in words):
        return _known(words, known)
    if _plain(text) in ("none", "null", "nobody", "other"):
        return ()
    raise ValueError("its answer is not the JSON it was asked for")


def _lists(text: str) -> Iterator[list[str]]:
    """What reads like an answer, the most deliberate form first."""
    bare = []
    for found in _FORM.findall(text):
        value = _decoded(found)
        if isinstance(value, dict):
            for key in KEYS:
                if key in value and (said := _strings(value[key])) is not None:
                    yield said
        elif isinstance(value, list) and (said := _strings(value)) is not None:
            bare.append(said)
    yield from bare


def _decoded(text: str) -> object:
    for form in (text, _double_quoted(text)):
        try:
            value: object = json.loads(form)
        except (ValueError, RecursionError):
            continue
        return value
    return None


def _double_quoted(text: str) -> str:
    """Python's quotes as JSON's, but not the apostrophes within words."""
    return re.sub(r"(?<![A-Za-z0-9])'|'(?![A-Za-z0-9])", '"', text).replace("\\n", "")


def _strings(value: object) -> list[str] | None:
    match value:
        case None:
            return []
        case str():
            return [] if _plain(value) in ("", "none", "null") else [value]
        case list() if all(isinstance(one, str) for one in value):
            return value
        case _:
            return None


def _known(said: Sequence[str], known: Mapping[str, str]) -> tuple[str, ...]:
    found = (known.get(word) or known.get(_plain(word)) for word in said)
    return tuple(dict.fromkeys(name for name in found if name is not None))


def _plain(name: str) -> str:
    return name.strip(_MARKS).casefold()
