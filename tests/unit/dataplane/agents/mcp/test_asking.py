"""The conversation in a tool's arguments."""

from typing import Any

from dataplane.agents.mcp.asking import arguments, mirrored
from dataplane.agents.mcp.tool import Tool
from dataplane.runtime.decision import Turn

ONE = (Turn("user", "When?"),)
SEVERAL = (
    Turn("system", "Be brief."),
    Turn("user", "When?"),
    Turn("assistant", "", "silent"),
    Turn("assistant", "In 1825.", "research"),
    Turn("user", "Where?"),
)


def filled(turns: tuple[Turn, ...], **given: Any) -> dict[str, Any]:
    return arguments(Tool("t", "", given), turns)


def test_one_message_is_the_conversation_as_it_is() -> None:
    assert filled(ONE, q="{conversation}") == {"q": "When?"}


def test_several_messages_are_a_transcript() -> None:
    assert filled(SEVERAL, q="{conversation}", last="{message}") == {
        "q": "system: Be brief.\n\nuser: When?\n\nresearch: In 1825.\n\nuser: Where?",
        "last": "Where?",
    }


def test_messages_are_a_list_of_those_with_words() -> None:
    assert filled(SEVERAL, past="{messages}")["past"][1:] == [
        {"role": "user", "content": "When?"},
        {"role": "assistant", "name": "research", "content": "In 1825."},
        {"role": "user", "content": "Where?"},
    ]


def test_words_stand_anywhere_and_the_rest_stays() -> None:
    given = {"deep": {"x": ["a", "Say: {message}!", 1, None, True]}, "other": "{other} {"}
    assert filled(ONE, **given) == {
        "deep": {"x": ["a", "Say: When?!", 1, None, True]},
        "other": "{other} {",
    }


def test_what_users_say_is_never_a_word_of_ours() -> None:
    turns = (Turn("user", "{conversation} {message}"),)
    assert filled(turns, q="{message} {conversation}") == {
        "q": "{conversation} {message} {conversation} {message}"
    }


def test_without_a_message_of_the_user_there_is_no_message() -> None:
    assert filled((Turn("assistant", "Hello."),), q="{message}", c="{conversation}") == {
        "q": "",
        "c": "Hello.",
    }


def test_headers_repeat_what_fits_into_one() -> None:
    headers = {name: name.upper() for name in "abcd"} | {"absent": "X"}
    tool = Tool("t", "", {}, headers)
    told = mirrored(tool, {"a": "eu", "b": 3, "c": True, "d": ["no"], "e": "f"})
    assert told == (("mcp-param-a", "eu"), ("mcp-param-b", "3"), ("mcp-param-c", "true"))
    assert mirrored(tool, {"a": "é"}) == (("mcp-param-a", "=?base64?w6k=?="),)
