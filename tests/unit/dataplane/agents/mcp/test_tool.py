"""Which tool an agent is, and what it is called with."""

from typing import Any

import pytest

from dataplane.agents.described import Unknown
from dataplane.agents.mcp.tool import CONVERSATION, Tool, tool_of
from dataplane.mcp.session import Peer
from dataplane.runtime.agents import Agent, AgentProtocol

PEER = Peer("2025-11-25", "s")
TEXT = {"type": "string"}


def agent(tool: str = "", **arguments: Any) -> Agent:
    return Agent("a", "c", protocol=AgentProtocol.MCP, tool=tool, arguments=arguments)


def listed(name: str, schema: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": schema or {}, **more}


def with_properties(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def arguments(schema: dict[str, Any], made: Agent | None = None) -> dict[str, Any] | str:
    found = tool_of(made or agent(), [listed("t", schema)], PEER)
    return found.reason if isinstance(found, Unknown) else found.arguments


def test_only_tool_needs_no_name() -> None:
    found = tool_of(agent(), [listed("t", with_properties(q=TEXT), description="Asks.")], PEER)
    assert found == Tool("t", "Asks.", {"q": CONVERSATION})
    assert isinstance(found, Tool)
    assert found.peer is PEER
    assert (found.told(), found.examples()) == ("Asks.", ())


def test_named_tool_is_found_among_several() -> None:
    both = [listed("a", with_properties(q=TEXT)), listed("b", with_properties(r=TEXT), title="B.")]
    found = tool_of(agent("b"), both, PEER)
    assert found == Tool("b", "B.", {"r": CONVERSATION})


@pytest.mark.parametrize(
    ("made", "names", "why"),
    [
        (agent(), "ab", "its server has 'a', 'b'; say which one it is with 'tool'"),
        (agent(), "", "its server has no tools"),
        (agent("x"), "a", "its server has no tool 'x'; it has 'a'"),
        (agent("x"), "abcdefg", "it has 'a', 'b', 'c', 'd', 'e' and 2 more"),
    ],
)
def test_doubt_about_the_tool_is_said(made: Agent, names: str, why: str) -> None:
    found = tool_of(made, [listed(name) for name in names], PEER)
    assert isinstance(found, Unknown)
    assert why in found.reason


@pytest.mark.parametrize(
    ("schema", "argument"),
    [
        (with_properties(("q",), q=TEXT, message=TEXT), "q"),
        (with_properties(("a", "query"), a=TEXT, query=TEXT), "query"),
        (with_properties(depth={"type": "integer"}, q=TEXT), "q"),
        (with_properties(a=TEXT, question=TEXT, query=TEXT), "query"),
        (with_properties(q={"anyOf": [TEXT, {"type": "null"}]}), "q"),
        (with_properties(q={"type": ["string", "null"]}), "q"),
        (with_properties(q=TEXT, how={"type": "string", "enum": ["short", "long"]}), "q"),
    ],
    ids=["required", "usual required", "only text", "usual", "any of", "types", "enum"],
)
def test_argument_that_takes_the_conversation(schema: dict[str, Any], argument: str) -> None:
    found = arguments(schema)
    if "a" in schema["required"]:
        assert found == "its tool 't' must have 'a', too; write 'arguments'"
    else:
        assert found == {argument: CONVERSATION}


@pytest.mark.parametrize(
    "schema", [{}, with_properties(a=TEXT, b=TEXT), with_properties(n={"type": "integer"})]
)
def test_doubt_about_the_argument_is_said(schema: dict[str, Any]) -> None:
    found = arguments(schema)
    assert isinstance(found, str)
    assert found.endswith("write 'arguments'")


def test_what_the_tool_must_have_and_does_not_get_is_said() -> None:
    schema = with_properties(("q", "depth"), q=TEXT, depth={"type": "integer"})
    assert arguments(schema) == "its tool 't' must have 'depth', too; write 'arguments'"
    assert arguments(schema, agent(q="{message}", depth=2)) == {"q": "{message}", "depth": 2}
    assert arguments(schema, agent(q="{message}")) == (
        "its tool 't' must have 'depth', too; write 'arguments'"
    )


def test_arguments_that_headers_repeat_are_known() -> None:
    schema = with_properties(q=TEXT | {"x-mcp-header": "Region"}, r={"x-mcp-header": "a b"})
    found = tool_of(agent(q="{message}"), [listed("t", schema)], PEER)
    assert isinstance(found, Tool)
    assert found.headers == {"q": "Region"}
