"""`tools` and `toolConfig` of a Gemini client."""

import msgspec

from dataplane.llm.hub.request import Tool, ToolChoice
from dataplane.llm.translate.gemini.fields import Fields, Wrong
from dataplane.llm.translate.gemini.schema import json_schema
from dataplane.runtime.protocols import Protocol

_ENCODER = msgspec.json.Encoder()
_SEARCHES = ("googleSearch", "googleSearchRetrieval")
_ADVICE = ("response", "responseJsonSchema", "behavior")
"""What a function answers with is told nowhere else; the model can do without."""
_PLACES = ("retrievalConfig", "includeServerSideToolInvocations")


def read_tools(tools: list[Fields], hints: list[str], unknown: list[str]) -> list[Tool]:
    """One for each function, and one for each thing that the provider does itself. Raises Wrong."""
    made: list[Tool] = []
    for fields in tools:
        for declaration in fields.objects("functionDeclarations"):
            made.append(_function(declaration, hints))
            unknown += declaration.rest()
        for place in fields.rest():
            name = place.rpartition(".")[2]
            raw = fields.raw(name)
            whole = msgspec.Raw(_ENCODER.encode({name: raw}))
            if name in _SEARCHES:
                made.append(Tool("web_search", kind="web_search", raw=whole))
            else:
                made.append(Tool(name, kind="native", raw=whole, protocol=Protocol.GEMINI))
    return made


def _function(fields: Fields, hints: list[str]) -> Tool:
    name = fields.text("name")
    if not name:
        raise Wrong(f"Expected a string - at `{fields.place('name')}`")
    parameters = fields.raw("parametersJsonSchema")
    subset = fields.any("parameters")
    if parameters is None and subset is not None:
        parameters = msgspec.Raw(_ENCODER.encode(json_schema(subset)))
    if parameters is not None and bytes(parameters)[:1] != b"{":
        raise Wrong(f"Expected an object - at `{fields.place('parameters')}`")
    hints += [fields.place(word) for word in _ADVICE if fields.raw(word) is not None]
    return Tool(name, fields.text("description"), parameters)


def read_tool_choice(
    config: Fields | None, hints: list[str], unknown: list[str]
) -> ToolChoice | None:
    """Whether and what must be called. Raises Wrong."""
    if config is None:
        return None
    hints += [config.place(word) for word in _PLACES if config.raw(word) is not None]
    calling = config.object("functionCallingConfig")
    unknown += config.rest()
    if calling is None:
        return None
    mode = calling.text("mode").upper()
    names = calling.texts("allowedFunctionNames")
    if calling.raw("streamFunctionCallArguments") is not None:
        hints.append(calling.place("streamFunctionCallArguments"))
    unknown += calling.rest()
    match mode:
        case "ANY":
            return ToolChoice("tools", names) if names else ToolChoice("required")
        case "NONE":
            return ToolChoice("none")
        case "" | "AUTO" | "VALIDATED" | "MODE_UNSPECIFIED":
            if mode == "VALIDATED":
                hints.append(calling.place("mode"))
            return ToolChoice("tools", names, may=True) if names else ToolChoice("auto")
        case _:
            raise Wrong(f"Expected AUTO, ANY, NONE or VALIDATED - at `{calling.place('mode')}`")
