"""The shipped JSON schema is what the code accepts, and says what every key is for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from controlplane.config import published
from controlplane.config.blocks import BLOCKS
from controlplane.config.published import json_schema

SHIPPED = Path(published.__file__).with_name("outrider.schema.json")


def blocks() -> Iterator[tuple[str, dict[str, Any]]]:
    schema = json_schema()
    yield "Config", schema
    yield from schema["$defs"].items()


def test_shipped_schema_is_fresh() -> None:
    made = json.dumps(json_schema(), indent=2) + "\n"
    hint = "run: outrider schema > controlplane/config/outrider.schema.json"
    assert SHIPPED.read_text() == made, hint


def test_every_key_has_a_description() -> None:
    bare = [
        f"{name}.{key}"
        for name, block in blocks()
        for key, value in block["properties"].items()
        if not value.get("description", "").strip().endswith((".", "`."))
    ]
    assert bare == []


def test_every_block_refuses_unknown_keys() -> None:
    assert [name for name, block in blocks() if block["additionalProperties"] is not False] == []


def test_every_block_is_known_where_problems_are_explained() -> None:
    assert {block.__name__ for block in BLOCKS.values()} == {name for name, _ in blocks()}
