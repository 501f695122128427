"""toolConfig -> tools and their choice."""

import msgspec

from dataplane.llm.hub.request import Request, Tool, ToolChoice
from dataplane.llm.translate.converse.read_parts import BlockError, BlockReader, read_cache_point
from dataplane.llm.translate.converse.wire import ABSENT, FIELDS
from dataplane.runtime.protocols import Protocol

Fields = dict[str, msgspec.Raw]
GROUNDING = "nova_grounding"
"""Nova's tool that searches the web."""


class _Schema(msgspec.Struct):
    json: msgspec.Raw = ABSENT


class _Spec(msgspec.Struct):
    name: str
    inputSchema: _Schema
    description: str | None = None
    strict: bool | None = None


class _Named(msgspec.Struct):
    name: str


class _Config(msgspec.Struct):
    tools: list[Fields] = []
    toolChoice: Fields | None = None


_CONFIG = msgspec.json.Decoder(_Config)
_SPEC = msgspec.json.Decoder(_Spec)
_NAMED = msgspec.json.Decoder(_Named)
_MODES = {"auto": "auto", "any": "required"}


def read_tool_config(request: Request, raw: msgspec.Raw, reader: BlockReader) -> None:
    """Fill `tools` and `tool_choice`. Raises BlockError and msgspec.ValidationError."""
    config = _CONFIG.decode(raw)
    reader.unknown.extend(
        f"toolConfig.{name}" for name in FIELDS.decode(raw) if name not in ("tools", "toolChoice")
    )
    tools: list[Tool] = []
    for number, entry in enumerate(config.tools):
        at = f"toolConfig.tools[{number}]"
        for kind, inner in entry.items():
            if bytes(inner) == b"null":
                continue
            if kind == "cachePoint":
                if tools:
                    tools[-1].cache = read_cache_point(inner, at)
                else:
                    reader.hints.append(f"{at}.cachePoint")
                continue
            try:
                tools.append(_tool(kind, inner))
            except msgspec.ValidationError as problem:
                raise BlockError(f"{at}.{kind}: {problem}") from problem
    request.tools = tools
    request.said["tools"] = "toolConfig.tools"
    if config.toolChoice is not None:
        _choice(request, config.toolChoice, reader)


def _tool(kind: str, raw: msgspec.Raw) -> Tool:
    if kind == "toolSpec":
        spec = _SPEC.decode(raw)
        return Tool(
            spec.name,
            spec.description or "",
            parameters=_said(spec.inputSchema.json),
            strict=spec.strict,
        )
    if kind == "systemTool":
        name = _NAMED.decode(raw).name
        return Tool(
            name,
            kind="web_search" if name == GROUNDING else "native",
            raw=raw,
            protocol=Protocol.CONVERSE,
        )
    return Tool(kind, kind="native", raw=raw, protocol=Protocol.CONVERSE)


def _said(raw: msgspec.Raw) -> msgspec.Raw | None:
    return raw if bytes(raw) not in (b"", b"null") else None


def _choice(request: Request, choice: Fields, reader: BlockReader) -> None:
    for kind, raw in choice.items():
        if bytes(raw) == b"null":
            continue
        request.said["tool_choice"] = "toolConfig.toolChoice"
        if kind in _MODES:
            request.tool_choice = ToolChoice(_MODES[kind])
        elif kind == "tool":
            request.tool_choice = ToolChoice("tools", [_NAMED.decode(raw).name])
        else:
            reader.unknown.append(f"toolConfig.toolChoice.{kind}")
