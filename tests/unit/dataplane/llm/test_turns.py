"""What was said in a request."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from dataplane.llm.hub.parts import Media, Part, Text, ToolCall, ToolResult
from dataplane.llm.hub.request import Message, Request, Tool
from dataplane.llm.turns import conversation, estimated_tokens, is_user_turn, prefix_chars
from dataplane.runtime.decision import Turn
from dataplane.runtime.protocols import Protocol

REMINDER = "<system-reminder>\nYou have tools.\n</system-reminder>"


def request(*messages: Message, **more: Any) -> Request:
    made = Request("m", False, Protocol.CHAT, list(messages))
    return replace(made, **more)


def user(*parts: Part) -> Message:
    return Message("user", list(parts))


def test_conversation_is_what_people_and_the_model_said() -> None:
    asked = request(
        Message("developer", [Text("be brief")]),
        user(Text("a"), Text("b")),
        Message("assistant", [ToolCall("1", "f", "{}")]),
        user(ToolResult("1", [Text("42")])),
        Message("assistant", [Text("it is 42")], name="desk"),
    )
    assert conversation(asked) == (
        Turn("user", "a\nb"),
        Turn("assistant", "it is 42", "desk"),
    )


@pytest.mark.parametrize(
    ("last", "is_one"),
    [
        pytest.param(user(Text("hello")), True, id="words"),
        pytest.param(user(Media("image", data="aGk=")), True, id="a picture"),
        pytest.param(user(ToolResult("1", [Text("42")])), False, id="a tool's result"),
        pytest.param(user(Text(REMINDER)), False, id="a program in the user's name"),
        pytest.param(user(Text(f"{REMINDER}\nplease stop")), True, id="both"),
        pytest.param(
            user(ToolResult("1", [Text("42")]), Text(REMINDER)), False, id="result and reminder"
        ),
        pytest.param(user(ToolResult("1", []), Text("no, wait")), True, id="an interruption"),
        pytest.param(Message("assistant", [Text("and")]), False, id="the model's own beginning"),
    ],
)
def test_user_turn_is_one_that_a_person_made(last: Message, is_one: bool) -> None:
    assert is_user_turn(request(user(Text("first")), last)) is is_one


def test_empty_conversation_is_nobodys_turn() -> None:
    assert not is_user_turn(request())


def test_length_counts_instructions_tools_and_messages() -> None:
    tool = Tool("f", "does", msgspec.Raw(b"{}"))
    asked = request(user(Text("x" * 400)), system=[Text("y" * 100)], tools=[tool])
    assert prefix_chars(asked) == 107
    assert estimated_tokens(asked) == 507 // 4
