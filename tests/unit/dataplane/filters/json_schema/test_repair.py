import pytest

from dataplane.filters.json_schema.repair import json_in

FOUND = {
    "JSON alone": ('{"a":1}', '{"a":1}'),
    "with white space": (' {"a":1}\n', '{"a":1}'),
    "in a code block": ('Here:\n```json\n{"a":1}\n```\nBye.', '{"a":1}'),
    "with words around it": ('Sure! {"a":[1,{"b":2}]} Anything else?', '{"a":[1,{"b":2}]}'),
    "a list": ("The list: [1,2]", "[1,2]"),
}


@pytest.mark.parametrize(("text", "said"), FOUND.values(), ids=FOUND.keys())
def test_json_is_found(text: str, said: str) -> None:
    found = json_in(text)
    assert found is not None
    assert found[0] == said


@pytest.mark.parametrize("text", ["", "no", '{"a":', "{" * 1000, "[" * 100_000 + "]"])
def test_what_is_no_json_is_not(text: str) -> None:
    assert json_in(text) is None
