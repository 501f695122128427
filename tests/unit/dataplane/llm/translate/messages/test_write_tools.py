"""Tools of any protocol -> the API's."""

import json
from typing import Any

import msgspec
import pytest

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.namespaces import FlatNames
from dataplane.llm.hub.request import Request, Tool, ToolChoice
from dataplane.llm.translate.messages.write_tools import (
    WEB_SEARCH,
    write_tool_choice,
    write_tools,
)
from dataplane.runtime.protocols import Protocol


def request(*tools: Tool, choice: ToolChoice | None = None) -> Request:
    return Request("m", False, Protocol.RESPONSES, [], tools=list(tools), tool_choice=choice)


def write(*tools: Tool) -> tuple[list[dict[str, Any]], list[str]]:
    asked = request(*tools)
    losses = Losses(asked)
    found = write_tools(asked, losses, FlatNames(asked.tools))
    plain: list[dict[str, Any]] = json.loads(msgspec.json.encode(found))
    return plain, losses.refused


def raw(**fields: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(fields))


def test_function_is_written() -> None:
    schema = raw(type="object", properties={"a": {"type": "string"}})
    (tool,), refused = write(Tool("f", "D", schema, strict=True, cache="5m"))
    assert tool == {
        "name": "f",
        "description": "D",
        "input_schema": {
            "type": "object",
            "properties": {"a": {"type": "string"}},
            "additionalProperties": False,
        },
        "strict": True,
        "cache_control": {"type": "ephemeral"},
    }
    assert refused == []


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        pytest.param(None, {"type": "object", "properties": {}}, id="none"),
        pytest.param(
            msgspec.Raw(b'{"properties":{}}'), {"type": "object", "properties": {}}, id="no-type"
        ),
        pytest.param(msgspec.Raw(b'{"type":null}'), {"type": "object"}, id="null-type"),
    ],
)
def test_schema_is_always_one_of_an_object(schema: msgspec.Raw | None, written: object) -> None:
    (tool,), _ = write(Tool("f", parameters=schema))
    assert tool["input_schema"] == written


def test_custom_tool_takes_its_text_as_input() -> None:
    (tool,), _ = write(Tool("patch", "Edits.", kind="custom", raw=raw(type="custom")))
    assert list(tool["input_schema"]["properties"]) == ["input"]


def test_tools_in_namespaces_get_flat_names() -> None:
    tools, _ = write(Tool("f", namespace="a"), Tool("f", namespace="b"), Tool("g", namespace="b"))
    assert [tool["name"] for tool in tools] == ["a__f", "b__f", "g"]


def test_schema_without_a_promise_stays_as_it_was_spelt() -> None:
    schema = msgspec.Raw(b'{"type":"object","properties":{"a":{"minimum": 1.0}}}')
    asked = request(Tool("f", parameters=schema))
    (tool,) = write_tools(asked, Losses(asked), FlatNames(asked.tools))
    assert tool["input_schema"] is schema


def test_place_of_a_search_is_found_in_chats_form() -> None:
    place = {"type": "approximate", "approximate": {"city": "Oslo", "country": "NO"}}
    definition = raw(user_location=place)
    (tool,), _ = write(Tool("web_search", kind="web_search", raw=definition))
    assert tool["user_location"] == {"type": "approximate", "city": "Oslo", "country": "NO"}


def test_web_search_keeps_where_and_in_what_to_search() -> None:
    definition = raw(
        type="web_search",
        filters={"allowed_domains": ["e.com"]},
        user_location={"type": "approximate", "city": "Paris", "region": None},
        search_context_size="low",
    )
    (tool,), refused = write(Tool("web_search", kind="web_search", raw=definition))
    assert tool == {
        "type": WEB_SEARCH,
        "name": "web_search",
        "user_location": {"type": "approximate", "city": "Paris"},
        "allowed_domains": ["e.com"],
    }
    assert refused == []


@pytest.mark.parametrize(
    "tool",
    [
        pytest.param(Tool("mcp.read", "D"), id="name-with-a-dot"),
        pytest.param(
            Tool("code_interpreter", kind="native", raw=raw(), protocol=Protocol.RESPONSES),
            id="of-another-protocol",
        ),
    ],
)
def test_tool_that_cannot_be_said_is_refused_by_name(tool: Tool) -> None:
    assert write(tool) == ([], [f"tools: {tool.name}"])


@pytest.mark.parametrize(
    ("choice", "parallel", "written"),
    [
        (None, None, None),
        (ToolChoice("auto"), None, {"type": "auto"}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("none"), False, {"type": "none"}),
        (ToolChoice("required"), None, {"type": "any"}),
        (ToolChoice("tools", ["f"]), True, {"type": "tool", "name": "f"}),
        (ToolChoice("tools", ["f", "g"]), None, {"type": "any"}),
        (ToolChoice("tools", ["f"], may=True), None, {"type": "auto"}),
    ],
)
def test_choice_is_written(
    choice: ToolChoice | None, parallel: bool | None, written: object
) -> None:
    asked = request(Tool("f"), Tool("g"), choice=choice)
    asked.parallel_tool_calls = parallel
    assert write_tool_choice(asked) == written


def test_without_tools_there_is_no_choice() -> None:
    assert write_tool_choice(request(choice=ToolChoice("auto"))) is None
