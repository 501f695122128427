"""Items of a request's input and of an answer's output -> who says which parts."""

from typing import Final

import msgspec

from dataplane.llm.hub.parts import Media, Native, Part, Text, Thinking, ToolCall, ToolResult
from dataplane.llm.translate.responses.items import (
    CALL,
    ITEM,
    OUTPUT,
    PLAIN,
    REASONING,
    Item,
    Words,
)
from dataplane.llm.translate.responses.read_parts import TEXTS, ItemError, read_content
from dataplane.runtime.protocols import Protocol

EMPTY_HANDED: Final = ("web_search_call", "mcp_list_tools")
"""Items of the provider's own tools that carry nothing a model needs later: only that they ran."""


class Said:
    """One item, read."""

    __slots__ = ("kind", "parts", "phase", "role", "whole")

    def __init__(
        self, role: str, parts: list[Part], kind: str, phase: str = "", whole: bool = False
    ) -> None:
        self.role = role
        self.parts = parts
        self.kind = kind
        self.phase = phase
        self.whole = whole
        """A message, not a call, a result or reasoning, which join their neighbours."""


_NOTHING: Final = (b"[]", b"null")
_ROLES: Final = ("user", "assistant", "system", "developer")


def read_item(raw: msgspec.Raw, at: str, speaker: str = "") -> Said:
    """One item; `at` is its place in the body, `speaker` whose words they are when it does not
    say. Raises ItemError.
    """
    said = _plain(raw, speaker)
    if said is not None:
        return said
    try:
        item = ITEM.decode(raw)
        item.role = item.role or speaker
        return _read(item, raw, at)
    except msgspec.MsgspecError as problem:
        raise ItemError(f"{at}: {problem}") from problem


def _plain(raw: msgspec.Raw, speaker: str) -> Said | None:
    """A message of words alone, a call or its output; None for everything else."""
    try:
        item = PLAIN.decode(raw)
    except msgspec.ValidationError:
        return None
    kind = item.type or ("message" if item.role else "")
    if kind == "message":
        role = item.role or speaker
        texts = _texts(item.content)
        if role in _ROLES and texts is not None:
            return Said(role, texts, kind, item.phase or "", whole=True)
    elif kind == "function_call" and item.call_id and item.name is not None:
        call = ToolCall(item.call_id, item.name, item.arguments or "")
        call.namespace = item.namespace or ""
        return Said("assistant", [call], kind)
    elif kind == "function_call_output" and item.call_id and item.output:
        result = ToolResult(item.call_id, [Text(item.output)], name=item.name or "")
        return Said("user", [result], kind)
    return None


def _texts(content: str | list[Words] | None) -> list[Part] | None:
    """The parts of a content that is nothing but words."""
    if isinstance(content, str):
        return [Text(content)] if content else []
    parts: list[Part] = []
    for words in content or ():
        noted = words.annotations and bytes(words.annotations) not in _NOTHING
        if words.type not in TEXTS or noted or words.prompt_cache_breakpoint:
            return None
        parts.append(Text(words.text or ""))
    return parts


def _read(item: Item, raw: msgspec.Raw, at: str) -> Said:
    kind = item.type or ("message" if item.role else "item_reference")
    match kind:
        case "message":
            if item.role not in _ROLES:
                raise ItemError(f"{at}.role: {item.role!r} is none of {', '.join(_ROLES)}")
            parts = read_content(item.content, f"{at}.content")
            return Said(item.role, parts, kind, item.phase or "", whole=True)
        case "function_call" | "custom_tool_call":
            return Said("assistant", [_call(raw, at, custom=kind == "custom_tool_call")], kind)
        case "function_call_output" | "custom_tool_call_output":
            return Said("user", [_result(raw, at, custom=kind.startswith("custom"))], kind)
        case "reasoning":
            return Said("assistant", [_thinking(raw)], kind)
        case "item_reference" if not item.type and not item.id:
            raise ItemError(f"{at}: an item needs a `type` or a `role`")
        case _:
            role = "user" if kind.endswith(("_output", "_response", "_reference")) else "assistant"
            return Said(role, [Native(Protocol.RESPONSES, kind, raw)], kind)


def _call(raw: msgspec.Raw, at: str, *, custom: bool) -> ToolCall:
    call = CALL.decode(raw)
    call_id = call.call_id or call.id
    if not call_id:
        raise ItemError(f"{at}: a tool call needs a `call_id`")
    words = call.input if custom else call.arguments
    return ToolCall(call_id, call.name, words or "", custom=custom, namespace=call.namespace or "")


def _result(raw: msgspec.Raw, at: str, *, custom: bool) -> ToolResult:
    wire = OUTPUT.decode(raw)
    if not wire.call_id:
        raise ItemError(f"{at}: a tool's output needs a `call_id`")
    parts: list[Text | Media | Native] = []
    for number, part in enumerate(read_content(wire.output, f"{at}.output")):
        if not isinstance(part, Text | Media | Native):
            raise ItemError(f"{at}.output[{number}]: a tool's output cannot hold this part")
        parts.append(part)
    return ToolResult(wire.call_id, parts, name=wire.name or "", custom=custom)


def _thinking(raw: msgspec.Raw) -> Thinking:
    wire = REASONING.decode(raw)
    words = [part.text or "" for part in (*(wire.summary or ()), *(wire.content or ()))]
    return Thinking(
        "\n\n".join(words),
        wire.encrypted_content or "",
        # thinking that another protocol signed but did not show has one empty summary part
        redacted=not words,
        id=wire.id or "",
    )
