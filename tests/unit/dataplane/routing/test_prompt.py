"""What a routing model is asked."""

import json

from hypothesis import given
from hypothesis import strategies as st

from dataplane.routing.prompt import BYTES_A_TOKEN, MAX_TURNS, ask, trimmed
from dataplane.runtime.config import AgentTarget
from dataplane.runtime.decision import Turn
from dataplane.runtime.orchestrator import PromptForm

CODE = AgentTarget("code", 'Writes {code}, "quoted".', examples=("write a loop",))
TALK = AgentTarget("it's talk", "Plaudert über {conversation}.")
BOTH = (CODE, TALK)
TURNS = [Turn("user", "hello {world}"), Turn("assistant", "hi", "it's talk"), Turn("user", "go")]


def test_planos_form_is_one_message_with_routes_conversation_and_form() -> None:
    prompt = ask(PromptForm.PLANO, BOTH, TURNS, 8192)
    assert (prompt.system, prompt.schema) == ("", b"")
    nothing = '"parameters": {"type": "object", "properties": {}, "required": []}'
    routes = (
        "<routes>\n"
        '{"name": "code", "description": "Writes {code}, \\"quoted\\".", ' + nothing + "}\n"
        '{"name": "it\'s talk", "description": "Plaudert über {conversation}.", ' + nothing + "}\n"
        "</routes>"
    )
    assert routes in prompt.user
    assert '\n{{"route": ["name1", "name2", "..."]}}\n' in prompt.user


def said(turns: list[Turn]) -> str:
    return json.dumps([{"role": one.role, "content": one.text} for one in turns], indent=4)


def test_planos_conversation_is_indented_by_four() -> None:
    text = ask(PromptForm.PLANO, (CODE,), TURNS, 8192).user
    assert f"<conversation>\n{said(TURNS)}\n</conversation>" in text


def test_generic_form_has_instructions_apart_and_a_schema_of_known_names() -> None:
    prompt = ask(PromptForm.GENERIC, BOTH, TURNS, 8192)
    assert '"examples":["write a loop"]' in prompt.system
    assert "hello" not in prompt.system
    assert json.loads(prompt.user) == [
        {"role": "user", "content": "hello {world}"},
        {"role": "assistant", "content": "hi", "name": "it's talk"},
        {"role": "user", "content": "go"},
    ]
    schema = json.loads(prompt.schema)
    assert schema["properties"]["route"]["items"]["enum"] == ["code", "it's talk"]


def test_latest_turns_are_shown_as_far_as_there_is_room() -> None:
    turns = [Turn("user", "x" * 100) for _ in range(5)]
    assert len(trimmed(turns, 250)) == 3
    assert len(trimmed(turns * 10, 100_000)) == MAX_TURNS


def test_long_message_keeps_its_beginning_and_its_end() -> None:
    (shown,) = trimmed([Turn("user", "begin" + "x" * 1000 + "end")], 100)
    assert shown.text.startswith("begin")
    assert shown.text.endswith("end")
    assert "…" in shown.text


def test_an_assistants_long_message_is_left_out_whole() -> None:
    turns = [Turn("user", "a"), Turn("assistant", "x" * 1000), Turn("user", "b")]
    assert trimmed(turns, 100) == [Turn("user", "b")]


def test_last_message_is_shown_even_without_room() -> None:
    assert trimmed([Turn("user", "hello")], -5) == [Turn("user", "hello")]


def test_what_others_than_user_and_assistant_say_is_not_shown() -> None:
    turns = [Turn("system", "a"), Turn("user", "b"), Turn("assistant", ""), Turn("tool", "d")]
    assert trimmed(turns, 100) == [Turn("user", "b")]


def test_prompt_keeps_to_its_budget() -> None:
    turns = [Turn("user", "long " * 5000)] * 3
    for form in PromptForm:
        prompt = ask(form, BOTH, turns, 1024)
        # The names and descriptions of two short agents are all that comes on top.
        assert len(prompt.user) + len(prompt.system) < 1024 * BYTES_A_TOKEN + 500


@given(st.text(max_size=300), st.integers(-10, 200))
def test_any_text_can_be_cut_at_any_length(text: str, room: int) -> None:
    if text:
        json.dumps([turn.text for turn in trimmed([Turn("user", text)], room)]).encode()


@given(st.text(st.characters(codec=None), max_size=50))
def test_half_a_surrogate_pair_is_no_reason_to_fail(text: str) -> None:
    for form in PromptForm:
        ask(form, BOTH, [Turn("user", text)], 8192).user.encode()
