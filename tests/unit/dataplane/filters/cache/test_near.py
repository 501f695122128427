import json
from typing import Any

import pytest

from dataplane.filters.cache.near import question_of
from dataplane.runtime.protocols import Operation

TURNS = [
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi."},
    {"role": "user", "content": "Where am I?"},
]


def question(operation: Operation, body: Any) -> Any:
    before = json.dumps(body)
    found = question_of(operation, body, json.dumps)
    assert json.dumps(body) == before
    return found


def test_it_is_what_the_user_said_last_among_all_else() -> None:
    found = question(Operation.CHAT, {"model": "m", "messages": TURNS})
    assert found.text == "Where am I?"
    assert json.loads(found.group)["messages"] == [*TURNS[:2], {"role": "user", "content": ""}]


def test_a_picture_beside_it_counts() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:x"}}
    said = [picture, {"type": "text", "text": "What is it?"}]
    found = question(Operation.CHAT, {"messages": [{"role": "user", "content": said}]})
    assert found.text == "What is it?"
    assert "data:x" in found.group


def test_every_api_has_one() -> None:
    assert question(Operation.MESSAGES, {"system": "Be kind.", "messages": TURNS}).text
    assert question(Operation.RESPONSES, {"input": "Where am I?"}).text == "Where am I?"
    contents = [{"role": "user", "parts": [{"text": "Where am I?"}]}]
    assert question(Operation.GENERATE_CONTENT, {"contents": contents}).text == "Where am I?"


WITHOUT = {
    "the model was answered": {"messages": TURNS[:2]},
    "a tool has answered": {"messages": [*TURNS, {"role": "tool", "content": "Berlin"}]},
    "too long": {"messages": [{"role": "user", "content": "word " * 100}]},
    "nothing said": {"messages": [{"role": "user", "content": " "}]},
    "none at all": {"messages": []},
}


@pytest.mark.parametrize("body", WITHOUT.values(), ids=WITHOUT.keys())
def test_who_asks_nothing_short_is_known_by_all_of_it(body: Any) -> None:
    assert question(Operation.CHAT, body) is None


def test_a_vector_is_of_one_text_only() -> None:
    assert question(Operation.EMBEDDINGS, {"input": "Hello"}) is None
