"""Tools and the choice among them -> `tools` and `toolConfig`.

Schemas go as `parametersJsonSchema`, which takes any JSON schema; `parameters` knows only a subset.
"""

from typing import Any

import msgspec

from dataplane.llm.hub.custom import as_function
from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.namespaces import FlatNames
from dataplane.llm.hub.request import Request, Tool, ToolChoice
from dataplane.runtime.protocols import Protocol

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIMITS = ("filters", "allowed_domains", "blocked_domains")
"""What narrows a search: Google's cannot be narrowed, and going elsewhere would be wrong."""
_ADVICE = ("user_location", "search_context_size", "max_uses", "search_content_types")

_FUNCTIONS = ("function", "custom")


def write_tools(request: Request, losses: Losses, names: FlatNames, body: dict[str, Any]) -> None:
    """Puts both into `body`. What cannot be said goes to `losses`."""
    functions: list[dict[str, Any]] = []
    tools: list[dict[str, Any]] = []
    for tool in request.tools:
        if tool.cache:
            losses.hint(f"tools: {tool.name}: cache_control")
        if tool.kind == "web_search" and any(one.kind in _FUNCTIONS for one in request.tools):
            # "Tool use with function calling is unsupported"; agents always offer a search.
            forced = request.tool_choice is not None and tool.name in request.tool_choice.names
            (losses.refuse if forced else losses.hint)(f"tools: {tool.name}")
        elif tool.kind == "web_search":
            _search(tool, losses)
            tools.append({"googleSearch": {}})
        elif tool.kind == "native" and tool.protocol is Protocol.GEMINI and tool.raw:
            tools.append(dict(_OBJECT.decode(tool.raw)))
        elif tool.kind in _FUNCTIONS:
            functions.append(_function(tool, names, losses))
        else:
            losses.refuse(f"tools: {tool.name}")
    if functions:
        tools.insert(0, {"functionDeclarations": functions})
    if tools:
        body["tools"] = tools
    choice = request.tool_choice
    if choice is not None and functions:
        calling = _calling(choice, losses)
        if calling is not None:
            body["toolConfig"] = {"functionCallingConfig": calling}
    elif choice is not None and choice.mode in ("required", "tools") and not choice.may:
        losses.refuse("tool_choice")
    if request.parallel_tool_calls is False and functions:
        note = losses.hint if request.must_call_one_tool() else losses.refuse
        note("parallel_tool_calls")


def _function(tool: Tool, names: FlatNames, losses: Losses) -> dict[str, Any]:
    name = names.of(tool.namespace, tool.name)
    if tool.kind == "custom":
        tool = as_function(tool)
    if tool.strict:
        losses.hint(f"tools: {tool.name}: strict")
    written: dict[str, Any] = {"name": name}
    if tool.description:
        written["description"] = tool.description
    if tool.parameters is not None:
        written["parametersJsonSchema"] = tool.parameters
    return written


def _search(tool: Tool, losses: Losses) -> None:
    if not tool.raw:
        return
    try:
        asked = _OBJECT.decode(tool.raw)
    except msgspec.MsgspecError:
        return
    empty = (b"null", b"{}", b"[]", b'""')
    for word in (*_LIMITS, *_ADVICE):
        if bytes(asked.get(word, msgspec.Raw(b"null"))) in empty:
            continue
        note = losses.refuse if word in _LIMITS else losses.hint
        note(f"tools: {tool.name}: {word}")


def _calling(choice: ToolChoice, losses: Losses) -> dict[str, Any] | None:
    match choice.mode:
        case "none":
            return {"mode": "NONE"}
        case "required":
            return {"mode": "ANY"}
        case "tools" if choice.names:
            mode = "VALIDATED" if choice.may else "ANY"
            return {"mode": mode, "allowedFunctionNames": choice.names}
        case "tools":
            losses.refuse("tool_choice")
        case _:  # the model decides, as it does when nothing is said
            pass
    return None
