"""The API's `Schema` (a subset of OpenAPI's, with types in upper case) -> JSON schema."""

from typing import Any

from dataplane.llm.translate.gemini.fields import camel

_RENAMED = {"example": "examples", "defs": "$defs", "ref": "$ref"}
_DROPPED = {"propertyOrdering", "nullable"}
_NUMBERS = {"maxItems", "minItems", "maxLength", "minLength", "maxProperties", "minProperties"}


def json_schema(schema: Any) -> Any:
    """A JSON schema that allows the same; what is no object is given as it is."""
    if not isinstance(schema, dict):
        return schema
    fields = {_named(name): value for name, value in schema.items() if value is not None}
    made: dict[str, Any] = {}
    for name, value in fields.items():
        if name == "type":
            kind = _type(value)
            if kind is not None:
                made["type"] = kind
        elif name == "format" and value == "enum":
            continue  # OpenAPI's mark of a closed list; `enum` says it
        elif name == "example":
            made["examples"] = [value]
        elif name in _NUMBERS:
            made[name] = int(value) if isinstance(value, str) and value.isdigit() else value
        elif name not in _DROPPED:
            made[_RENAMED.get(name, name)] = _inner(name, value)
    if fields.get("nullable") is True:
        _allow_null(made)
    return made


def _named(name: str) -> str:
    return name if name.startswith("$") else camel(name)


def _type(kind: Any) -> Any:
    if isinstance(kind, list):
        return [str(one).lower() for one in kind]
    if not isinstance(kind, str) or kind == "TYPE_UNSPECIFIED":
        return None
    return kind.lower()


def _inner(name: str, value: Any) -> Any:
    if name in ("properties", "defs", "$defs", "patternProperties") and isinstance(value, dict):
        return {key: json_schema(one) for key, one in value.items()}
    if name in ("anyOf", "oneOf", "allOf", "prefixItems") and isinstance(value, list):
        return [json_schema(one) for one in value]
    if name in ("items", "additionalProperties", "not"):
        return json_schema(value)
    return value


def _allow_null(made: dict[str, Any]) -> None:
    kind = made.get("type")
    if isinstance(kind, str) and kind != "null":
        made["type"] = [kind, "null"]
    if isinstance(made.get("anyOf"), list):
        made["anyOf"] = [*made["anyOf"], {"type": "null"}]
    if isinstance(made.get("enum"), list) and None not in made["enum"]:
        made["enum"] = [*made["enum"], None]
