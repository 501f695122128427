import json
from typing import Any

import pytest

from dataplane.llm.hub.request import Request, Tool, ToolChoice
from dataplane.llm.translate.converse.read_parts import BlockError, BlockReader
from dataplane.llm.translate.converse.read_tools import read_tool_config
from dataplane.llm.translate.converse.wire import FIELDS
from dataplane.runtime.protocols import Protocol

SPEC = {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}, "strict": True}}


def read(*tools: dict[str, Any], **more: Any) -> Request:
    request = Request("m", False, Protocol.CONVERSE, [])
    request.said = {}
    reader = BlockReader()
    raw = FIELDS.decode(json.dumps({"c": {"tools": tools, **more}}))["c"]
    read_tool_config(request, raw, reader)
    request.hints, request.unknown = reader.hints, reader.unknown
    return request


def test_a_function_keeps_its_schema() -> None:
    (tool,) = read(SPEC).tools
    assert (tool.name, bytes(tool.parameters or b""), tool.strict) == (
        "f",
        b'{"type": "object"}',
        True,
    )


def test_a_cache_point_marks_the_tool_before_it() -> None:
    (tool,) = read(SPEC, {"cachePoint": {"type": "default"}}).tools
    assert tool.cache == "5m"


def test_novas_grounding_is_a_web_search() -> None:
    (tool,) = read({"systemTool": {"name": "nova_grounding"}}).tools
    assert tool.kind == "web_search"


@pytest.mark.parametrize("entry", [{"systemTool": {"name": "other"}}, {"futureTool": {}}])
def test_other_tools_are_bedrocks_own(entry: dict[str, Any]) -> None:
    (tool,) = read(entry).tools
    assert (tool.kind, tool.protocol) == ("native", Protocol.CONVERSE)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"auto": {}}, ToolChoice("auto")),
        ({"any": {}}, ToolChoice("required")),
        ({"tool": {"name": "f"}, "auto": None}, ToolChoice("tools", ["f"])),
    ],
)
def test_choices_are_read(choice: dict[str, Any], expected: ToolChoice) -> None:
    assert read(SPEC, toolChoice=choice).tool_choice == expected


def test_new_members_are_named() -> None:
    found = read(SPEC, toolChoice={"maybe": {}}, more=1)
    assert found.unknown == ["toolConfig.more", "toolConfig.toolChoice.maybe"]


def test_a_tool_without_a_name_is_refused_with_its_place() -> None:
    with pytest.raises(BlockError, match=r"toolConfig.tools\[0\].toolSpec"):
        read({"toolSpec": {"inputSchema": {}}})


def test_a_tool_without_a_schema_takes_nothing() -> None:
    assert read({"toolSpec": {"name": "f", "inputSchema": {}}}).tools == [Tool("f")]
