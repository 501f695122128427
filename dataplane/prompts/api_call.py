"""How the API of a prompt target is called: path, query and body made of what is known.

Rule: a value can never leave its place. In a path it is one step (or a part of one), whatever
characters it has; a step that would lead elsewhere ("..") is refused.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from dataplane.runtime.messages import Request
from dataplane.runtime.prompts import PromptTarget

_PLACE = re.compile(r"\{([^{}]*)\}")
_ENCODER = msgspec.json.Encoder()
_IN_QUERY = frozenset(("GET", "DELETE"))
_ELSEWHERE = frozenset((".", ".."))


def api_request(target: PromptTarget, values: Mapping[str, Any]) -> Request | str:
    """The call with these values, or the name of the one that cannot be in its place."""
    used: set[str] = set()

    def placed(found: re.Match[str]) -> str:
        used.add(found[1])
        return quote(_text(values[found[1]]), safe="")

    path, _, query = target.path.partition("?")
    path = _PLACE.sub(placed, path)
    if used and any(unquote(step) in _ELSEWHERE for step in path.split("/")):
        return ", ".join(sorted(used))
    query = _PLACE.sub(placed, query)
    rest = {name: value for name, value in values.items() if name not in used}
    if target.method in _IN_QUERY:
        pairs = [f"{quote(name, safe='')}={quote(_text(v), safe='')}" for name, v in rest.items()]
        query = "&".join(filter(None, (query, *pairs)))
        return Request(target.method, path, _headers(target), b"", query)
    return Request(target.method, path, _headers(target), _ENCODER.encode(rest), query)


def rest_request(target: PromptTarget, messages: Sequence[Mapping[str, str]]) -> Request:
    """The call of the default target: all that was said."""
    path, _, query = target.path.partition("?")
    body = _ENCODER.encode({"messages": messages})
    return Request("POST", path, _headers(target, has_body=True), body, query)


def _headers(target: PromptTarget, has_body: bool = False) -> tuple[tuple[str, str], ...]:
    own = tuple((name, value.reveal()) for name, value in target.headers)
    lines = [("accept", "application/json")]
    if has_body or target.method not in _IN_QUERY:
        lines.append(("content-type", "application/json"))
    named = {name.lower() for name, _ in own}
    return (*((name, value) for name, value in lines if name not in named), *own)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _ENCODER.encode(value).decode()
