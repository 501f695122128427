"""Requests that pass through untouched, but for signatures that their provider never made.

A conversation may have begun with a provider of another protocol, whose signed thinking the client
now brings along, sealed (hub/seal.py). Its new provider would refuse the whole request for it, so
that thinking is left out; everything else stays as it is said.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from dataplane.llm.hub.seal import is_sealed
from dataplane.runtime.protocols import Protocol

_DECODER = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder()
_PLAIN = b'"outrider.'
_BASE64 = b'"b3V0cmlkZXIu'
"""The same nine letters in base64, as Gemini's and Amazon's bytes are written."""


def unsealed(protocol: Protocol, body: bytes) -> bytes:
    """A client's body for a provider that speaks `protocol` too; the very same when nothing in it
    is sealed.
    """
    leave_out = _LEAVERS.get(protocol)
    if leave_out is None or (_PLAIN not in body and _BASE64 not in body):
        return body
    try:
        request = _DECODER.decode(body)
    except (ValueError, RecursionError):
        return body  # its provider says what is wrong with it
    return _ENCODER.encode(request) if leave_out(request) else body


def _messages(request: Any) -> bool:
    return _blocks(request, "messages", "content", _is_foreign_thinking)


def _is_foreign_thinking(block: Any) -> bool:
    kind = block.get("type")
    return (kind == "thinking" and _sealed(block.get("signature"))) or (
        kind == "redacted_thinking" and _sealed(block.get("data"))
    )


def _converse(request: Any) -> bool:
    return _blocks(request, "messages", "content", _is_foreign_reasoning)


def _is_foreign_reasoning(block: Any) -> bool:
    reasoning = block.get("reasoningContent")
    if not isinstance(reasoning, dict):
        return False
    told = reasoning.get("reasoningText")
    signature = told.get("signature") if isinstance(told, dict) else None
    return _sealed(signature) or _sealed(reasoning.get("redactedContent"))


def _gemini(request: Any) -> bool:
    changed = _blocks(
        request,
        "contents",
        "parts",
        lambda part: bool(part.get("thought")) and _sealed(part.get("thoughtSignature")),
    )
    for part in _inner(request, "contents", "parts"):
        if _sealed(part.get("thoughtSignature")):
            del part["thoughtSignature"]
            changed = True
    return changed


def _responses(request: Any) -> bool:
    items = request.get("input") if isinstance(request, dict) else None
    if not isinstance(items, list):
        return False
    kept = [item for item in items if not _is_foreign_item(item)]
    request["input"] = kept
    return len(kept) < len(items)


def _is_foreign_item(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and item.get("type") == "reasoning"
        and _sealed(item.get("encrypted_content"))
    )


def _blocks(request: Any, turns: str, parts: str, foreign: Callable[[Any], bool]) -> bool:
    """Leave foreign parts out of all turns, and turns that then say nothing."""
    said = request.get(turns) if isinstance(request, dict) else None
    if not isinstance(said, list):
        return False
    changed = False
    for turn in said:
        whole = turn.get(parts) if isinstance(turn, dict) else None
        if isinstance(whole, list):
            kept = [one for one in whole if not (isinstance(one, dict) and foreign(one))]
            if len(kept) < len(whole):
                turn[parts] = kept
                changed = True
    if changed:
        request[turns] = [
            turn for turn in said if not (isinstance(turn, dict) and turn.get(parts) == [])
        ]
    return changed


def _inner(request: Any, turns: str, parts: str) -> list[Any]:
    said = request.get(turns) if isinstance(request, dict) else None
    return [
        part
        for turn in (said if isinstance(said, list) else ())
        if isinstance(turn, dict) and isinstance(turn.get(parts), list)
        for part in turn[parts]
        if isinstance(part, dict)
    ]


def _sealed(signature: Any) -> bool:
    return isinstance(signature, str) and (
        is_sealed(signature) or signature.encode().startswith(_BASE64[1:])
    )


_LEAVERS: dict[Protocol, Callable[[Any], bool]] = {
    Protocol.MESSAGES: _messages,
    Protocol.RESPONSES: _responses,
    Protocol.GEMINI: _gemini,
    Protocol.CONVERSE: _converse,
}
"""Chat has no signatures of its own: what it says of thinking is nobody's to refuse."""
