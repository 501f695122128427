"""The keys of controlplane/config/README.md, made by `python -m tests.arch.config_reference`.

The text of each key is its docstring in controlplane/config/schema.py, so it is written once.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from controlplane.config.filters.kinds import KINDS
from controlplane.config.schema import Config
from controlplane.config.schema_clusters import ClusterKeys

README = Path(__file__).parents[2] / "controlplane" / "config" / "README.md"
BEGIN = "<!-- config reference: made by `python -m tests.arch.config_reference` -->\n"
END = "<!-- end of config reference -->\n"


def entries() -> Iterator[tuple[str, str, str]]:
    """Every key of a config: its path, what it is for, its default (or "required", or nothing)."""
    schema = Config.model_json_schema()
    yield from _keys(schema, schema["$defs"], "", {})


def _keys(
    block: dict[str, Any], blocks: dict[str, Any], prefix: str, shown_at: dict[int, str]
) -> Iterator[tuple[str, str, str]]:
    """`shown_at`: where a block that stands in several places was written out."""
    required = set(block.get("required", ()))
    # What clusters have in common comes after what an entry is.
    fields = sorted(
        block.get("properties", {}).items(), key=lambda one: one[0] in ClusterKeys.model_fields
    )
    for name, field in fields:
        path = f"{prefix}{name}"
        suffix, inner = _inside(field, blocks)
        shown = "" if inner is not None and suffix == "" else _default(field, name in required)
        text = field.get("description") or (inner or {}).get("description", "")
        first = shown_at.setdefault(id(inner), path) if inner is not None else path
        if first != path:
            text = f"{text} Keys: as of `{first}`."
        yield path, " ".join(text.split()), shown
        if path == "filters[].config":
            yield from _filter_configs(shown_at)
        if inner is not None and first == path:
            yield from _keys(inner, blocks, f"{path}{suffix}.", shown_at)


def _filter_configs(shown_at: dict[int, str]) -> Iterator[tuple[str, str, str]]:
    """`config` of each kind of filter."""
    for name, kind in KINDS.items():
        schema = kind.config.model_json_schema()
        path = f"filters[].config ({name})"
        yield path, " ".join(schema["description"].split()), ""
        if kind.config.model_fields:
            yield from _keys(schema, schema.get("$defs", {}), f"{path}.", shown_at)


def _inside(field: dict[str, Any], blocks: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """The block that a field holds, and how its keys are written after the field's name."""
    for choice in (field, *field.get("anyOf", ())):
        if "$ref" in choice:
            return "", blocks[choice["$ref"].rpartition("/")[2]]
        items = choice.get("items", {})
        for item in (items, *items.get("anyOf", ())):
            if "$ref" in item:
                return "[]", _inside(item, blocks)[1]
        for values in (
            choice.get("additionalProperties"),
            *choice.get("patternProperties", {}).values(),
        ):
            if isinstance(values, dict) and "$ref" in values:
                return ".NAME", _inside(values, blocks)[1]
    return "", None


def _default(field: dict[str, Any], is_required: bool) -> str:
    if is_required:
        return "required"
    default = field.get("default")
    return "" if default in (None, [], {}) else f"`{json.dumps(default).strip(chr(34))}`"


def table() -> str:
    """The reference as Markdown."""
    rows = "".join(f"| `{path}` | {text} | {default} |\n" for path, text, default in entries())
    return f"{BEGIN}\n| key | what it is for | default |\n|---|---|---|\n{rows}\n{END}"


def current() -> str:
    """What the README holds now, markers included."""
    text = README.read_text(encoding="utf-8")
    return text[text.index(BEGIN) : text.index(END) + len(END)]


if __name__ == "__main__":
    README.write_text(README.read_text(encoding="utf-8").replace(current(), table()))
