"""Tools and the choice among them.

Rule: other protocols have no namespaces, so the members of a namespace are hoisted under names that
are unique: their own where that is free. A hoisted tool keeps its definition (`raw`), which tells
its own name when a call goes back to the client.
"""

from typing import Final

import msgspec

from dataplane.llm.hub.request import Tool, ToolChoice
from dataplane.llm.translate.responses.body import CHOICE, TOOL, WireChoice, WireTool
from dataplane.llm.translate.responses.read_parts import ItemError
from dataplane.llm.translate.responses.wire import WEB_SEARCH, is_null, is_object
from dataplane.runtime.protocols import Protocol

MAX_NAME: Final = 64
"""Characters of a function's name, as OpenAI, Anthropic and Bedrock limit it."""
_TOOL_SEARCH: Final = "tool_search"
"""Loads tools when they are needed. Those that are in the request are told in full anyway."""


class Tools:
    """The tools of a request, in order, with the names that hoisted ones got."""

    __slots__ = ("hints", "hoisted", "tools")

    def __init__(self) -> None:
        self.tools: list[Tool] = []
        self.hoisted: dict[tuple[str, str], str] = {}
        """(namespace, own name) -> name."""
        self.hints: list[str] = []
        """Tools that no other protocol has, and a model does without."""

    def name_of(self, namespace: str, name: str) -> str:
        """How a tool is called towards the provider."""
        return self.hoisted.get((namespace, name), name)


def read_tools(raws: list[msgspec.Raw], at: str = "tools") -> Tools:
    """All tools. Raises ItemError."""
    wires: list[tuple[WireTool, msgspec.Raw]] = []
    for number, raw in enumerate(raws):
        try:
            wires.append((TOOL.decode(raw), raw))
        except msgspec.MsgspecError as problem:
            raise ItemError(f"{at}[{number}]: {problem}") from problem
    found = Tools()
    taken = {_name(wire) for wire, _ in wires if wire.type != "namespace"}
    for number, (wire, raw) in enumerate(wires):
        if wire.type == "namespace":
            _hoist(found, wire, taken, f"{at}[{number}]")
        elif wire.type == _TOOL_SEARCH:
            found.hints.append(f"tools: {_TOOL_SEARCH}")
        else:
            found.tools.append(_tool(wire, raw, f"{at}[{number}]"))
    return found


def read_choice(raw: msgspec.Raw, tools: Tools) -> ToolChoice | None:
    """`tool_choice`; None when it forces a tool of the provider's own. Raises ItemError."""
    try:
        wire = CHOICE.decode(raw)
    except msgspec.MsgspecError as problem:
        raise ItemError(f"tool_choice: {problem}") from problem
    if isinstance(wire, str):
        if wire not in ("auto", "none", "required"):
            raise ItemError(f"tool_choice: {wire!r} is none of auto, none, required")
        return ToolChoice(wire)
    if wire.type == "allowed_tools":
        names = [_chosen(one, tools) for one in wire.tools or ()]
        return ToolChoice("tools", [name for name in names if name], may=wire.mode != "required")
    name = _chosen(wire, tools)
    return ToolChoice("tools", [name]) if name else None


def _chosen(wire: WireChoice, tools: Tools) -> str:
    if wire.type in ("function", "custom"):
        name = wire.name or (wire.function.name if wire.function else "") or ""
        if not wire.namespace and name not in {tool.name for tool in tools.tools}:
            # a member may be named without its namespace when only one has it
            return next((to for (_, own), to in tools.hoisted.items() if own == name), name)
        return tools.name_of(wire.namespace or "", name)
    return WEB_SEARCH if (wire.type or "").startswith(WEB_SEARCH) else ""


def _tool(wire: WireTool, raw: msgspec.Raw, at: str) -> Tool:
    kind = wire.type or "function"
    name = _name(wire)
    if kind in ("function", "custom") and not name:
        raise ItemError(f"{at}: a tool needs a `name`")
    if kind == "function":
        told = wire.function or wire
        if not is_null(told.parameters) and not is_object(told.parameters):
            raise ItemError(f"{at}.parameters: a JSON schema is needed")
        return Tool(
            name,
            told.description or "",
            parameters=None if is_null(told.parameters) else told.parameters,
            strict=told.strict,
        )
    known = kind if kind == "custom" else "native"
    if kind.startswith(WEB_SEARCH):
        known = name = WEB_SEARCH
    return Tool(
        name or kind, wire.description or "", kind=known, raw=raw, protocol=Protocol.RESPONSES
    )


def _name(wire: WireTool) -> str:
    return wire.name or (wire.function.name if wire.function is not None else "") or ""


def _hoist(found: Tools, wire: WireTool, taken: set[str], at: str) -> None:
    """Put a namespace's members among the tools."""
    namespace = wire.name or ""
    told = wire.description or ""
    for number, raw in enumerate(wire.tools or ()):
        try:
            member = TOOL.decode(raw)
        except msgspec.MsgspecError as problem:
            raise ItemError(f"{at}.tools[{number}]: {problem}") from problem
        tool = _tool(member, raw, f"{at}.tools[{number}]")
        own = tool.name
        tool.name = _free(own, namespace, taken)
        tool.namespace = namespace
        tool.raw = raw
        if told:
            # once: the members stand together, and descriptions of whole servers are long
            tool.description = f"[{namespace}: {told}]\n{tool.description}".rstrip()
            told = ""
        taken.add(tool.name)
        found.hoisted[namespace, own] = tool.name
        found.tools.append(tool)


def _free(own: str, namespace: str, taken: set[str]) -> str:
    """The name itself, or with its namespace, or with a number."""
    if own not in taken:
        return own
    for number in range(1, len(taken) + 2):
        tail = f"_{number}" if number > 1 else ""
        name = f"{namespace}__{own}"[: MAX_NAME - len(tail)] + tail
        if name not in taken:
            return name
    raise AssertionError("one of n + 1 names is free among n")
