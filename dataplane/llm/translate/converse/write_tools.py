"""Tools and the choice among them -> toolConfig.

Rule: where calls or results are among the messages Bedrock wants a toolConfig, and it has no word
for "none". So when no tool may be called a placeholder stands there: nothing else can be called.
"""

import re
from typing import Any

import msgspec

from dataplane.llm.hub.custom import as_function
from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.namespaces import FlatNames
from dataplane.llm.hub.request import Request, Tool, ToolChoice
from dataplane.llm.translate.converse.families import ANTHROPIC, NOVA
from dataplane.llm.translate.converse.read_tools import GROUNDING
from dataplane.llm.translate.converse.write_parts import cache_point
from dataplane.llm.translate.messages.strict_schema import strict_schema
from dataplane.runtime.protocols import Protocol

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NOTHING: dict[str, Any] = {"type": "object", "properties": {}}
_SCHEMA = msgspec.json.Decoder(dict[str, msgspec.Raw])
PLACEHOLDER = {
    "toolSpec": {
        "name": "no_tool_available",
        "description": "Never call this: no tool is available now. Answer in words.",
        "inputSchema": {"json": _NOTHING},
    }
}


def write_tool_config(
    request: Request,
    family: str,
    names: FlatNames,
    *,
    used: bool,
    extra: dict[str, Any],
    losses: Losses,
) -> dict[str, Any] | None:
    """`toolConfig`; None when there is nothing to call.

    :param used: calls or results are among the messages.
    :param extra: additionalModelRequestFields, for what toolConfig has no words for.
    """
    choice = request.tool_choice or ToolChoice("auto")
    tools = [] if choice.mode == "none" else _tools(request, family, names, losses)
    if not tools:
        return {"tools": [PLACEHOLDER]} if used else None
    config: dict[str, Any] = {"tools": tools}
    chosen = _choice(choice)
    if request.parallel_tool_calls is False:
        if family == ANTHROPIC:
            # Anthropic's own word for the choice, in place of Bedrock's: two could contradict.
            extra["tool_choice"] = _anthropic(chosen) | {"disable_parallel_tool_use": True}
            return config
        note = losses.hint if request.must_call_one_tool() else losses.refuse
        note("parallel_tool_calls")
    if chosen is not None:
        config["toolChoice"] = chosen
    return config


def _tools(request: Request, family: str, names: FlatNames, losses: Losses) -> list[dict[str, Any]]:
    tools: list[dict[str, Any]] = []
    for tool in names.offered(request.tools, request.tool_choice):
        written = _tool(tool, family, names, losses)
        if written is not None:
            tools.append(written)
            if tool.cache:
                tools.append(cache_point(tool.cache))
    return tools


def _tool(tool: Tool, family: str, names: FlatNames, losses: Losses) -> dict[str, Any] | None:
    flat = names.of(tool.namespace, tool.name)
    if tool.kind == "web_search" and family == NOVA:
        return {"systemTool": {"name": GROUNDING}}
    if tool.kind == "web_search":
        # Codex always offers it; the model does without
        losses.hint(f"tools: {flat}")
        return None
    if tool.kind == "native" and tool.protocol is Protocol.CONVERSE:
        return {"systemTool": {"name": tool.name}}
    if tool.kind not in ("function", "custom") or _NAME.fullmatch(flat) is None:
        losses.refuse(f"tools: {flat}")
        return None
    if tool.kind == "custom":
        tool = as_function(tool)
    spec: dict[str, Any] = {"name": flat}
    if tool.description:
        spec["description"] = tool.description
    spec["inputSchema"] = {"json": _schema(tool)}
    if tool.strict:
        if family == ANTHROPIC:
            spec["strict"] = True
            if tool.parameters is not None:
                schema = strict_schema(msgspec.json.decode(tool.parameters))
                spec["inputSchema"] = {"json": {"type": "object", **schema}}
        else:
            losses.hint(f"tools: {flat}: strict")
    return {"toolSpec": spec}


def _schema(tool: Tool) -> dict[str, Any] | msgspec.Raw:
    """An object's schema; Bedrock takes no other."""
    if tool.parameters is None:
        return _NOTHING
    schema = _SCHEMA.decode(tool.parameters)
    if bytes(schema.get("type", b"")) == b'"object"':
        return tool.parameters
    return {"type": "object", **{name: raw for name, raw in schema.items() if name != "type"}}


def _choice(choice: ToolChoice) -> dict[str, Any] | None:
    match choice.mode:
        case "required":
            return {"any": {}}
        case "tools" if len(choice.names) == 1 and not choice.may:
            return {"tool": {"name": choice.names[0]}}
        case "tools":
            return None if choice.may else {"any": {}}
        case _:
            # "auto" is what happens anyway, and not every model knows the word.
            return None


def _anthropic(chosen: dict[str, Any] | None) -> dict[str, Any]:
    if chosen is None:
        return {"type": "auto"}
    if "tool" in chosen:
        return {"type": "tool", "name": chosen["tool"]["name"]}
    return {"type": "any"}
