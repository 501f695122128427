"""Tool definitions and the choice among them."""

from typing import Final

import msgspec

from dataplane.llm.hub.request import Tool, ToolChoice
from dataplane.llm.translate.messages.body import TOOL, WireToolChoice
from dataplane.llm.translate.messages.read_parts import BlockError, cache
from dataplane.runtime.protocols import Protocol

HINTS: Final = ("allowed_callers", "defer_loading", "input_examples", "eager_input_streaming")
"""Of a tool of the client's own: how and when it is offered. What it does stays the same."""
_KNOWN: Final = {"type", "name", "description", "input_schema", "strict", "cache_control", *HINTS}
_MODES: Final = {"auto": "auto", "any": "required", "none": "none", "tool": "tools"}


_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_tool(raw: msgspec.Raw, at: str) -> tuple[Tool, list[str], list[str]]:
    """A tool, its hints and its unknown fields by place. Raises MsgspecError or BlockError."""
    wire = TOOL.decode(raw)
    kind = wire.type or "custom"
    marker = cache(wire.cache_control)
    if kind != "custom":
        # Whoever runs these, their schemas are known to Anthropic's models only.
        known = "web_search" if kind.startswith("web_search_") else "native"
        name = wire.name or wire.mcp_server_name or kind
        tool = Tool(name, kind=known, raw=raw, protocol=Protocol.MESSAGES, cache=marker)
        return tool, [], []
    if not wire.name:
        raise BlockError(f"{at}: a tool needs a `name`")
    schema = wire.input_schema
    said = [name for name, value in _FIELDS.decode(raw).items() if bytes(value) != b"null"]
    return (
        Tool(
            wire.name,
            wire.description or "",
            parameters=schema if schema and bytes(schema) != b"null" else None,
            strict=wire.strict,
            cache=marker,
        ),
        [f"{at}.{name}" for name in said if name in HINTS],
        [f"{at}.{name}" for name in said if name not in _KNOWN],
    )


def read_tool_choice(wire: WireToolChoice) -> ToolChoice:
    """The choice. Raises BlockError."""
    mode = _MODES.get(wire.type)
    if mode is None:
        raise BlockError(f"tool_choice: `{wire.type}` is not one of auto, any, tool, none")
    if mode == "tools":
        if not wire.name:
            raise BlockError("tool_choice: a choice of one tool needs its `name`")
        return ToolChoice(mode, [wire.name])
    return ToolChoice(mode)
