"""Tools and their choice, in the words of chat."""

from typing import Any

from dataplane.llm.hub.custom import as_function, grammar_of
from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.namespaces import FlatNames
from dataplane.llm.hub.request import Request, Tool
from dataplane.runtime.dialect import Dialect


def write_tools(request: Request, dialect: Dialect, losses: Losses, body: dict[str, Any]) -> None:
    """Adds `tools`, `tool_choice`, `parallel_tool_calls` and `web_search_options`."""
    if not request.tools:
        return
    names = FlatNames(request.tools)
    choice = request.tool_choice
    forced = choice.names if choice is not None and choice.mode == "tools" else []
    tools: list[dict[str, Any]] = []
    for tool in names.offered(request.tools, choice):
        flat = names.of(tool.namespace, tool.name)
        if tool.cache:
            losses.hint("cache_control")
        if tool.kind == "web_search":
            _search(tool, dialect, losses, body, forced=tool.name in forced)
        elif tool.kind == "native":
            losses.refuse(f"tools: {tool.name}")
        else:
            tools.append(_tool(tool, flat, dialect))
    if not tools:
        return
    body["tools"] = tools
    if choice is not None:
        mode: str | dict[str, Any] = choice.mode
        if choice.mode == "tools":
            mode = "auto" if choice.may else "required"
            if len(forced) == 1 and not choice.may:
                mode = _named(forced[0], tools)
        body["tool_choice"] = mode
    if request.parallel_tool_calls is False:
        body["parallel_tool_calls"] = False


def _tool(tool: Tool, name: str, dialect: Dialect) -> dict[str, Any]:
    if tool.kind == "custom":
        if dialect.openai_fields:
            return {"type": "custom", "custom": _custom(tool, name)}
        tool = as_function(tool)
    function: dict[str, Any] = {"name": name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = tool.parameters
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _custom(tool: Tool, name: str) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name}
    if tool.description:
        told["description"] = tool.description
    grammar = grammar_of(tool)
    if grammar is not None:
        told["format"] = {
            "type": "grammar",
            "grammar": {"syntax": grammar[0], "definition": grammar[1]},
        }
    return told


def _named(name: str, tools: list[dict[str, Any]]) -> dict[str, Any]:
    kind = next((tool["type"] for tool in tools if tool[tool["type"]]["name"] == name), "function")
    return {"type": kind, kind: {"name": name}}


def _search(
    tool: Tool, dialect: Dialect, losses: Losses, body: dict[str, Any], *, forced: bool
) -> None:
    # Agents offer it with every request, so an answer without it is better than none.
    if dialect.openai_fields and "search" in str(body["model"]):
        body["web_search_options"] = {}
    elif forced:
        losses.refuse("tool_choice")
    else:
        losses.hint(f"tools: {tool.name}")
