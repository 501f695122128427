"""What a routing model is asked and how its answers are read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.routing.prompt import MAX_TURNS, ask, read_answer, trimmed
from dataplane.runtime.choosing import Preference
from dataplane.runtime.decision import Turn

CODE = Preference("code", "Writes {code}.", ("a",))
TALK = Preference("it's talk", "Talks.", ("b",))
BOTH = (CODE, TALK)


def test_prompt_has_every_route_and_the_conversation() -> None:
    prompt = ask(BOTH, [Turn("user", "hello {world}")], 8192)
    assert '{"name":"code","description":"Writes {code}."}' in prompt
    assert "hello {world}" in prompt
    assert '{"route": ["name"]}' in prompt


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        pytest.param('{"route": ["code"]}', CODE, id="as asked"),
        pytest.param('{"route": "code"}', CODE, id="one name"),
        pytest.param('```json\n{"route": ["code"]}\n```', CODE, id="fenced"),
        pytest.param('I would say {"route": ["code"]}.', CODE, id="within prose"),
        pytest.param("{'route': ['code']}", CODE, id="quotes of Python"),
        pytest.param('{"route": ["it\'s talk"]}', TALK, id="apostrophe in a name"),
        pytest.param('{"route": ["unknown", "code"]}', CODE, id="unknown ones are skipped"),
        pytest.param('{"route": ["other"]}', None, id="no known one"),
        pytest.param('{"route": []}', None, id="none fits"),
        pytest.param('{"route": null}', None, id="null"),
        pytest.param("", None, id="nothing"),
        pytest.param("code", CODE, id="bare name"),
    ],
)
def test_answer_is_read(said: str, fits: Preference | None) -> None:
    assert read_answer(said, BOTH) == fits


@pytest.mark.parametrize("said", ["I do not know.", '{"answer": 1}', "[]"])
def test_answer_that_says_nothing_of_routes_is_a_failure(said: str) -> None:
    with pytest.raises(ValueError, match="JSON"):
        read_answer(said, BOTH)


def test_latest_turns_are_shown_as_far_as_there_is_room() -> None:
    turns = [Turn("user", "x" * 100) for _ in range(5)]
    assert len(trimmed(turns, 250)) == 3
    assert len(trimmed(turns * 10, 100_000)) == MAX_TURNS


def test_long_message_keeps_its_beginning_and_its_end() -> None:
    (shown,) = trimmed([Turn("user", "begin" + "x" * 1000 + "end")], 100)
    assert shown.text.startswith("begin")
    assert shown.text.endswith("end")
    assert "…" in shown.text


def test_last_message_is_shown_even_without_room() -> None:
    assert trimmed([Turn("user", "hello")], -5) == [Turn("user", "hello")]


def test_what_others_than_user_and_assistant_say_is_not_shown() -> None:
    turns = [Turn("system", "a"), Turn("user", "b"), Turn("assistant", ""), Turn("tool", "d")]
    assert trimmed(turns, 100) == [Turn("user", "b")]


@given(st.text(max_size=300), st.integers(-10, 200))
def test_any_text_can_be_cut_at_any_length(text: str, room: int) -> None:
    if text:
        json.dumps([turn.text for turn in trimmed([Turn("user", text)], room)]).encode()
