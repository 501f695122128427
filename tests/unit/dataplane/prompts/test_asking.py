"""What a model is asked about a conversation, and what its answers mean."""

import pytest

from dataplane.llm.hub.answer import Answer, Choice
from dataplane.llm.hub.parts import Part, Text, ToolCall, ToolResult
from dataplane.llm.hub.request import Message, Request
from dataplane.prompts.asking import FORGOTTEN, Called, Said, question_of, read_found
from dataplane.runtime.prompts import PromptTarget
from dataplane.runtime.protocols import Protocol

WEATHER = PromptTarget("weather", "The weather.")
TARGETS = {"weather": WEATHER}
CALL = ToolCall("c1", "weather", '{"city":"Rome"}')


def answer(*parts: Part) -> Answer:
    return Answer("1", "m", [Choice(list(parts))])


def test_first_call_of_a_target_counts() -> None:
    other = ToolCall("c0", "unknown", "{}")
    found = read_found(answer(other, CALL, ToolCall("c2", "weather", "{}")), TARGETS)
    assert found == Called(WEATHER, CALL)


def test_words_beside_a_call_are_kept_for_a_question() -> None:
    found = read_found(answer(Text("In which city?"), CALL), TARGETS)
    assert found == Called(WEATHER, CALL, "In which city?")


@pytest.mark.parametrize("words", ["", "NONE", " none. ", "`NONE`", '"None"', "**NONE**", "\n"])
def test_no_target_fits(words: str) -> None:
    assert read_found(answer(Text(words)), TARGETS) is None
    assert read_found(answer(Text(words), ToolCall("c", "unknown", "{}")), TARGETS) is None
    assert read_found(Answer("1", "m", []), TARGETS) is None


def test_other_words_are_a_question() -> None:
    assert read_found(answer(Text("Which "), Text("city?")), TARGETS) == Said("Which city?")


def conversation() -> Request:
    return Request(
        "big",
        True,
        Protocol.CHAT,
        [
            Message("user", [Text("Rain in Rome?")]),
            Message("assistant", [CALL]),
            Message("user", [ToolResult("c1", [Text("dry")])]),
            Message("assistant", [ToolCall("x", "clients_own", "{}")]),
            Message("user", [ToolResult("x", [Text("secret")])]),
            Message("assistant", [Text("It is dry.")]),
            Message("user", [Text("And Paris?")]),
        ],
        system=[Text("Be brief.")],
        temperature=1.5,
    )


def test_model_sees_what_was_said_and_our_calls_only() -> None:
    asked = question_of(conversation(), [WEATHER], "small", Protocol.CHAT)
    assert (asked.model, asked.stream, asked.temperature) == ("small", False, None)
    assert [tool.name for tool in asked.tools] == ["weather"]
    assert [message.parts for message in asked.messages] == [
        [Text("Rain in Rome?")],
        [CALL],
        [ToolResult("c1", [Text("dry")])],
        [Text("It is dry.")],
        [Text("And Paris?")],
    ]
    assert "Be brief." not in str(asked.system)


def test_earlier_answers_may_be_forgotten() -> None:
    asked = question_of(conversation(), [WEATHER], "small", Protocol.CHAT, forgets=True)
    assert asked.messages[2].parts == [ToolResult("c1", [Text(FORGOTTEN)])]
