"""Tools of a chat request, and which of them must be called."""

from typing import Final

import msgspec

from dataplane.llm.hub.request import Tool, ToolChoice
from dataplane.llm.translate.chat.body import RAW_TOOLS, Functions, WireTool
from dataplane.llm.translate.chat.read_messages import BodyError, cache_of
from dataplane.runtime.protocols import Protocol

_FUNCTIONS: Final = (None, "function")


def read_tools(wire: list[WireTool], body: bytes) -> list[Tool]:
    """Those of a request's `body`: what is no function is kept as it came. Raises BodyError."""
    special = any(tool.type not in _FUNCTIONS for tool in wire)
    raws = (RAW_TOOLS.decode(body).tools or []) if special else []
    return [
        _special(tool, f"tools[{number}]", raws[number])
        if tool.type not in _FUNCTIONS
        else _read(tool, f"tools[{number}]")
        for number, tool in enumerate(wire)
    ]


def read_functions(wire: list[Functions]) -> list[Tool]:
    """The legacy form."""
    return [_function(function) for function in wire]


def _read(wire: WireTool, at: str) -> Tool:
    if wire.function is None:
        raise BodyError(f"`{at}.function` is missing")
    tool = _function(wire.function)
    tool.cache = cache_of(wire.cache_control)
    return tool


def _special(wire: WireTool, at: str, raw: msgspec.Raw) -> Tool:
    kind = wire.type or ""
    if kind.startswith("web_search"):
        return Tool("web_search", kind="web_search", raw=raw, protocol=Protocol.CHAT)
    if kind != "custom":
        return Tool(kind, kind="native", raw=raw, protocol=Protocol.CHAT)
    if wire.custom is None:
        raise BodyError(f"`{at}.custom` is missing")
    told = wire.custom.description or ""
    return Tool(wire.custom.name, told, kind="custom", raw=raw, protocol=Protocol.CHAT)


def _function(wire: Functions) -> Tool:
    parameters = wire.parameters if bytes(wire.parameters) not in (b"", b"null") else None
    return Tool(wire.name, wire.description or "", parameters, wire.strict)


def read_choice(wire: object, at: str) -> ToolChoice | None:
    """`tool_choice`, or the legacy `function_call`. Raises BodyError."""
    match wire:
        case None:
            return None
        case "auto" | "none" | "required":
            return ToolChoice(str(wire))
        case "any":  # Mistral's word
            return ToolChoice("required")
        case {"type": "function", "function": {"name": str(name)}}:
            return ToolChoice("tools", [name])
        case {"type": "custom", "custom": {"name": str(name)}}:
            return ToolChoice("tools", [name])
        case {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [*tools]}}:
            names = [_named(tool, at) for tool in tools]
            return ToolChoice("tools", names, may=mode != "required")
        case {"name": str(name)} if at == "function_call":
            return ToolChoice("tools", [name])
        case {"type": "auto" | "none" | "required" as mode}:
            return ToolChoice(str(mode))
        case _:
            raise BodyError(f"`{at}` is none that we know")


def _named(tool: object, at: str) -> str:
    match tool:
        case {"function": {"name": str(name)}} | {"custom": {"name": str(name)}}:
            return name
        case {"name": str(name)}:
            return name
        case _:
            raise BodyError(f"`{at}` allows a tool that has no name")
