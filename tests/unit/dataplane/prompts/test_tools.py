"""Prompt targets as tools, and what models say for their parameters."""

import json
from typing import Any

import pytest

from dataplane.prompts.tools import question, read_arguments, tools_of
from dataplane.runtime.prompts import Parameter, PromptTarget

CITY = Parameter("city", "Name of the city.", required=True, format="City, State")
DAYS = Parameter("days", "How many days.", "integer", default=3)
UNIT = Parameter("unit", "Of what is told.", enum=("C", "F"))
WEATHER = PromptTarget("weather", "The weather.", parameters=(CITY, DAYS, UNIT))


def value_of(kind: str, said: Any, **more: Any) -> Any:
    target = PromptTarget("t", "T.", parameters=(Parameter("p", "P.", kind, **more),))
    return read_arguments(target, json.dumps({"p": said})).values.get("p")


def test_target_is_a_tool_with_a_schema() -> None:
    (tool,) = tools_of([WEATHER])
    assert (tool.name, tool.description, tool.kind) == ("weather", "The weather.", "function")
    assert json.loads(bytes(tool.parameters or b"")) == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Name of the city. Format: City, State"},
            "days": {"type": "integer", "description": "How many days.", "default": 3},
            "unit": {"type": "string", "description": "Of what is told.", "enum": ["C", "F"]},
        },
        "required": ["city"],
    }


@pytest.mark.parametrize(
    ("kind", "said", "value"),
    [
        ("string", "Rome", "Rome"),
        ("string", 7, "7"),
        ("string", True, "true"),
        ("string", "", None),
        ("string", ["Rome"], None),
        ("integer", 7, 7),
        ("integer", "7", 7),
        ("integer", 7.0, 7),
        ("integer", 7.5, None),
        ("integer", "seven", None),
        ("integer", True, None),
        ("number", "7.5", 7.5),
        ("number", 7, 7),
        ("number", [7], None),
        ("boolean", False, False),
        ("boolean", "False", False),
        ("boolean", "perhaps", None),
        ("boolean", 1, None),
        ("array", ["a"], ["a"]),
        ("array", "a", None),
        ("object", {"a": 1}, {"a": 1}),
        ("object", [], None),
        ("string", None, None),
    ],
)
def test_value_has_the_type_of_its_parameter_or_is_none(kind: str, said: Any, value: Any) -> None:
    made = value_of(kind, said)
    assert (made, type(made)) == (value, type(value))


def test_value_of_an_enum_is_one_of_it_however_it_is_written() -> None:
    assert value_of("string", "c", enum=("C", "F")) == "C"
    assert value_of("string", "K", enum=("C", "F")) is None
    assert value_of("integer", "2", enum=(1, 2)) == 2


def test_only_parameters_of_the_target_are_told() -> None:
    found = read_arguments(WEATHER, '{"city":"Rome","admin":true,"days":"2"}')
    assert (found.values, found.missing) == ({"city": "Rome", "days": 2}, ())


@pytest.mark.parametrize("text", ["", "{}", "[]", '"Rome"', '{"city":', '{"city": ""}', "[" * 9999])
def test_what_is_required_and_not_said_is_missing(text: str) -> None:
    found = read_arguments(WEATHER, text)
    assert (found.values, found.missing) == ({"days": 3}, (CITY,))


def test_what_has_a_place_in_the_path_is_required_unless_there_is_a_default() -> None:
    place, step = Parameter("a", "A."), Parameter("b", "B.", default="x", in_path=True)
    target = PromptTarget("t", "T.", parameters=(place, step), path="/{a}/{b}")
    assert read_arguments(target, "{}").missing == (place,)


def test_question_says_how_and_what() -> None:
    assert question((CITY, UNIT)) == (
        "To do that I need to know: Name of the city (City, State); Of what is told (one of C, F)."
    )
