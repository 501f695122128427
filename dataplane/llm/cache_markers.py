"""Marks what a provider shall keep in its prompt cache, where it wants to be told (Anthropic's).

Rule: a client that marks anything itself knows better: its request is not touched. Of ours there
are two marks: after what never changes (instructions, else tools) and after what has been said so
far, so that the next turn reads both from the cache.
"""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum

import msgspec

from dataplane.llm.hub.parts import Text, ToolResult
from dataplane.llm.hub.request import Request
from dataplane.llm.turns import CHARS_A_TOKEN, prefix_chars
from dataplane.runtime.protocols import Protocol

MIN_TOKENS = 1024
"""Anthropic caches no shorter prefix."""
TTL = "5m"
FAMILY = ("claude", "anthropic")
CHAT_RELAYS = frozenset(("digitalocean", "openrouter", "edenai"))
"""Providers whose chat completions take Anthropic's marks for Anthropic's models."""
_MARK = b'"cache_control"'
_EPHEMERAL = msgspec.Raw(b'{"type":"ephemeral"}')
_MARKABLE = frozenset(("text", "image", "image_url", "document", "tool_use", "tool_result"))

_Fields = dict[str, msgspec.Raw]
_FIELDS = msgspec.json.Decoder(_Fields)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder(str | list[msgspec.Raw] | None)
_ENCODER = msgspec.json.Encoder()


class Marks(Enum):
    """How a provider is told."""

    NONE = ""
    MESSAGES = "messages"
    CHAT = "chat"


def marks_of(provider: str, model: str, upstream: Protocol | None) -> Marks:
    """:param upstream: what the provider is spoken to in."""
    if upstream is Protocol.MESSAGES:
        return Marks.MESSAGES
    low = model.lower()
    told = provider in CHAT_RELAYS and any(word in low for word in FAMILY)
    return Marks.CHAT if told and upstream is Protocol.CHAT else Marks.NONE


def marked_body(body: bytes, marks: Marks, min_tokens: int) -> bytes:
    """A request in the provider's own protocol, marked; as it came when that is not possible."""
    if _MARK in body or marks is Marks.NONE:
        return body
    mark = _mark_messages if marks is Marks.MESSAGES else _mark_chat
    try:
        fields = _FIELDS.decode(body)
        return _ENCODER.encode(fields) if mark(fields, _chars(min_tokens)) else body
    except (ValueError, RecursionError):
        return body


def marked(request: Request, min_tokens: int) -> Request:
    """A request that is still to be written for Anthropic, marked."""
    if _has_marks(request) or prefix_chars(request) < _chars(min_tokens):
        return request
    system, tools, messages = list(request.system), list(request.tools), list(request.messages)
    texts = [(n, part) for n, part in enumerate(system) if isinstance(part, Text) and part.text]
    if texts:
        place, text = texts[-1]
        system[place] = replace(text, cache=TTL)
    elif tools:
        tools[-1] = replace(tools[-1], cache=TTL)
    if messages and messages[-1].parts:
        *before, last = messages[-1].parts
        if (isinstance(last, Text) and last.text) or isinstance(last, ToolResult):
            parts = [*before, replace(last, cache=TTL)]
            messages[-1] = replace(messages[-1], parts=parts)
    return replace(request, system=system, tools=tools, messages=messages)


def _chars(min_tokens: int) -> int:
    return max(min_tokens, MIN_TOKENS) * CHARS_A_TOKEN


def _has_marks(request: Request) -> bool:
    parts = [*request.system, *(part for message in request.messages for part in message.parts)]
    return any(getattr(one, "cache", "") for one in (*parts, *request.tools))


def _mark_messages(fields: _Fields, min_chars: int) -> bool:
    system, tools = fields.get("system", b""), fields.get("tools", b"")
    if len(system) + len(tools) < min_chars:
        return False
    known = _with_mark(msgspec.Raw(system)) if system else None
    if known is not None:
        fields["system"] = known
    elif tools:
        defined = _LIST.decode(tools)
        if defined:
            defined[-1] = _marked_fields(_FIELDS.decode(defined[-1]))
            fields["tools"] = _raw(defined)
    messages = _LIST.decode(fields["messages"]) if "messages" in fields else []
    _mark_last(messages, lambda role: True)
    fields["messages"] = _raw(messages)
    return True


def _mark_chat(fields: _Fields, min_chars: int) -> bool:
    messages = _LIST.decode(fields["messages"]) if "messages" in fields else []
    leading = 0
    while leading < len(messages) and _role(messages[leading]) in ("system", "developer"):
        leading += 1
    system = messages[leading - 1] if leading else b""
    if sum(map(len, messages[:leading])) + len(fields.get("tools", b"")) < min_chars:
        return False
    if system:
        _mark_at(messages, leading - 1)
    if len(messages) > leading:
        _mark_last(messages, lambda role: role in ("user", "assistant"))
    fields["messages"] = _raw(messages)
    return True


def _mark_last(messages: list[msgspec.Raw], may: Callable[[str], bool]) -> None:
    if messages and may(_role(messages[-1])):
        _mark_at(messages, len(messages) - 1)


def _mark_at(messages: list[msgspec.Raw], place: int) -> None:
    message = _FIELDS.decode(messages[place])
    content = _with_mark(message.get("content", msgspec.Raw(b"null")))
    if content is not None:
        message["content"] = content
        messages[place] = _raw(message)


def _role(message: msgspec.Raw) -> str:
    role = _FIELDS.decode(message).get("role", b'""')
    return bytes(role).decode().strip('"')


def _with_mark(content: msgspec.Raw) -> msgspec.Raw | None:
    """A content whose last part is marked; None when it has none that can be."""
    value = _ANY.decode(content)
    if isinstance(value, str):
        return (
            _raw([{"type": "text", "text": value, "cache_control": _EPHEMERAL}]) if value else None
        )
    if not value:
        return None
    last = _FIELDS.decode(value[-1])
    kind = bytes(last.get("type", b'""')).decode().strip('"')
    if kind not in _MARKABLE or (kind == "text" and bytes(last.get("text", b'""')) == b'""'):
        return None
    return _raw([*value[:-1], _marked_fields(last)])


def _marked_fields(fields: _Fields) -> msgspec.Raw:
    return _raw(fields | {"cache_control": _EPHEMERAL})


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(_ENCODER.encode(value))
