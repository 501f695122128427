from typing import Any

import msgspec
import pytest

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.namespaces import FlatNames
from dataplane.llm.hub.request import Request, Tool, ToolChoice
from dataplane.llm.translate.converse.write_tools import PLACEHOLDER, write_tool_config
from dataplane.runtime.protocols import Protocol

OBJECT = msgspec.Raw(b'{"type":"object"}')
F = Tool("f", "d", OBJECT)
G = Tool("g")


def write(
    *tools: Tool,
    choice: ToolChoice | None = None,
    family: str = "anthropic",
    used: bool = False,
    parallel: bool | None = None,
) -> tuple[dict[str, Any] | None, dict[str, Any], Losses]:
    request = Request("m", False, Protocol.CHAT, [], tools=list(tools), tool_choice=choice)
    request.parallel_tool_calls = parallel
    losses = Losses(request)
    extra: dict[str, Any] = {}
    config = write_tool_config(
        request, family, FlatNames(list(tools)), used=used, extra=extra, losses=losses
    )
    return config, extra, losses


def only(tool: Tool, family: str = "anthropic") -> dict[str, Any]:
    config, _, _ = write(tool, family=family)
    assert config is not None
    found: dict[str, Any] = config["tools"][0]
    return found


def test_a_function_is_told_whole() -> None:
    tool = Tool("f", "d", OBJECT, strict=True)
    assert only(tool) == {
        "toolSpec": {
            "name": "f",
            "description": "d",
            "inputSchema": {"json": {"type": "object", "additionalProperties": False}},
            "strict": True,
        }
    }


def test_a_tool_without_parameters_takes_an_object() -> None:
    assert only(G)["toolSpec"]["inputSchema"] == {"json": {"type": "object", "properties": {}}}


def test_a_schema_becomes_an_objects() -> None:
    tool = Tool("f", parameters=msgspec.Raw(b'{"properties":{}}'))
    assert only(tool)["toolSpec"]["inputSchema"]["json"]["type"] == "object"


def test_strictness_is_advice_where_a_vendor_does_not_know_it() -> None:
    config, _, losses = write(Tool("f", strict=True), family="nova")
    assert config is not None
    assert ("strict" in config["tools"][0]["toolSpec"], losses.hints) == (
        False,
        ["tools: f: strict"],
    )


def test_a_cache_point_follows_the_tool_it_marks() -> None:
    config, _, _ = write(Tool("f", cache="5m"))
    assert config is not None
    assert config["tools"][1] == {"cachePoint": {"type": "default"}}


def test_a_custom_tool_becomes_a_function() -> None:
    found = only(Tool("f", kind="custom"))
    assert b'"input"' in bytes(found["toolSpec"]["inputSchema"]["json"])


def test_nova_searches_the_web() -> None:
    search = Tool("web_search", kind="web_search")
    assert only(search, family="nova") == {"systemTool": {"name": "nova_grounding"}}


@pytest.mark.parametrize(
    "tool",
    [
        Tool("bash", kind="native", protocol=Protocol.MESSAGES),
        Tool("a.b"),
        Tool("x" * 65),
    ],
)
def test_tools_that_bedrock_cannot_have_are_refused(tool: Tool) -> None:
    config, _, losses = write(tool)
    assert (config, losses.refused) == (None, [f"tools: {tool.name}"])


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        (None, None),
        (ToolChoice("auto"), None),
        (ToolChoice("required"), {"any": {}}),
        (ToolChoice("tools", ["g"]), {"tool": {"name": "g"}}),
        (ToolChoice("tools", ["f", "g"]), {"any": {}}),
        (ToolChoice("tools", ["f", "g"], may=True), None),
    ],
)
def test_choices_are_told(choice: ToolChoice | None, written: dict[str, Any] | None) -> None:
    config, _, losses = write(F, G, choice=choice)
    assert config is not None
    assert (config.get("toolChoice"), losses.dropped()) == (written, ())


def test_a_choice_among_some_tools_leaves_out_the_others() -> None:
    config, _, losses = write(F, G, Tool("h"), choice=ToolChoice("tools", ["f", "g"]))
    assert config is not None
    names = [tool["toolSpec"]["name"] for tool in config["tools"]]
    assert (names, losses.dropped()) == (["f", "g"], ())


def test_a_web_search_that_is_only_offered_is_advice() -> None:
    config, _, losses = write(F, Tool("web_search", kind="web_search"))
    assert config is not None
    assert (len(config["tools"]), losses.hints) == (1, ["tools: web_search"])


def test_none_leaves_the_tools_out() -> None:
    config, _, losses = write(F, choice=ToolChoice("none"))
    assert (config, losses.dropped()) == (None, ())


@pytest.mark.parametrize("tools", [(), (F,)])
def test_where_tools_were_used_and_none_may_be_called_stands_a_placeholder(
    tools: tuple[Tool, ...],
) -> None:
    config, _, losses = write(*tools, choice=ToolChoice("none"), used=True)
    assert (config, losses.dropped()) == ({"tools": [PLACEHOLDER]}, ())


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        (None, {"type": "auto"}),
        (ToolChoice("required"), {"type": "any"}),
        (ToolChoice("tools", ["f"]), {"type": "tool", "name": "f"}),
    ],
)
def test_one_call_at_a_time_is_told_in_anthropics_words(
    choice: ToolChoice | None, written: dict[str, Any]
) -> None:
    config, extra, _ = write(F, choice=choice, parallel=False)
    assert config is not None
    assert "toolChoice" not in config
    assert extra == {"tool_choice": written | {"disable_parallel_tool_use": True}}


def test_one_call_at_a_time_is_refused_where_a_vendor_has_no_words() -> None:
    _, _, losses = write(F, parallel=False, family="nova")
    assert losses.refused == ["parallel_tool_calls"]


def test_one_call_at_a_time_is_advice_where_one_tool_must_be_called() -> None:
    choice = ToolChoice("tools", [F.name])
    _, _, losses = write(F, choice=choice, parallel=False, family="nova")
    assert losses.hints == ["parallel_tool_calls"]
