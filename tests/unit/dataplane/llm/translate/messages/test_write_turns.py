"""Messages -> turns."""

from typing import Any

import pytest

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.namespaces import FlatNames
from dataplane.llm.hub.parts import Part, Text, Thinking, ToolCall, ToolResult
from dataplane.llm.hub.request import Message, Request
from dataplane.llm.translate.messages.abilities import abilities
from dataplane.llm.translate.messages.write_turns import OPENING, thinks_in_tool_turn, write_turns
from dataplane.runtime.protocols import Protocol

OLD = "claude-sonnet-4-5"
NEW = "claude-opus-4-8"


def said(role: str, *parts: Part | str) -> Message:
    return Message(role, [Text(part) if isinstance(part, str) else part for part in parts])


def write(*messages: Message, model: str = OLD) -> tuple[list[dict[str, Any]], list[str]]:
    request = Request(model, False, Protocol.CHAT, list(messages))
    losses = Losses(request)
    return write_turns(request, abilities(model), losses, FlatNames([])), losses.hints


def shape(turns: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    return [
        (turn["role"], [block.get("text") or block["type"] for block in turn["content"]])
        for turn in turns
    ]


def test_neighbours_of_one_role_are_one_turn() -> None:
    turns, _ = write(
        said("user", "a"), said("user", "b"), said("assistant", "c"), said("user", "d")
    )
    assert shape(turns) == [("user", ["a", "b"]), ("assistant", ["c"]), ("user", ["d"])]


def test_user_begins_where_the_assistant_spoke_first() -> None:
    turns, _ = write(said("assistant", "a"), said("user", "b"))
    assert shape(turns) == [("user", [OPENING]), ("assistant", ["a"]), ("user", ["b"])]


def test_results_of_parallel_calls_come_first_in_one_turn() -> None:
    turns, _ = write(
        said("user", "a"),
        said("assistant", ToolCall("t1", "f", "{}"), ToolCall("t2", "f", "{}")),
        said("user", ToolResult("t1", [])),
        said("user", "and quick"),
        said("user", ToolResult("t2", [])),
    )
    assert shape(turns)[2] == ("user", ["tool_result", "tool_result", "and quick"])


@pytest.mark.parametrize("role", ["system", "developer"])
def test_late_instructions_keep_their_role_where_it_is_known(role: str) -> None:
    turns, hints = write(said("user", "a"), said(role, "s"), said("assistant", "b"), model=NEW)
    assert shape(turns) == [("user", ["a"]), ("system", ["s"]), ("assistant", ["b"])]
    assert hints == []


@pytest.mark.parametrize(
    ("model", "messages"),
    [
        pytest.param(OLD, [said("user", "a"), said("system", "s")], id="old-model"),
        pytest.param(NEW, [said("system", "s"), said("user", "a")], id="at-the-start"),
        pytest.param(
            NEW, [said("user", "a"), said("system", "s"), said("user", "b")], id="between-users"
        ),
    ],
)
def test_late_instructions_are_told_by_the_user_elsewhere(
    model: str, messages: list[Message]
) -> None:
    turns, hints = write(*messages, model=model)
    assert [turn["role"] for turn in turns] == ["user"]
    assert hints == ["messages: late system message"]


def test_message_without_a_block_is_no_turn() -> None:
    turns, _ = write(said("user", "a"), said("assistant", ""), said("user", "b"))
    assert shape(turns) == [("user", ["a", "b"])]


def test_answer_that_was_begun_ends_without_a_space() -> None:
    turns, _ = write(said("user", "a"), said("assistant", "The answer is "))
    assert turns[1]["content"][0]["text"] == "The answer is"


@pytest.mark.parametrize(
    ("parts", "thinks"),
    [
        pytest.param([Text("x")], True, id="no-call"),
        pytest.param([ToolCall("t", "f", "{}")], False, id="call-alone"),
        pytest.param(
            [Thinking("hm", "outrider.messages.S"), ToolCall("t", "f", "{}")], True, id="signed"
        ),
        pytest.param([Thinking("hm"), ToolCall("t", "f", "{}")], False, id="unsigned"),
    ],
)
def test_turn_with_calls_must_begin_with_signed_thinking(parts: list[Part], thinks: bool) -> None:
    turns, _ = write(
        said("user", "a"), said("assistant", *parts), said("user", ToolResult("t", []))
    )
    assert thinks_in_tool_turn(turns) is thinks


def test_conversation_without_an_answer_may_think() -> None:
    assert thinks_in_tool_turn(write(said("user", "a"))[0])
