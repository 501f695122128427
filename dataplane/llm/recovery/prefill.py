"""A provider's request with the beginning of the answer in it.

The rule: only where the API can say it; what cannot be done here is None, and the answer is asked
for afresh. Requests are changed where they must be and pass as they are in all else.

A trailing blank is left out for everybody, because Anthropic refuses it
(platform.claude.com, "Prefill Claude's response"), and no `max_tokens` is used up twice.
"""

from typing import Any

import msgspec

from dataplane.llm.hub.request import Request
from dataplane.llm.recovery.delivered import Delivered
from dataplane.llm.translate.messages.abilities import abilities
from dataplane.runtime.dialect import Dialect, Prefill
from dataplane.runtime.protocols import Protocol

_OBJECT = msgspec.json.Decoder(dict[str, Any])
_ENCODER = msgspec.json.Encoder()
_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


def prefill_of(request: Request, delivered: Delivered) -> str:
    """What a model is given as the beginning of its answer; empty: it cannot be gone on with so.

    Not with several choices, with a form that the whole answer must have, or with thinking, which
    models do before they speak and never in the middle.
    """
    if not delivered.is_known or delivered.thought or (request.n or 1) != 1:
        return ""
    if request.output is not None and request.output.kind != "text":
        return ""
    thinks = request.reasoning
    if thinks is not None and (
        thinks.enabled or thinks.budget_tokens or thinks.effort not in ("", "none")
    ):
        return ""
    if request.tool_choice is not None and request.tool_choice.mode in ("required", "tools"):
        return ""
    return delivered.words.rstrip()


def form_of(dialect: Dialect, model: str) -> Prefill:
    """Whether and how a provider's model takes the beginning of its answer."""
    if dialect.prefill is Prefill.BY_NAME:
        takes = "claude" in model.lower() and abilities(model).prefill
        return Prefill.PLAIN if takes else Prefill.NONE
    return dialect.prefill


def with_prefill(
    protocol: Protocol, body: bytes, words: str, form: Prefill, spent: int
) -> bytes | None:
    """A body of `protocol` that asks to go on from `words`, for which `spent` tokens were used."""
    try:
        asked = _OBJECT.decode(body)
    except (ValueError, RecursionError):
        return None
    where, limits = _place(protocol, asked)
    if not isinstance(where, list) or not _append(protocol, where, words):
        return None
    if protocol is Protocol.CHAT:
        if form in (Prefill.PREFIX, Prefill.REPEATED):
            where[-1]["prefix"] = True
        elif form is Prefill.TEMPLATE:
            asked |= {"continue_final_message": True, "add_generation_prompt": False}
    for name in (*_LIMITS, "maxOutputTokens", "maxTokens"):
        limit = limits.get(name)
        if isinstance(limit, int):
            limits[name] = max(1, limit - spent)
    return _ENCODER.encode(asked)


def _place(protocol: Protocol, asked: dict[str, Any]) -> tuple[object, dict[str, Any]]:
    """The messages of a request, and where its limits are."""
    match protocol:
        case Protocol.RESPONSES:
            said = asked.get("input")
            if isinstance(said, str):
                asked["input"] = [{"role": "user", "content": said}]
            return asked.get("input"), asked
        case Protocol.GEMINI:
            limits = asked.get("generationConfig")
            return asked.get("contents"), limits if isinstance(limits, dict) else {}
        case Protocol.CONVERSE:
            limits = asked.get("inferenceConfig")
            return asked.get("messages"), limits if isinstance(limits, dict) else {}
        case _:
            return asked.get("messages"), asked


def _append(protocol: Protocol, said: list[Any], words: str) -> bool:
    """A new turn of the model, or more of the one that the client has begun; False: impossible."""
    role = "model" if protocol is Protocol.GEMINI else "assistant"
    last = said[-1] if said else None
    if isinstance(last, dict) and last.get("role") == role:
        key = "parts" if protocol is Protocol.GEMINI else "content"
        return "tool_calls" not in last and _lengthen(last, key, words)
    match protocol:
        case Protocol.GEMINI:
            said.append({"role": role, "parts": [{"text": words}]})
        case Protocol.CONVERSE:
            said.append({"role": role, "content": [{"text": words}]})
        case Protocol.RESPONSES:
            part = {"type": "output_text", "text": words}
            said.append({"type": "message", "role": role, "content": [part]})
        case _:
            said.append({"role": role, "content": words})
    return True


def _lengthen(turn: dict[str, Any], key: str, words: str) -> bool:
    content = turn.get(key)
    if isinstance(content, str):
        turn[key] = content + words
        return True
    if isinstance(content, list) and content and isinstance(content[-1], dict):
        text = content[-1].get("text")
        if isinstance(text, str):
            content[-1]["text"] = text + words
            return True
    return False
