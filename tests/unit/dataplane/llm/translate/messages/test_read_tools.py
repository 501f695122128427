"""Tool definitions."""

import msgspec
import pytest

from dataplane.llm.hub.request import ToolChoice
from dataplane.llm.translate.messages.body import WireToolChoice
from dataplane.llm.translate.messages.read_parts import BlockError
from dataplane.llm.translate.messages.read_tools import read_tool, read_tool_choice
from dataplane.runtime.protocols import Protocol


def raw(**fields: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(fields))


def test_tool_of_the_client_is_a_function() -> None:
    schema = {"type": "object"}
    tool, hints, unknown = read_tool(
        raw(name="f", description="D", input_schema=schema, strict=True, type="custom"), "tools[0]"
    )
    assert (tool.kind, tool.name, tool.description, tool.strict) == ("function", "f", "D", True)
    assert bytes(tool.parameters or b"") == b'{"type":"object"}'
    assert (hints, unknown) == ([], [])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("web_search_20250305", "web_search"),
        ("web_search_20260318", "web_search"),
        ("code_execution_20250825", "native"),
        ("bash_20250124", "native"),
    ],
)
def test_tool_that_only_anthropic_defines_is_kept_whole(kind: str, expected: str) -> None:
    given = raw(type=kind, name="x")
    tool, _, _ = read_tool(given, "tools[0]")
    assert (tool.kind, tool.raw, tool.protocol) == (expected, given, Protocol.MESSAGES)


def test_fields_about_how_a_tool_is_offered_are_hints() -> None:
    _, hints, unknown = read_tool(raw(name="f", defer_loading=True, colour="red"), "tools[2]")
    assert hints == ["tools[2].defer_loading"]
    assert unknown == ["tools[2].colour"]


def test_tool_without_a_name_is_refused() -> None:
    with pytest.raises(BlockError, match=r"tools\[0\]"):
        read_tool(raw(description="x"), "tools[0]")


@pytest.mark.parametrize(
    ("word", "mode"), [("auto", "auto"), ("any", "required"), ("none", "none")]
)
def test_choice_is_read(word: str, mode: str) -> None:
    assert read_tool_choice(WireToolChoice(word)) == ToolChoice(mode)
