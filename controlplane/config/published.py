"""The JSON schema of the config, for editors.

`outrider.schema.json` beside this module is its output; a test fails when the file is stale.
"""

from typing import Any

from controlplane.config.filters.kinds import KINDS
from controlplane.config.schema import Config


def json_schema() -> dict[str, Any]:
    """A JSON Schema (2020-12) that an operator's editor completes and checks with."""
    schema = Config.model_json_schema()
    _tell_filters(schema["$defs"])
    made = _tidy(schema)
    draft = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": draft, "title": "Outrider config", **made}


def _tell_filters(blocks: dict[str, Any]) -> None:
    """What `config` of a filter may be is said by its `type`."""
    choices = blocks["Filter"]["allOf"] = []
    for name, kind in KINDS.items():
        config = kind.config.model_json_schema(ref_template="#/$defs/{model}")
        blocks |= config.pop("$defs", {})
        blocks[kind.config.__name__] = config
        choices.append(
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {"properties": {"config": {"$ref": f"#/$defs/{kind.config.__name__}"}}},
            }
        )


def _tidy(schema: Any) -> Any:
    """Without what pydantic adds for programs: titles, and null for keys that may be left out."""
    if isinstance(schema, list):
        return [_tidy(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "title" and isinstance(value, str):
            continue
        if key == "anyOf" and {"type": "null"} in value:
            (only,) = (one for one in value if one != {"type": "null"})
            made |= _tidy(only)
        elif not (key == "default" and value is None):
            made[key] = _tidy(value)
    return made
