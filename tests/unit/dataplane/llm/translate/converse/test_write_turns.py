from typing import Any

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.namespaces import FlatNames
from dataplane.llm.hub.parts import Part, Text, Thinking, ToolCall, ToolResult
from dataplane.llm.hub.request import Message, Request
from dataplane.llm.hub.seal import seal
from dataplane.llm.translate.converse.write_parts import BlockWriter
from dataplane.llm.translate.converse.write_turns import (
    OPENING,
    thinks_in_tool_turn,
    uses_tools,
    write_turns,
)
from dataplane.runtime.protocols import Protocol

CALL = ToolCall("t", "f", "{}")
RESULT = ToolResult("t", [Text("x")])
THOUGHT = Thinking("t", seal(Protocol.CONVERSE, "s"))
RESULT_BLOCK = {"toolResult": {"toolUseId": "t", "content": [{"text": "x"}]}}


def write(*messages: tuple[str, list[Part]]) -> tuple[list[dict[str, Any]], Losses]:
    request = Request("m", False, Protocol.CHAT, [Message(role, parts) for role, parts in messages])
    losses = Losses(request)
    return write_turns(request, BlockWriter("anthropic", FlatNames([]), losses), losses), losses


def test_neighbours_of_one_role_become_one_turn() -> None:
    turns, _ = write(("user", [Text("a")]), ("user", [Text("b")]), ("assistant", [Text("c")]))
    assert turns == [
        {"role": "user", "content": [{"text": "a"}, {"text": "b"}]},
        {"role": "assistant", "content": [{"text": "c"}]},
    ]


def test_user_begins_where_the_assistant_spoke_first() -> None:
    turns, _ = write(("assistant", [Text("a")]), ("user", [Text("b")]))
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert turns[0]["content"] == [{"text": OPENING}]


def test_a_message_without_a_word_is_no_turn() -> None:
    turns, _ = write(("user", [Text("a")]), ("assistant", [Text("")]), ("user", [Text("b")]))
    assert turns == [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]


def test_results_stand_first_and_keep_their_cache_points() -> None:
    marked = ToolResult("t", [Text("x")], cache="5m")
    turns, _ = write(("user", [Text("a", cache="1h"), marked]))
    assert turns[0]["content"] == [
        RESULT_BLOCK,
        {"cachePoint": {"type": "default"}},
        {"text": "a"},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
    ]


def test_late_instructions_are_told_by_the_user() -> None:
    turns, losses = write(("user", [Text("a")]), ("developer", [Text("b")]))
    assert turns == [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]
    assert losses.hints == ["messages: late system message"]


def test_a_begun_answer_does_not_end_with_a_space() -> None:
    turns, _ = write(("user", [Text("a ")]), ("assistant", [Text("b ")]))
    assert [turn["content"] for turn in turns] == [[{"text": "a "}], [{"text": "b"}]]


def test_calls_and_results_are_uses_of_tools() -> None:
    used = [uses_tools(write(("user", [part]))[0]) for part in (Text("a"), CALL, RESULT)]
    assert used == [False, True, True]


def test_a_tool_turn_may_go_on_only_with_signed_thinking() -> None:
    turns: list[list[Part]] = [[CALL], [THOUGHT, CALL], [Text("a")]]
    found = [thinks_in_tool_turn(write(("assistant", parts))[0]) for parts in turns]
    assert found == [False, True, True]


def test_a_first_turn_may_think() -> None:
    assert thinks_in_tool_turn(write(("user", [Text("a")]))[0])
