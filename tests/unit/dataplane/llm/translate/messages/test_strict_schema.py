"""Schemas as the API takes them."""

from typing import Any

import pytest

from dataplane.llm.translate.messages.strict_schema import strict_schema


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        pytest.param(
            {"type": "integer", "minimum": 1, "maximum": 9, "description": "A digit."},
            {"type": "integer", "description": "A digit.\n\n{minimum: 1, maximum: 9}"},
            id="bounds-are-told",
        ),
        pytest.param(
            {"type": "array", "items": {"type": "string", "maxLength": 3}, "minItems": 2},
            {
                "type": "array",
                "items": {"type": "string", "description": "{maxLength: 3}"},
                "description": "{minItems: 2}",
            },
            id="lengths-are-told",
        ),
        pytest.param(
            {"type": "array", "minItems": 1}, {"type": "array", "minItems": 1}, id="not-empty"
        ),
        pytest.param(
            {"type": "object", "properties": {"minimum": {"type": "object"}}},
            {
                "type": "object",
                "properties": {"minimum": {"type": "object", "additionalProperties": False}},
                "additionalProperties": False,
            },
            id="objects-are-closed",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"type": "object", "additionalProperties": {"type": "string"}},
            id="what-was-said-stays",
        ),
        pytest.param(
            {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/a"}], "$defs": {"a": True}},
            {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/a"}], "$defs": {"a": True}},
            id="one-of",
        ),
        pytest.param(
            {"enum": [{"type": "object"}], "default": {"minimum": 1}},
            {"enum": [{"type": "object"}], "default": {"minimum": 1}},
            id="values-are-no-schemas",
        ),
    ],
)
def test_schema_is_one_that_can_be_guaranteed(schema: Any, written: Any) -> None:
    assert strict_schema(schema) == written


def test_given_schema_stays_as_it_was() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}
    strict_schema(schema)
    assert schema == {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}


def test_endless_schema_is_no_harm() -> None:
    deep: dict[str, Any] = {}
    for _ in range(400):
        deep = {"type": "object", "properties": {"a": deep}}
    assert strict_schema(deep)["additionalProperties"] is False
