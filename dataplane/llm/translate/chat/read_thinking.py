"""Thinking that a chat client gives back: `reasoning_content`, `reasoning`, `reasoning_details`."""

from typing import Any

from dataplane.llm.hub.parts import Thinking, ToolCall
from dataplane.llm.translate.chat.read_parts import BodyError, text_at


def read_thinking(wire: dict[str, Any], calls: list[ToolCall], at: str) -> list[Thinking]:
    """Signed thoughts come from the details; the signature of a call goes to its call."""
    details = wire.get("reasoning_details") or _kept(wire) or []
    if not isinstance(details, list):
        raise BodyError(f"`{at}.reasoning_details` must be a list")
    by_id = {call.id: call for call in calls}
    found: list[Thinking] = []
    for number, detail in enumerate(details):
        if not isinstance(detail, dict):
            raise BodyError(f"`{at}.reasoning_details[{number}]` must be an object")
        place = f"{at}.reasoning_details[{number}]"
        data = text_at(detail, "data", place)
        call = by_id.get(text_at(detail, "id", place))
        if data and call is not None:
            call.signature = data
        elif data:
            found.append(Thinking(signature=data, redacted=True))
        else:
            words = text_at(detail, "text", place) or text_at(detail, "summary", place)
            signature = text_at(detail, "signature", place)
            if words or signature:
                found.append(Thinking(words, signature))
    plain = text_at(wire, "reasoning_content", at) or text_at(wire, "reasoning", at)
    if plain and not any(one.text for one in found):
        found.insert(0, Thinking(plain))
    return found


def _kept(wire: dict[str, Any]) -> object:
    """LiteLLM puts what it does not know of an answer aside, and sends that back."""
    aside = wire.get("provider_specific_fields")
    return aside.get("reasoning_details") if isinstance(aside, dict) else None
