"""The schema's findings in an operator's words: what is there, what should be, what was meant."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from controlplane.config import (
    fields,
    schema_auth,
    schema_clusters,
    schema_limits,
    schema_models,
    schema_prompts,
    schema_routing,
)
from controlplane.config.blocks import BLOCKS, REFUSED, RENAMED
from controlplane.config.fields import Block
from controlplane.config.filters import headers, python
from controlplane.config.problem import Path, one_of

_LATER = "not supported yet"
_PATTERNS: Mapping[str, str] = {
    fields.ID: "may have letters, digits, '_', '-' and '.' only, 64 at most",
    fields.LISTENER_NAME: "may have letters, digits, '_', '-', '.' and spaces only, 128 at most",
    fields.MODEL_NAME: "must be 1 to 256 characters without spaces",
    schema_routing.PREFERENCE_NAME: "must be 1 to 128 plain characters without a space at an end",
    schema_auth.HASH: "is not 'sha256:' and 64 digits of 0-9 and a-f",
    schema_auth.DATE: "is not a date such as 2027-01-01 or 2027-01-01T08:00:00Z",
    schema_auth.JWKS_URI: "is not an http or https URL",
    schema_limits.LIMIT_NAME: "may have letters, digits, '_', '-', '.' and spaces only, 64 at most",
    schema_limits.PATTERN: "must be 1 to 256 plain characters without a space at an end",
    schema_limits.PER: "is none of: key, tenant, model, listener, route, header:NAME",
    schema_auth.FILE: "is not file:/ and the path of a file",
    schema_models.PLACE: "may have small letters, digits and '-' only, 63 at most",
    fields.AUTHORITY: "is not a host name, with or without :port",
    schema_models.API_VERSION: "is not a version such as 2024-10-21",
    schema_clusters.ZONE: "may have letters, digits, '_', '-', '.' and '/' only, 64 at most",
    schema_clusters.HEADER: "is not a header name",
    python.CLASS: "is not package.module:Class",
    headers.HEADER_NAME: "is not a header name",
    headers.HEADER_VALUE: "is not a header's value: one line of plain characters, 4,096 at most",
    schema_prompts.TARGET_NAME: "may have letters, digits, '_' and '-' only, 64 at most",
    schema_prompts.ENDPOINT_NAME: "must begin with a letter; letters, digits and '_', 64 at most",
    schema_prompts.API_PATH: "is not a path: it begins with '/' and has no spaces",
    schema_clusters.CHECK_PATH: "is not a path: it begins with '/' and has no spaces",
}
_NAMED = ("model_aliases", "endpoints")
"""Mappings whose keys are names that operators give."""
_WANTED: Mapping[str, str] = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


def shape(path: Path) -> Path:
    """A path with "*" for what differs between entries."""
    steps = tuple("*" if isinstance(step, int) else step for step in path)
    return (steps[0], "*", *steps[2:]) if len(steps) > 1 and steps[0] in _NAMED else steps


def explain(error: ErrorDetails) -> tuple[Path, str, str]:
    """Path, message and hint of one finding of pydantic."""
    path: Path = error["loc"]
    context: Mapping[str, Any] = error.get("ctx", {})
    value = error["input"]
    match error["type"]:
        case "missing":
            return path, "is missing", _purpose(path)
        case "extra_forbidden":
            return path, *_unknown_key(path)
        case "outrider":
            return path, context["said"], context["hint"]
        case "literal_error":
            return path, *_not_a_word(path, value, context["expected"])
        case "string_pattern_mismatch":
            if path[-1] == "[key]":
                path = path[:-1]
            if not value:
                return path, "is empty", ""
            rule = _PATTERNS.get(context["pattern"], "has a character it cannot have")
            return path, f"{_show(value)} {rule}", ""
        case "string_too_short" | "too_short":
            return path, "is empty", ""
        case "string_too_long" | "too_long":
            return path, f"is longer than {context['max_length']:,}", ""
        case "greater_than_equal":
            return path, f"{_show(value)} is less than {_number(context['ge'])}", ""
        case "less_than_equal":
            return path, f"{_show(value)} is more than {_number(context['le'])}", ""
        case kind if kind in _WANTED:
            hint = _place_hint(path, value) or _type_hint(kind, value)
            return path, f"must be {_WANTED[kind]}, not {_kind(value)}", hint
        case _:
            return path, error["msg"], ""


def meant(path: Path) -> str:
    """The key that an unknown one was probably meant to be; empty when there is no such."""
    where, key = shape(path[:-1]), str(path[-1])
    if key in REFUSED.get(where, {}):
        return ""
    known = list(BLOCKS[where].model_fields) if where in BLOCKS else []
    return next(iter(get_close_matches(key, known, n=1, cutoff=0.6)), "")


def _unknown_key(path: Path) -> tuple[str, str]:
    where, key = shape(path[:-1]), str(path[-1])
    refused = REFUSED.get(where, {})
    if key in refused:
        return ("is not a key here" if key in RENAMED else f"is {_LATER}"), refused[key]
    close = meant(path)
    if close:
        return "unknown key", f"did you mean {close!r}?"
    known = _keys(BLOCKS[where]) if where in BLOCKS else []
    elsewhere = sorted(
        {_show_shape(at) for at, block in BLOCKS.items() if key in block.model_fields}
    )
    if elsewhere:
        return "unknown key", f"{key!r} is a key of {' and of '.join(elsewhere)}"
    return "unknown key", f"keys here are {one_of(known)}" if known else ""


def _keys(block: type[Block]) -> list[str]:
    """Its own first, then those that it shares with other blocks."""
    return sorted(block.model_fields, key=lambda key: key not in block.__annotations__)


def _show_shape(path: Path) -> str:
    return ".".join(str(step) for step in path).replace(".*", "[]") or "the top level"


def _not_a_word(path: Path, value: object, expected: str) -> tuple[str, str]:
    if expected == "True":
        return f"must be true, not {_kind(value)}", "remove it"
    if not isinstance(value, str):
        quoted = (
            "write version: v0.4.0" if path == ("version",) else _type_hint("string_type", value)
        )
        return f"must be {expected}, not {_kind(value)}", quoted
    if path == ("version",):
        return f"{_show(value)} is not a version that is known", "write version: v0.4.0"
    words = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    close = get_close_matches(value.lower(), words, n=1)
    return f"{_show(value)} is not {expected}", f"did you mean {close[0]!r}?" if close else ""


_STANDARD_HINTS: Mapping[Path, str] = {
    ("version",): "write version: v0.4.0",
    ("listeners",): "nothing is served without one",
    ("listeners", "*", "type"): "write type: agent, type: model or type: prompt",
    ("model_providers", "*", "model"): "such as openai/gpt-4o",
}


def _purpose(path: Path) -> str:
    """For a missing key: the first sentence of its description."""
    where = shape(path)
    if where in _STANDARD_HINTS:
        return _STANDARD_HINTS[where]
    block = BLOCKS.get(where[:-1])
    known = block.model_fields.get(str(path[-1])) if block else None
    text = (known.description or "") if known else ""
    first = text.split(". ")[0].rstrip(".").replace("`", "'")
    return first[:1].lower() + first[1:]


def _show(value: object) -> str:
    """A value as it is written in YAML, cut to what fits a line."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "nothing"}[value]
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}...{text[-1]}"


def _number(limit: float) -> str:
    return f"{limit:,}" if isinstance(limit, int) else f"{limit:g}"


def _kind(value: object) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return f"the boolean {_show(value)}"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {_show(value)}"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _place_hint(path: Path, value: object) -> str:
    """What a wrong type means where it is, when that says more than the type."""
    if str(path[-1]).endswith("timeout") and type(value) in (int, float):
        return f"add a unit: {value}s, or ms, m, h"
    if str(path[-1]).endswith("_bytes") and isinstance(value, str):
        return "a plain number of bytes, such as 1048576"
    if shape(path)[1:] == ("*", "endpoints", "*"):
        return "write http://host:port, or url: with weight, priority, zone"
    return ""


def _type_hint(kind: str, value: object) -> str:
    match kind, value:
        case "string_type", bool() | int() | float():
            return f"put it in quotes: '{_show(value)}'"
        case "int_type" | "float_type", str() if value.strip().lstrip("-").isdigit():
            return f"remove the quotes: {value.strip()}"
        case "bool_type", str() if value.lower() in ("yes", "on", "y", "true"):
            return "write true"
        case "bool_type", str() if value.lower() in ("no", "off", "n", "false"):
            return "write false"
        case (("tuple_type" | "dict_type" | "model_type"), None):
            return "remove the key or give it a value"
        case "tuple_type", dict():
            return "begin each entry with '- '"
        case "tuple_type", str():
            return f"write [{value}]" if len(value) < 40 else "begin each entry with '- '"
        case _:
            return ""
