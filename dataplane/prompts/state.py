"""What a client keeps of a target's call, in Plano's words: clients send it back with what is said
next, and nothing is kept here.

A whole answer has it in `metadata`; a stream begins with the two messages, as chunks.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import msgspec

STATE = "x-arch-state"
CALL = "x-arch-tool-call-message"
ANSWER = "x-arch-api-response-message"
MODEL = "Arch-Function"
"""Whose the chunks are: Plano's clients know them by it."""
_ENCODER = msgspec.json.Encoder()
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Remembered:
    """A target was called, and has answered."""

    target: str
    call_id: str
    arguments: str
    """JSON."""
    answer: str

    def messages(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The call and its result, as messages of a chat."""
        function = {"name": self.target, "arguments": self.arguments}
        call = {"id": self.call_id, "type": "function", "function": function}
        said = {"role": "assistant", "content": "", "tool_calls": [call]}
        return said, {"role": "tool", "content": self.answer, "tool_call_id": self.call_id}

    def metadata(self) -> dict[str, str]:
        """What `metadata` of an answer has: JSON in texts, since its values are texts."""
        call, answer = self.messages()
        state = {"messages": _text([call, answer])}
        return {STATE: _text(state), CALL: _text(call), ANSWER: _text(answer)}


def with_metadata(body: bytes, remembered: Remembered) -> bytes:
    """A whole chat completion that tells of the call; what is none stays as it is."""
    try:
        fields = _FIELDS.decode(body)
        own = msgspec.json.decode(fields["metadata"]) if "metadata" in fields else None
    except (ValueError, RecursionError):
        return body
    had = own if isinstance(own, dict) else {}
    fields["metadata"] = msgspec.Raw(_ENCODER.encode(had | remembered.metadata()))
    return _ENCODER.encode(fields)


def first_chunks(
    remembered: Remembered, answer_id: str, created: int, with_messages: bool
) -> tuple[bytes, ...]:
    """The events that a chat stream begins with.

    :param created: Unix seconds. :param with_messages: as chunks; else in `metadata` only.
    """
    call, answer = remembered.messages()
    head = {
        "id": f"chatcmpl-{answer_id}",
        "object": "chat.completion.chunk",
        "created": created,
        "model": MODEL,
    }
    metadata = remembered.metadata()
    if not with_messages:
        return (_event({**head, "choices": [], "metadata": metadata}),)
    numbered = [{"index": at, **one} for at, one in enumerate(call["tool_calls"])]
    first = _choice({**call, "tool_calls": numbered})
    second = {**head, "choices": _choice(answer), "metadata": metadata}
    return _event({**head, "choices": first}), _event(second)


class _Function(msgspec.Struct):
    name: str | None = None


class _Call(msgspec.Struct):
    id: str | None = None
    function: _Function | None = None


class _Message(msgspec.Struct):
    role: str
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None


class _Tool(msgspec.Struct):
    function: _Function | None = None


class _Chat(msgspec.Struct):
    messages: list[_Message]
    tools: list[_Tool] | None = None


_CHAT = msgspec.json.Decoder(_Chat)


def ours(body: bytes, targets: Set[str]) -> frozenset[int]:
    """Places of the messages of a chat request in which targets are called or answer: the model
    that answers the user knows no such tools. What the client calls its own tool is the client's.
    """
    if b'"tool_calls"' not in body:
        return frozenset()
    chat = _CHAT.decode(body)
    own = {tool.function.name for tool in chat.tools or () if tool.function is not None}
    names = targets - own
    calls: set[str] = set()
    places: set[int] = set()
    for at, message in enumerate(chat.messages):
        if message.tool_calls and _all_of(message.tool_calls, names):
            calls.update(call.id for call in message.tool_calls if call.id)
            places.add(at)
        elif message.role == "tool" and message.tool_call_id in calls:
            places.add(at)
    return frozenset(places)


def _all_of(calls: Sequence[_Call], names: Set[str | None]) -> bool:
    return all(call.function is not None and call.function.name in names for call in calls)


def _choice(delta: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"index": 0, "delta": delta, "finish_reason": None}]


def _event(chunk: Mapping[str, Any]) -> bytes:
    return b"data: " + _ENCODER.encode(chunk) + b"\n\n"


def _text(value: object) -> str:
    return _ENCODER.encode(value).decode()
