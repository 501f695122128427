"""Tools and the choice among them -> the API's."""

import re
from typing import Any

import msgspec

from dataplane.llm.hub.custom import as_function
from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.namespaces import FlatNames
from dataplane.llm.hub.request import Request, Tool, ToolChoice
from dataplane.llm.translate.messages.strict_schema import strict_schema
from dataplane.llm.translate.messages.write_parts import cache_control
from dataplane.runtime.protocols import Protocol

WEB_SEARCH = "web_search_20250305"
"""The first version: every model that searches knows it."""
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_SCHEMA = msgspec.json.Decoder(dict[str, Any])
_NOTHING: dict[str, Any] = {"type": "object", "properties": {}}


class _Location(msgspec.Struct, omit_defaults=True):
    city: str | None = None
    region: str | None = None
    country: str | None = None
    timezone: str | None = None
    approximate: "_Location | None" = None
    """Chat has its words in here."""

    def written(self) -> dict[str, str]:
        """In the API's form, without what is not known."""
        place = self.approximate or self
        names = ("city", "region", "country", "timezone")
        known = {name: value for name in names if (value := getattr(place, name))}
        return {"type": "approximate", **known}


class _Filters(msgspec.Struct):
    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None


class _WebSearch(msgspec.Struct):
    user_location: msgspec.Raw = msgspec.Raw(b"")
    filters: _Filters | None = None


_WEB_SEARCH = msgspec.json.Decoder(_WebSearch)
_LOCATION = msgspec.json.Decoder(_Location)


def write_tools(request: Request, losses: Losses, names: FlatNames) -> list[dict[str, Any]]:
    """`tools`; those that the API has no words for are losses."""
    tools = []
    for tool in names.offered(request.tools, request.tool_choice):
        written = _tool(tool, losses, names)
        if written is not None:
            if tool.cache:
                written["cache_control"] = cache_control(tool.cache)
            tools.append(written)
    return tools


def _tool(tool: Tool, losses: Losses, names: FlatNames) -> dict[str, Any] | None:
    if tool.kind == "web_search":
        return _web_search(tool, losses)
    if tool.kind == "native" and tool.protocol is Protocol.MESSAGES and tool.raw:
        return _SCHEMA.decode(tool.raw)
    name = names.of(tool.namespace, tool.name)
    if tool.kind not in ("function", "custom") or _NAME.fullmatch(name) is None:
        losses.refuse(f"tools: {tool.name}")
        return None
    if tool.kind == "custom":
        tool = as_function(tool)
    written: dict[str, Any] = {"name": name}
    if tool.description:
        written["description"] = tool.description
    written["input_schema"] = _schema(tool)
    if tool.strict:
        written["strict"] = True
    return written


def _schema(tool: Tool) -> dict[str, Any] | msgspec.Raw:
    if tool.parameters is None:
        return _NOTHING
    schema = _SCHEMA.decode(tool.parameters)
    if schema.get("type") != "object":
        schema = {"type": "object", **{name: schema[name] for name in schema if name != "type"}}
    elif not tool.strict:
        return tool.parameters
    found: dict[str, Any] = strict_schema(schema) if tool.strict else schema
    return found


def _web_search(tool: Tool, losses: Losses) -> dict[str, Any]:
    written: dict[str, Any] = {"type": WEB_SEARCH, "name": "web_search"}
    if not tool.raw:
        return written
    try:
        asked = _WEB_SEARCH.decode(tool.raw)
        if asked.user_location and bytes(asked.user_location) != b"null":
            written["user_location"] = _LOCATION.decode(asked.user_location).written()
    except msgspec.MsgspecError:
        losses.refuse(f"tools: {tool.name}")
        return written
    if asked.filters is not None and asked.filters.allowed_domains:
        written["allowed_domains"] = asked.filters.allowed_domains
    if asked.filters is not None and asked.filters.blocked_domains:
        written["blocked_domains"] = asked.filters.blocked_domains
    return written


def write_tool_choice(request: Request) -> dict[str, Any] | None:
    """`tool_choice`; None when nothing is to be said. Without tools nothing can be chosen."""
    choice = request.tool_choice or ToolChoice("auto")
    if not request.tools:
        return None
    written: dict[str, Any]
    match choice.mode:
        case "none":
            return {"type": "none"}
        case "required":
            written = {"type": "any"}
        case "tools" if len(choice.names) == 1 and not choice.may:
            written = {"type": "tool", "name": choice.names[0]}
        case "tools":
            # the others are not offered
            written = {"type": "auto" if choice.may else "any"}
        case _:
            written = {"type": "auto"}
    if request.parallel_tool_calls is False:
        written["disable_parallel_tool_use"] = True
    if written == {"type": "auto"} and request.tool_choice is None:
        return None
    return written
