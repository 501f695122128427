"""Tools and the choice among them -> the API's."""

from typing import Any

import msgspec

from dataplane.llm.hub.custom import grammar_of
from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.request import Request, Tool, ToolChoice
from dataplane.llm.translate.responses.wire import WEB_SEARCH, is_null
from dataplane.runtime.protocols import Protocol

_NOTHING: dict[str, Any] = {"type": "object", "properties": {}}


class _Location(msgspec.Struct, omit_defaults=True):
    city: str | None = None
    region: str | None = None
    country: str | None = None
    timezone: str | None = None
    approximate: "_Location | None" = None


class _WebSearch(msgspec.Struct):
    """The settings of a web search, as chat's `web_search_options` and Anthropic's tool have it."""

    user_location: _Location | None = None
    search_context_size: str | None = None
    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None
    max_uses: int | None = None


_WEB_SEARCH = msgspec.json.Decoder(_WebSearch)


def write_tools(request: Request, losses: Losses) -> list[dict[str, Any] | msgspec.Raw]:
    """`tools`; those that the API has no words for are losses."""
    tools: list[dict[str, Any] | msgspec.Raw] = []
    for tool in request.tools:
        if tool.cache:
            losses.hint("cache_control")
        written = _tool(tool, losses)
        if written is not None:
            tools.append(written)
    return tools


def _tool(tool: Tool, losses: Losses) -> dict[str, Any] | msgspec.Raw | None:
    if tool.protocol is Protocol.RESPONSES and tool.raw is not None:
        return tool.raw
    match tool.kind:
        case "function":
            return {
                "type": "function",
                "name": tool.name,
                "description": tool.description or None,
                "parameters": _NOTHING if tool.parameters is None else tool.parameters,
                # this API's default is true, everybody else's is false
                "strict": tool.strict is True,
            }
        case "custom":
            return _custom(tool)
        case "web_search":
            return _web_search(tool, losses)
        case _:
            losses.refuse(f"tools: {tool.name}")
            return None


def _custom(tool: Tool) -> dict[str, Any]:
    written: dict[str, Any] = {"type": "custom", "name": tool.name}
    if tool.description:
        written["description"] = tool.description
    if (grammar := grammar_of(tool)) is not None:
        syntax, definition = grammar
        written["format"] = {"type": "grammar", "syntax": syntax, "definition": definition}
    return written


def _web_search(tool: Tool, losses: Losses) -> dict[str, Any]:
    written: dict[str, Any] = {"type": WEB_SEARCH}
    if tool.raw is None or is_null(tool.raw):
        return written
    try:
        asked = _WEB_SEARCH.decode(tool.raw)
    except msgspec.MsgspecError:
        losses.refuse(f"tools: {tool.name}")
        return written
    if asked.user_location is not None:
        place = asked.user_location.approximate or asked.user_location
        written["user_location"] = {"type": "approximate", **msgspec.to_builtins(place)}
    if asked.search_context_size:
        written["search_context_size"] = asked.search_context_size
    if asked.allowed_domains:
        written["filters"] = {"allowed_domains": asked.allowed_domains}
    if asked.blocked_domains:
        losses.refuse(f"tools: {tool.name}.blocked_domains")
    if asked.max_uses is not None:
        losses.hint(f"tools: {tool.name}.max_uses")
    return written


def write_tool_choice(request: Request) -> Any:
    """`tool_choice`; None when nothing is to be said."""
    choice = request.tool_choice
    if choice is None or not request.tools:
        return None
    if choice.mode != "tools":
        return choice.mode
    kinds = {tool.name: tool.kind for tool in request.tools}
    chosen = [_chosen(name, kinds.get(name, "function")) for name in choice.names]
    if len(chosen) == 1 and not choice.may:
        return chosen[0]
    return {"type": "allowed_tools", "mode": _mode(choice), "tools": chosen}


def _mode(choice: ToolChoice) -> str:
    return "auto" if choice.may else "required"


def _chosen(name: str, kind: str) -> dict[str, str]:
    if kind == WEB_SEARCH:
        return {"type": WEB_SEARCH}
    return {"type": "custom" if kind == "custom" else "function", "name": name}
