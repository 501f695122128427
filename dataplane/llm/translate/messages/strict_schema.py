"""JSON schemas in the form that the API can guarantee.

Rule: what it refuses in a schema (bounds of numbers, lengths, counts) is told to the model in the
description, as Anthropic's own SDKs do; objects are closed, because it wants that said.
"""

from typing import Any

_TOLD = {
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
}
_BY_NAME = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")


MAX_DEPTH = 100
"""Levels of schemas within schemas; what is deeper stays as it is (the API knows far fewer)."""


def strict_schema(schema: Any, depth: int = 0) -> Any:
    """The schema (any JSON) as the API takes it."""
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return schema
    depth += 1
    written: dict[str, Any] = {}
    told: list[str] = []
    for name, value in schema.items():
        if name in _TOLD or (name == "minItems" and value not in (0, 1)):
            told.append(f"{name}: {value}")
        elif name in _BY_NAME and isinstance(value, dict):
            written[name] = {key: strict_schema(inner, depth) for key, inner in value.items()}
        elif name in _LISTS and isinstance(value, list):
            # oneOf is not known, and between the forms of one answer it says the same
            known = "anyOf" if name == "oneOf" else name
            written[known] = [strict_schema(inner, depth) for inner in value]
        elif name == "items":
            written[name] = strict_schema(value, depth)
        else:
            written[name] = value
    if told:
        words = [schema.get("description") or "", "{" + ", ".join(told) + "}"]
        written["description"] = "\n\n".join(word for word in words if word)
    if schema.get("type") == "object":
        written.setdefault("additionalProperties", False)
    return written
