"""The JSON schema of the config, for editors.

`outrider.schema.json` beside this module is its output; a test fails when the file is stale.
"""

from typing import Any

from controlplane.config.schema import Config


def json_schema() -> dict[str, Any]:
    """A JSON Schema (2020-12) that an operator's editor completes and checks with."""
    made = _tidy(Config.model_json_schema())
    draft = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": draft, "title": "Outrider config", **made}


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
