"""Messages of a chat request -> messages of the hub.

Rule: a place that cannot be understood is named in a 400; a key that is not known is not passed
over but goes to the request's `unknown`.
"""

from typing import Any, Final

import msgspec

from dataplane.llm.hub.parts import (
    Citation,
    Media,
    Native,
    Part,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from dataplane.llm.hub.request import Message, Request
from dataplane.llm.translate.chat.read_parts import BodyError, cache_of, read_parts, text_at
from dataplane.llm.translate.chat.read_thinking import read_thinking
from dataplane.runtime.protocols import Protocol

__all__ = ["BodyError", "cache_of", "read_messages"]

_ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function")
_SPEAKERS: Final = ("user", "assistant", "system", "developer")
_KNOWN: Final = {
    "role",
    "content",
    "name",
    "tool_calls",
    "tool_call_id",
    "function_call",
    "refusal",
    "audio",
    "annotations",
    "reasoning_content",
    "reasoning",
    "reasoning_details",
    "cache_control",
}
# Of answers that were given back as they came: they say nothing to a model.
_IDLE: Final = {"id", "index", "provider_specific_fields", "status", "type"}
# The same, but somebody may miss them: pictures of OpenRouter's, thinking of LiteLLM's.
_HINTS: Final = {"images", "thinking_blocks"}
_ENCODER: Final = msgspec.json.Encoder()


class _Calls:
    """What results need to know of the calls before them. Legacy calls have no ids: each function's
    result belongs to its last call.
    """

    def __init__(self) -> None:
        self.custom: set[str] = set()
        self.made = 0
        self.by_name: dict[str, str] = {}

    def begin(self, name: str) -> str:
        self.made += 1
        self.by_name[name] = f"call_{self.made}"
        return self.by_name[name]


def read_messages(wire: list[dict[str, Any]], request: Request) -> list[Message]:
    """Raises BodyError."""
    calls = _Calls()
    return [
        _read(message, f"messages[{number}]", calls, request) for number, message in enumerate(wire)
    ]


def _read(wire: dict[str, Any], at: str, calls: _Calls, request: Request) -> Message:
    role = wire.get("role")
    content = wire.get("content")
    if len(wire) == 2 and role in _SPEAKERS and type(content) is str:
        return Message(role, [Text(content)] if content else [], at=at)  # as most of them are
    if role not in _ROLES:
        said = "is missing" if role is None else f"{role!r} is none of {', '.join(_ROLES)}"
        raise BodyError(f"`{at}.role` {said}")
    for key in wire.keys() - _KNOWN - _IDLE:
        if wire[key] is not None:
            (request.hints if key in _HINTS else request.unknown).append(f"{at}.{key}")
    name = text_at(wire, "name", at)
    parts = read_parts(content, f"{at}.content")
    if role == "tool":
        call_id = text_at(wire, "tool_call_id", at)
        if not call_id:
            raise BodyError(f"`{at}.tool_call_id` is missing")
        result = _result(call_id, parts, name, at)
        result.custom = call_id in calls.custom
        return Message("user", [result], at=at)
    if role == "function":
        call_id = calls.by_name.get(name) or calls.begin(name)
        return Message("user", [_result(call_id, parts, name, at)], at=at)
    if role == "assistant":
        parts = _assistant(wire, parts, at, calls)
    cache = cache_of(wire.get("cache_control"))
    if cache and parts and isinstance(parts[-1], Text | Media | ToolCall):
        parts[-1].cache = cache
    return Message(role, parts, name, at)


def _result(call_id: str, parts: list[Part], name: str, at: str) -> ToolResult:
    fit: list[Text | Media | Native] = []
    for part in parts:
        if not isinstance(part, Text | Media | Native):
            raise BodyError(f"`{at}.content` holds a part that no tool result can hold")
        fit.append(part)
    cache = next((part.cache for part in fit if not isinstance(part, Native) and part.cache), "")
    return ToolResult(call_id, fit, name, cache=cache)


def _assistant(wire: dict[str, Any], content: list[Part], at: str, calls: _Calls) -> list[Part]:
    called = _calls(wire, at, calls)
    thoughts = read_thinking(wire, called, at)
    text = next((part for part in content if isinstance(part, Text)), None)
    if text is not None:
        text.citations = _citations(wire.get("annotations"))
    refusal = text_at(wire, "refusal", at)
    said: list[Part] = [*thoughts, *content]
    if refusal:
        said.append(Refusal(refusal))
    if wire.get("audio") is not None:
        raw = msgspec.Raw(_ENCODER.encode(wire["audio"]))
        said.append(Native(Protocol.CHAT, "audio", raw))
    return [*said, *called]


def _calls(wire: dict[str, Any], at: str, calls: _Calls) -> list[ToolCall]:
    found = []
    tool_calls = wire.get("tool_calls") or []
    if not isinstance(tool_calls, list):
        raise BodyError(f"`{at}.tool_calls` must be a list")
    for number, call in enumerate(tool_calls):
        place = f"{at}.tool_calls[{number}]"
        if not isinstance(call, dict):
            raise BodyError(f"`{place}` must be an object")
        custom = isinstance(call.get("custom"), dict)
        called = call.get("custom" if custom else "function")
        if not isinstance(called, dict) or not isinstance(called.get("name"), str):
            raise BodyError(f"`{place}` does not name what is called")
        call_id = text_at(call, "id", place)
        if not call_id:
            raise BodyError(f"`{place}.id` is missing")
        if custom:
            calls.custom.add(call_id)
        words = called.get("input" if custom else "arguments")
        arguments = words if isinstance(words, str) else _ENCODER.encode(words or {}).decode()
        found.append(ToolCall(call_id, called["name"], arguments, custom=custom))
    legacy = wire.get("function_call")
    if isinstance(legacy, dict) and isinstance(legacy.get("name"), str):
        name = legacy["name"]
        found.append(ToolCall(calls.begin(name), name, text_at(legacy, "arguments", at)))
    return found


def _citations(annotations: object) -> list[Citation]:
    found = []
    for one in annotations if isinstance(annotations, list) else ():
        match one:
            case {"type": "url_citation", "url_citation": {"url": str(url)}}:
                cited = one["url_citation"]
                start, end, title = (cited.get(k) for k in ("start_index", "end_index", "title"))
                found.append(
                    Citation(
                        url,
                        title if isinstance(title, str) else "",
                        start=start if isinstance(start, int) else None,
                        end=end if isinstance(end, int) else None,
                    )
                )
            case _:
                pass
    return found
