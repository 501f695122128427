"""Instructions and messages put into a request, in the words of its API.

Rule: what was there stays as it came and in its order; only the field that gets something is
written anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from dataplane.runtime.protocols import Operation

_Raw = msgspec.Raw
_Fields = dict[str, msgspec.Raw]
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_encode = msgspec.json.encode
_BETWEEN = "\n\n"


class Turn(msgspec.Struct, frozen=True):
    """A message of our own."""

    role: str
    """"user" or "assistant"."""
    content: str


@dataclass(frozen=True, slots=True)
class Decoration:
    """What a request gets."""

    before: str = ""
    """Instructions in front of those that are there."""
    after: str = ""
    """Instructions behind those that are there."""
    first: Sequence[Turn] = ()
    """Messages in front of the conversation."""
    last: Sequence[Turn] = ()
    """Messages behind the conversation."""


def decorated(operation: Operation, body: bytes, given: Decoration) -> bytes:
    """The body of a request with all of it; the very same where an API has no place for it.

    Raises ValueError or RecursionError for what is no JSON object.
    """
    fields = _FIELDS.decode(body)
    match operation:
        case Operation.CHAT:
            _chat(fields, given)
        case Operation.MESSAGES | Operation.COUNT_TOKENS:
            _system(fields, "system", given, typed=True)
            _turns(fields, "messages", given, _message)
        case Operation.RESPONSES:
            _string(fields, "instructions", given)
            if given.first or given.last:
                fields["input"] = _as_items(fields.get("input"))
            _turns(fields, "input", given, _message)
        case Operation.GENERATE_CONTENT:
            _gemini(fields, given)
            _turns(fields, "contents", given, _content)
        case Operation.CONVERSE:
            _system(fields, "system", given, typed=False)
            _turns(fields, "messages", given, _blocks)
        case _:
            return body
    return _encode(fields)


def _message(turn: Turn) -> object:
    return {"role": turn.role, "content": turn.content}


def _content(turn: Turn) -> object:
    role = "model" if turn.role == "assistant" else "user"
    return {"role": role, "parts": [{"text": turn.content}]}


def _blocks(turn: Turn) -> object:
    return {"role": turn.role, "content": [{"text": turn.content}]}


def _turns(fields: _Fields, name: str, given: Decoration, write: Callable[[Turn], object]) -> None:
    if given.first or given.last:
        first = [_Raw(_encode(write(turn))) for turn in given.first]
        last = [_Raw(_encode(write(turn))) for turn in given.last]
        fields[name] = _Raw(_encode([*first, *_items(fields.get(name)), *last]))


def _items(raw: msgspec.Raw | None) -> list[msgspec.Raw]:
    """A list's items; what is no list is left for the provider to refuse."""
    if raw is None or bytes(raw) == b"null":
        return []
    found = bytes(raw)
    return _ITEMS.decode(raw) if found.startswith(b"[") else [raw]


def _chat(fields: _Fields, given: Decoration) -> None:
    turns = _items(fields.get("messages"))
    head = next((at for at, raw in enumerate(turns) if not _is_instruction(raw)), len(turns))
    if given.before or given.after:
        if head:
            turns[0] = _with_said(turns[0], given.before, "")
            turns[head - 1] = _with_said(turns[head - 1], "", given.after)
        else:
            said = _joined(given.before, given.after)
            turns.insert(0, _Raw(_encode({"role": "system", "content": said})))
            head = 1
    first = [_Raw(_encode(_message(turn))) for turn in given.first]
    last = [_Raw(_encode(_message(turn))) for turn in given.last]
    fields["messages"] = _Raw(_encode([*turns[:head], *first, *turns[head:], *last]))


def _is_instruction(raw: msgspec.Raw) -> bool:
    turn = msgspec.json.decode(raw)
    return isinstance(turn, dict) and turn.get("role") in ("system", "developer")


def _with_said(raw: msgspec.Raw, before: str, after: str) -> msgspec.Raw:
    turn = msgspec.json.decode(raw)
    return _Raw(_encode({**turn, "content": _said(turn.get("content"), before, after)}))


def _said(content: Any, before: str, after: str) -> Any:
    """Words, or a list of parts, with ours."""
    if isinstance(content, list):
        front = [{"type": "text", "text": before}] if before else []
        back = [{"type": "text", "text": after}] if after else []
        return [*front, *content, *back]
    return _joined(before, content if isinstance(content, str) else "", after)


def _joined(*texts: str) -> str:
    return _BETWEEN.join(text for text in texts if text)


def _system(fields: _Fields, name: str, given: Decoration, *, typed: bool) -> None:
    """Instructions that are a text or a list of blocks (Messages), or a list of blocks alone."""
    if not given.before and not given.after:
        return
    said = msgspec.json.decode(fields[name]) if name in fields else None
    if typed:
        made = _said(said, given.before, given.after)
    else:
        front = [{"text": given.before}] if given.before else []
        back = [{"text": given.after}] if given.after else []
        made = [*front, *(said or []), *back]
    fields[name] = _Raw(_encode(made))


def _gemini(fields: _Fields, given: Decoration) -> None:
    if not given.before and not given.after:
        return
    name = "system_instruction" if "system_instruction" in fields else "systemInstruction"
    said = msgspec.json.decode(fields[name]) if name in fields else None
    content = said if isinstance(said, dict) else {}
    front = [{"text": given.before}] if given.before else []
    back = [{"text": given.after}] if given.after else []
    content = {**content, "parts": [*front, *(content.get("parts") or []), *back]}
    fields[name] = _Raw(_encode(content))


def _string(fields: _Fields, name: str, given: Decoration) -> None:
    if given.before or given.after:
        said = msgspec.json.decode(fields[name]) if name in fields else ""
        text = said if isinstance(said, str) else ""
        fields[name] = _Raw(_encode(_joined(given.before, text, given.after)))


def _as_items(raw: msgspec.Raw | None) -> msgspec.Raw:
    """The input of Responses as items, also when it is a text."""
    said = msgspec.json.decode(raw) if raw is not None else []
    items = [{"role": "user", "content": said}] if isinstance(said, str) else said
    return _Raw(_encode(items))
