"""Answer -> Message.

Rule: every key that the API's own answers have is there, null where there is nothing to tell.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from dataplane.llm.hub.answer import Answer, Finish, Usage
from dataplane.llm.hub.parts import Media, Native, Part, Refusal, Text, Thinking, ToolCall
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.messages.citations import write_citation
from dataplane.llm.translate.messages.tool_input import tool_input
from dataplane.llm.translate.messages.wire import REASONS
from dataplane.runtime.protocols import Protocol

_ENCODER: Final = msgspec.json.Encoder()
_TIERS: Final = {
    "standard": "standard",
    "default": "standard",
    "priority": "priority",
    "batch": "batch",
}


def write_answer(answer: Answer, echo: Echo) -> bytes:
    """The body for the client; of several choices the first."""
    choice = answer.choices[0] if answer.choices else None
    parts = choice.parts if choice is not None else []
    kinds = [type(part) for part in parts]
    ending = stop(
        (choice.finish if choice is not None else None) or Finish.STOP,
        choice.stop_sequence if choice is not None else "",
        tools=ToolCall in kinds,
        refused=Refusal in kinds,
    )
    blocks = [block for part in parts if (block := whole_block(part)) is not None]
    body = message(
        message_id(answer.id, echo),
        answer.model or echo.request.model,
        blocks,
        usage=usage_json(answer.usage or Usage(), answer.service_tier),
    )
    body |= ending
    return _ENCODER.encode(body)


def message_id(given: str, echo: Echo) -> str:
    """The provider's id where it has the API's form."""
    return given if given.startswith("msg_") else f"msg_{echo.answer_id}"


def message(given: str, model: str, content: Sequence[object], usage: bytes) -> dict[str, Any]:
    """A message that has not stopped yet; `usage` as usage_json writes it."""
    return {
        "id": given,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": msgspec.Raw(usage),
    }


def stop(finish: Finish, stop_sequence: str, *, tools: bool, refused: bool) -> dict[str, Any]:
    """The keys that say why the model stopped."""
    if refused:
        finish = Finish.REFUSAL
    elif tools and finish is Finish.STOP:
        finish = Finish.TOOL_CALLS
    details: dict[str, Any] | None = None
    if REASONS[finish] == "refusal":
        details = {"type": "refusal", "category": None, "explanation": _EXPLANATIONS.get(finish)}
    return {
        "stop_reason": REASONS[finish],
        "stop_sequence": stop_sequence or None,
        "stop_details": details,
    }


_EXPLANATIONS: Final = {
    Finish.CONTENT_FILTER: "The provider's content filter withheld the answer or a part of it.",
    Finish.ERROR: "The provider reports that generating the answer failed.",
}


def usage_json(usage: Usage, service_tier: str = "") -> bytes:
    """Tokens in the API's own division: cached ones are no input_tokens."""
    tier = _TIERS.get(service_tier)
    return (
        b'{"input_tokens":%d,"cache_creation_input_tokens":%d,"cache_read_input_tokens":%d,'
        b'"cache_creation":null,"output_tokens":%d,"output_tokens_details":%b,'
        b'"server_tool_use":null,"service_tier":%b,"inference_geo":null}'
        % (
            max(0, usage.input - usage.cache_read - usage.cache_write),
            usage.cache_write,
            usage.cache_read,
            usage.output,
            _details(usage),
            b"null" if tier is None else b'"%b"' % tier.encode(),
        )
    )


def delta_usage_json(usage: Usage) -> bytes:
    """The same at the end of a stream, where the API says less."""
    return (
        b'{"input_tokens":%d,"cache_creation_input_tokens":%d,"cache_read_input_tokens":%d,'
        b'"output_tokens":%d,"output_tokens_details":%b,"server_tool_use":null}'
        % (
            max(0, usage.input - usage.cache_read - usage.cache_write),
            usage.cache_write,
            usage.cache_read,
            usage.output,
            _details(usage),
        )
    )


def _details(usage: Usage) -> bytes:
    thought = usage.reasoning
    return b'{"thinking_tokens":%d}' % thought if thought else b"null"


def whole_block(part: Part) -> object:
    """One content block; None for what is empty, or only another protocol can say."""
    match part:
        case Text(text, citations):
            if not text:
                return None
            cited = [write_citation(citation) for citation in citations]
            return {"type": "text", "text": text, "citations": cited}
        case Refusal(text):
            return {"type": "text", "text": text, "citations": []} if text else None
        case Thinking(signature=signature, redacted=True):
            return {"type": "redacted_thinking", "data": signature} if signature else None
        case Thinking(text, signature):
            if not text and not signature:
                return None
            return {"type": "thinking", "thinking": text, "signature": signature}
        case ToolCall():
            return {
                "type": "tool_use",
                "id": part.id,
                "name": part.name,
                "input": tool_input(part),
                "caller": {"type": "direct"},
            }
        case Native(Protocol.MESSAGES, _, raw):
            return msgspec.json.decode(raw)
        case Media():
            return {"type": "text", "text": _media_words(part), "citations": []}
        case _:
            return None


def _media_words(media: Media) -> str:
    """The API's answers hold no media; what a model makes of them is named, not lost."""
    if media.url:
        return f"![{media.kind}]({media.url})"
    return f"[The model made an {media.kind} ({media.mime_type}), which this API cannot carry.]"
