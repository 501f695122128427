"""Prompt targets as tools of a model, and what it says that they shall be told.

Rule: only what an API has a parameter for ever reaches it, of the type that it wants; a model's
slips that leave no doubt ("3" for 3) are mended, all else is as if it had said nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from dataplane.llm.hub.request import Tool
from dataplane.runtime.prompts import Parameter, PromptTarget

_ENCODER = msgspec.json.Encoder()
_ARGUMENTS = msgspec.json.Decoder(dict[str, Any])
_WORDS = {"true": True, "false": False}
MAX_SHOWN = 10
"""Of the values of an enum, in a question to the user."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What is known for a target's parameters."""

    values: Mapping[str, Any]
    """By name; defaults are among them."""
    missing: tuple[Parameter, ...] = ()
    """Those that the API cannot do without."""


def tools_of(targets: Iterable[PromptTarget]) -> list[Tool]:
    """The targets as a model sees them."""
    return [
        Tool(one.name, one.description, msgspec.Raw(_ENCODER.encode(_schema(one))))
        for one in targets
    ]


def read_arguments(target: PromptTarget, text: str) -> Arguments:
    """What a model has said for a call, as JSON."""
    try:
        said = _ARGUMENTS.decode(text or "{}")
    except (ValueError, RecursionError):
        said = {}
    values: dict[str, Any] = {}
    missing: list[Parameter] = []
    for parameter in target.parameters:
        value = _value(parameter, said.get(parameter.name))
        if value is None:
            value = parameter.default
        if value is not None:
            values[parameter.name] = value
        elif needed(target, parameter):
            missing.append(parameter)
    return Arguments(values, tuple(missing))


def needed(target: PromptTarget, parameter: Parameter) -> bool:
    """Whether there is no call without it: a path has no holes."""
    is_in_path = parameter.in_path or f"{{{parameter.name}}}" in target.path
    return parameter.required or (is_in_path and parameter.default is None)


def question(missing: Iterable[Parameter]) -> str:
    """What the user is asked when the model has no words of its own."""
    told = [_described(one) for one in missing]
    return f"To do that I need to know: {'; '.join(told)}."


def _described(one: Parameter) -> str:
    notes = [one.format] if one.format else []
    if one.enum:
        notes.append("one of " + ", ".join(map(_plain, one.enum[:MAX_SHOWN])))
    said = one.description.rstrip(". ")
    return f"{said} ({'; '.join(notes)})" if notes else said


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else _ENCODER.encode(value).decode()


def _schema(target: PromptTarget) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {one.name: _property(one) for one in target.parameters},
        "required": [one.name for one in target.parameters if needed(target, one)],
    }


def _property(one: Parameter) -> dict[str, Any]:
    described = one.description
    if one.format:
        described = f"{described.rstrip('. ')}. Format: {one.format}"
    made: dict[str, Any] = {"type": one.type, "description": described}
    if one.enum:
        made["enum"] = list(one.enum)
    if one.default is not None:
        made["default"] = one.default
    if one.type == "array":
        made["items"] = {"type": "string"}
    return made


def _value(one: Parameter, said: Any) -> Any:
    """Of the type that it should be; None when it cannot be."""
    value = _typed(one.type, said)
    if value is None or not one.enum or value in one.enum:
        return value
    low = str(value).casefold()
    return next((word for word in one.enum if str(word).casefold() == low), None)


def _typed(kind: str, said: Any) -> Any:
    match kind, said:
        case "string", str():
            return said or None
        case "string", bool():
            return _plain(said)
        case "string", int() | float():
            return _plain(said)
        case (("integer" | "number" | "boolean"), str()):
            return _typed(kind, _read(said))
        case "boolean", bool():
            return said
        case (("integer" | "number"), bool()):
            return None
        case "integer", int():
            return said
        case "integer", float():
            return int(said) if said.is_integer() else None
        case "number", int() | float():
            return said
        case "array", list():
            return said
        case "object", dict():
            return said
        case _:
            return None


def _read(text: str) -> Any:
    """A number or boolean that was written as text."""
    word = text.strip()
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    try:
        found = msgspec.json.decode(word)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, int | float) else None
