"""Answer -> a Converse answer.

Rule: every member that Bedrock's own answers must have is there.
"""

import base64
from typing import Any

import msgspec

from dataplane.llm.hub.answer import Answer, Finish, Usage
from dataplane.llm.hub.parts import Media, Part, Refusal, Text, Thinking, ToolCall
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.converse.citations import write_citation
from dataplane.llm.translate.converse.read_parts import SEALED
from dataplane.llm.translate.converse.read_request import wants_stop_sequence
from dataplane.llm.translate.converse.wire import MEDIA, REASONS
from dataplane.llm.translate.converse.write_parts import tool_id

_ENCODER = msgspec.json.Encoder()
_JSON = msgspec.json.Decoder(msgspec.Raw)
_TIERS = ("priority", "default", "flex", "reserved")


def write_answer(answer: Answer, echo: Echo) -> bytes:
    """The body for the client; of several choices the first."""
    choice = answer.choices[0] if answer.choices else None
    parts = choice.parts if choice is not None else []
    finish = (choice.finish if choice is not None else None) or Finish.STOP
    sequence = choice.stop_sequence if choice is not None else ""
    body: dict[str, Any] = {
        "output": {
            "message": {
                "role": "assistant",
                "content": [block for part in parts if (block := write_block(part)) is not None],
            }
        },
        "stopReason": stop_reason(finish, tools=any(isinstance(part, ToolCall) for part in parts)),
        "usage": usage_object(answer.usage or Usage()),
        # How long the model took is not known here.
        "metrics": {"latencyMs": 0},
    }
    extra = extra_fields(sequence, echo)
    if extra is not None:
        body["additionalModelResponseFields"] = extra
    if answer.service_tier in _TIERS:
        body["serviceTier"] = {"type": answer.service_tier}
    return _ENCODER.encode(body)


def stop_reason(finish: Finish, *, tools: bool) -> str:
    """Some providers say STOP where their answer calls tools."""
    if tools and finish is Finish.STOP:
        finish = Finish.TOOL_CALLS
    return REASONS[finish]


def extra_fields(sequence: str, echo: Echo) -> dict[str, Any] | None:
    """The stop sequence, for clients that ask for it by its path in Anthropic's answers."""
    path = wants_stop_sequence(echo.request.echo)
    if not path:
        return None
    fields: dict[str, Any] = {"stop_sequence": sequence or None}
    return {"delta": fields} if path.startswith("/delta/") else fields


def usage_object(usage: Usage) -> dict[str, Any]:
    """Tokens in Bedrock's division: cached ones are no inputTokens."""
    written: dict[str, Any] = {
        "inputTokens": max(0, usage.input - usage.cache_read - usage.cache_write),
        "outputTokens": usage.output,
        "totalTokens": usage.input + usage.output,
    }
    if usage.cache_read or usage.cache_write:
        written["cacheReadInputTokens"] = usage.cache_read
        written["cacheWriteInputTokens"] = usage.cache_write
    return written


def write_block(part: Part) -> dict[str, Any] | None:
    """One content block; None for what is empty, or only another protocol can say."""
    match part:
        case Text(text, citations):
            if not text:
                return None
            if not citations:
                return {"text": text}
            cited = [write_citation(citation) for citation in citations]
            return {"citationsContent": {"content": [{"text": text}], "citations": cited}}
        case Refusal(text):
            return {"text": text} if text else None
        case Thinking(signature=signature, redacted=True):
            if not signature:
                return None
            return {"reasoningContent": {"redactedContent": redacted(signature)}}
        case Thinking(text, signature):
            if not text and not signature:
                return None
            said = {"text": text} | ({"signature": signature} if signature else {})
            return {"reasoningContent": {"reasoningText": said}}
        case ToolCall():
            return {
                "toolUse": {
                    "toolUseId": tool_id(part.id),
                    "name": part.name,
                    "input": tool_input(part.arguments),
                }
            }
        case Media():
            return media_block(part)
        case _:
            return None


def tool_input(arguments: str) -> msgspec.Raw:
    """The JSON that a tool is called with. An answer may break off in the middle of it: then it is
    given as the text that it is, which is JSON too.
    """
    words = arguments.encode() if arguments.strip() else b"{}"
    try:
        return _JSON.decode(words)
    except (ValueError, RecursionError):
        return msgspec.Raw(_ENCODER.encode(arguments))


def media_block(media: Media) -> dict[str, Any]:
    """Bytes where Bedrock has a word for their format; what it cannot carry is named, not lost."""
    formats = MEDIA.get(media.kind, {})
    form = next((form for form, mime in formats.items() if mime == media.mime_type), "")
    if form and media.data and media.kind in ("image", "audio"):
        return {media.kind: {"format": form, "source": {"bytes": media.data}}}
    return {"text": media_words(media)}


def media_words(media: Media) -> str:
    """In place of what cannot be carried."""
    if media.url:
        return f"![{media.kind}]({media.url})"
    return f"[The model made an {media.kind} ({media.mime_type}), which this API cannot carry.]"


def redacted(signature: str) -> str:
    """Bytes in base64: another protocol's sealed signature is text, Bedrock's own is base64."""
    data = signature.encode()
    return base64.b64encode(data).decode() if data.startswith(SEALED) else signature
