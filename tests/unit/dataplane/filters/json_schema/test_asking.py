import json
from typing import Any

import pytest

from dataplane.filters.json_schema.asking import MAX_ERRORS, MAX_SCHEMA, Misfit, asked_again
from dataplane.runtime.messages import Request
from dataplane.runtime.protocols import Operation

USER = {"role": "user", "content": "How many?"}
MISFIT = Misfit("is not JSON", ("it is not JSON",))
BODIES: dict[Operation, Any] = {
    Operation.CHAT: {"messages": [USER]},
    Operation.MESSAGES: {"max_tokens": 9, "messages": [USER]},
    Operation.RESPONSES: {"input": "How many?"},
    Operation.GENERATE_CONTENT: {"contents": [{"role": "user", "parts": [{"text": "How many?"}]}]},
}


def said(operation: Operation, body: Any, misfit: Misfit = MISFIT, schema: str = "{}") -> str:
    request = Request("POST", "/", (), json.dumps(body).encode())
    made = asked_again(operation, request, "Seven.", misfit, schema)
    assert made is not None
    return made.body.decode()


@pytest.mark.parametrize("operation", BODIES, ids=lambda one: one.value)
def test_answer_and_complaint_stand_behind_the_conversation(operation: Operation) -> None:
    body = said(operation, BODIES[operation])
    places = [body.index(words) for words in ("How many?", "Seven.", "it is not JSON")]
    assert places == sorted(places)


def test_the_first_errors_and_a_short_schema_are_told() -> None:
    many = Misfit("x", tuple(f"error {number}" for number in range(9)))
    body = said(Operation.CHAT, BODIES[Operation.CHAT], many, '{"type":"object"}')
    assert f"error {MAX_ERRORS - 1}" in body
    assert f"error {MAX_ERRORS}" not in body
    assert json.dumps('{"type":"object"}')[1:-1] in body


def test_a_long_schema_is_not_told() -> None:
    schema = "x" * (MAX_SCHEMA + 1)
    assert schema not in said(Operation.CHAT, BODIES[Operation.CHAT], schema=schema)


def test_where_there_is_no_place_for_it_nobody_is_asked() -> None:
    request = Request("POST", "/", (), b'{"input": "x"}')
    assert asked_again(Operation.EMBEDDINGS, request, "Seven.", MISFIT, "{}") is None
