"""The words in the body of a request or of a whole answer, of any API.

Rule: what is no word stays (types, ids, names, addresses, pictures, signatures). What a change has
looked at is what goes on: the fields with words in them are written anew, so that a key that stands
there twice does not say one thing here and another elsewhere.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

Change = Callable[[str, bool], str]
"""A text -> the text in its place. The flag: the text is JSON (arguments of a call)."""

REQUEST_FIELDS = (
    *("messages", "system", "input", "instructions", "contents"),
    *("systemInstruction", "system_instruction", "prompt", "suffix"),
)
"""Of a request: what is said in it. Definitions of tools are the program's, not the people's."""
ANSWER_FIELDS = ("choices", "content", "output", "output_text", "candidates", "instructions")
"""Of an answer; `output` is a list (Responses) or holds a `message` (Converse)."""

_NO_WORDS = frozenset(
    (
        *("type", "role", "id", "name", "model", "object", "status", "format", "detail", "phase"),
        *("call_id", "tool_call_id", "tool_use_id", "toolUseId", "item_id", "namespace", "bytes"),
        *("mime_type", "mimeType", "media_type", "data", "url", "image_url", "file_data", "uri"),
        *("file_id", "fileUri", "file_uri", "container_id", "service_tier", "cache_control"),
        *("signature", "thoughtSignature", "thought_signature", "encrypted_content", "logprobs"),
        *("finish_reason", "finishReason", "stop_reason", "stopReason", "redactedContent"),
        *("cachePoint", "encrypted_index", "embedding", "logprobsResult"),
    )
)
_DATA = frozenset(("input", "args", "response", "json", "arguments"))
"""Where an object stands here it is a tool's data: every text in it is a word."""
_TOKENS = frozenset(("logprobs", "logprobsResult"))
"""The same words again, piece by piece: not said of words that were changed."""
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER = msgspec.json.Encoder()


def change_words(body: bytes, fields: Iterable[str], change: Change) -> bytes:
    """The body with every text in these fields changed.

    Raises ValueError or RecursionError for what is no JSON object.
    """
    body.decode()  # (msgspec does not look at the bytes of what it skips)
    found = _FIELDS.decode(body)
    for name in fields:
        if name in found:
            said = msgspec.json.decode(found[name])
            found[name] = msgspec.Raw(_ENCODER.encode(changed(said, change, name)))
    return _ENCODER.encode(found)


@dataclass(frozen=True, slots=True)
class Said:
    """One text of a request, and whose it is."""

    role: str
    """"system", "user", "assistant" or "tool" (what a tool answered)."""
    text: str
    turn: int
    """Which entry of the conversation it is of; -1: instructions."""


_TURNS = ("messages", "input", "contents", "prompt")
_ROLES = {"developer": "system", "model": "assistant", "function": "tool"}
_RESULTS = frozenset(("tool_result", "toolResult", "functionResponse"))


def said_in(body: bytes) -> list[Said]:
    """Every text of a request, in the order of the conversation, instructions first.

    Raises as change_words does.
    """
    body.decode()
    fields = _FIELDS.decode(body)
    found: list[Said] = []
    for name in REQUEST_FIELDS:
        if name in fields and name not in _TURNS:
            _collect(found, msgspec.json.decode(fields[name]), name, "system", -1)
    for name in _TURNS:
        if name in fields:
            said = msgspec.json.decode(fields[name])
            for turn, one in enumerate(said if isinstance(said, list) else [said]):
                _collect(found, one, "", _role(one), turn)
    return found


def asked_in(body: bytes) -> list[str]:
    """What a person has said last: the texts of the user's last turn. Raises as change_words."""
    said = [one for one in said_in(body) if one.role == "user"]
    return [one.text for one in said if one.turn == said[-1].turn]


def _role(turn: Any) -> str:
    if not isinstance(turn, dict):
        return "user"
    if str(turn.get("type", "")).endswith("_output"):  # of a call (Responses)
        return "tool"
    role = turn.get("role")
    if role is None and str(turn.get("type", "message")) != "message":
        return "assistant"  # items that only models make: calls, reasoning
    return _ROLES.get(str(role), str(role)) if role else "user"


def _collect(found: list[Said], value: Any, key: str, role: str, turn: int) -> None:
    parts = value.get("content", value.get("parts")) if isinstance(value, dict) else None
    if isinstance(parts, list):
        for part in parts:
            is_result = isinstance(part, dict) and (
                part.get("type") in _RESULTS or not _RESULTS.isdisjoint(part)
            )
            _texts(found, part, "", "tool" if is_result else role, turn)
        value = {k: v for k, v in value.items() if k not in ("content", "parts")}
    _texts(found, value, key, role, turn)


def _texts(found: list[Said], value: Any, key: str, role: str, turn: int) -> None:
    def keep(text: str, _: bool) -> str:
        found.append(Said(role, text, turn))
        return text

    changed(value, keep, key)


def words_of(body: bytes, fields: Iterable[str]) -> list[str]:
    """Every text in these fields, in order. Raises as change_words does."""
    texts: list[str] = []

    def keep(text: str, _: bool) -> str:
        texts.append(text)
        return text

    change_words(body, fields, keep)
    return texts


def changed(value: Any, change: Change, key: str = "", data: bool = False) -> Any:
    """A decoded JSON value with its words changed. `data`: all its texts are words."""
    match value:
        case str():
            if value and (data or key not in _NO_WORDS):
                return change(value, key == "arguments" and not data)
            return value
        case list():
            return [
                changed(item, change, "" if isinstance(item, dict) else key, data) for item in value
            ]
        case dict():
            if data or key in _DATA:
                return {name: changed(one, change, name, True) for name, one in value.items()}
            if value.get("type") == "text" and isinstance(value.get("data"), str):
                # Anthropic's documents in plain text; all other `data` is pictures and the like.
                value = {**value, "data": change(value["data"], False)}
            made = {
                name: one if name in _NO_WORDS else changed(one, change, name)
                for name, one in value.items()
            }
            for name in _TOKENS & value.keys():
                if made != value:
                    del made[name]
            return made
        case _:
            return value
