"""Messages -> input items of a request.

Rule: the API has items for calls, results and reasoning, and parts for words and media. Reasoning
that it did not sign itself it cannot take back.
"""

from typing import Any, Final

import msgspec

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.parts import (
    Media,
    Native,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from dataplane.llm.hub.request import Message
from dataplane.llm.translate.responses.wire import opened_reasoning
from dataplane.runtime.protocols import Protocol

Item = dict[str, Any] | msgspec.Raw
_IMAGES: Final = {"iVBORw0KGgo": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif"}
"""How images begin in base64."""
_AUDIO: Final = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mp3": "mp3", "audio/mpeg": "mp3"}


def write_input(messages: list[Message], losses: Losses) -> list[Item]:
    """The items of all messages, in order."""
    items: list[Item] = []
    # chat does not say at a result which kind of call it answers
    custom = {
        part.id
        for message in messages
        for part in message.parts
        if isinstance(part, ToolCall) and part.custom
    }
    for message in messages:
        if message.name:
            losses.hint(f"{message.at}.name")
        for part in message.parts:
            if isinstance(part, ToolResult) and part.call_id in custom:
                part.custom = True
        items += _write_message(message, losses)
    last = messages[-1] if messages else None
    if (
        last is not None
        and last.role == "assistant"
        and last.parts
        and isinstance(last.parts[-1], Text)
    ):
        # Claude goes on from the words it is given; here they are an earlier answer
        losses.hint(f"{last.at}: prefill")
    return items


def _write_message(message: Message, losses: Losses) -> list[Item]:
    """A run of words and media is one item, every other part is one of its own."""
    items: list[Item] = []
    content: list[Item] = []
    for part in message.parts:
        own = _own_item(part, message.at, losses)
        if own is None:
            written = write_part(part, message.role, message.at, losses)
            if written is not None:
                content.append(written)
            continue
        if content:
            items.append(_said(message.role, content))
            content = []
        items += own
    if content:
        items.append(_said(message.role, content))
    return items


def _said(role: str, content: list[Item]) -> Item:
    only = content[0]
    if role != "assistant" and len(content) == 1 and isinstance(only, dict) and "text" in only:
        return {"type": "message", "role": role, "content": only["text"]}
    return {"type": "message", "role": role, "content": content}


def _own_item(part: Part, at: str, losses: Losses) -> list[Item] | None:
    """The items of a part that is none of a message; an empty list when it cannot be said."""
    match part:
        case ToolCall():
            return [_call(part)]
        case ToolResult():
            return [_result(part, at, losses)]
        case Thinking():
            item_id, encrypted = opened_reasoning(part.signature)
            if not encrypted:
                losses.hint(f"{at}: thinking")
                return []
            return [_reasoning(part, item_id, encrypted)]
        case Native(protocol=Protocol.RESPONSES):
            return [part.raw]
        case _:
            return None


def _call(call: ToolCall) -> Item:
    if call.custom:
        item = {"type": "custom_tool_call", "call_id": call.id, "name": call.name}
        item["input"] = call.arguments
    else:
        item = {"type": "function_call", "call_id": call.id, "name": call.name}
        item["arguments"] = call.arguments or "{}"
    if call.namespace:
        item["namespace"] = call.namespace
    return item


def _result(result: ToolResult, at: str, losses: Losses) -> Item:
    if result.is_error:
        losses.hint(f"{at}: is_error")
    if result.cache:
        losses.hint("cache_control")
    written = [write_part(part, "user", at, losses) for part in result.parts]
    output: Any = [part for part in written if part is not None]
    if all(isinstance(part, Text) for part in result.parts) and len(output) <= 1:
        output = output[0]["text"] if output else ""
    kind = "custom_tool_call_output" if result.custom else "function_call_output"
    return {"type": kind, "call_id": result.call_id, "output": output}


def _reasoning(thinking: Thinking, item_id: str, encrypted: str) -> Item:
    summary = [{"type": "summary_text", "text": thinking.text}] if thinking.text else []
    item: dict[str, Any] = {"type": "reasoning", "summary": summary, "encrypted_content": encrypted}
    return {"id": item_id, **item} if item_id else item


def write_part(part: Part, role: str, at: str, losses: Losses) -> Item | None:
    """One part of a message or of a tool's output; None when it was lost."""
    if getattr(part, "cache", ""):
        losses.hint("cache_control")
    match part:
        case Text(text):
            return {"type": "output_text" if role == "assistant" else "input_text", "text": text}
        case Refusal(text):
            return {"type": "refusal", "refusal": text}
        case Media() if role == "assistant":
            losses.refuse(f"{at}: {part.kind} of the assistant")
            return None
        case Media():
            return _media(part, at, losses)
        case Native(kind=kind):
            losses.refuse(f"{at}: {kind}")
            return None
        case _:
            losses.refuse(f"{at}: {type(part).__name__}")
            return None


def _media(media: Media, at: str, losses: Losses) -> Item | None:
    if media.file_id and losses.request.protocol is not Protocol.CHAT:
        # a file lives with the provider it was uploaded to
        losses.refuse(f"{at}: file {media.file_id}")
        return None
    match media.kind:
        case "image":
            return _image(media)
        case "document":
            return _document(media, at, losses)
        case "audio" if media.data and media.mime_type in _AUDIO:
            sound = {"data": media.data, "format": _AUDIO[media.mime_type]}
            return {"type": "input_audio", "input_audio": sound}
        case kind:
            losses.refuse(f"{at}: {kind}")
            return None


def _image(media: Media) -> Item:
    item: dict[str, Any] = {"type": "input_image", "detail": media.detail or "auto"}
    if media.file_id:
        item["file_id"] = media.file_id
    else:
        item["image_url"] = media.url or f"data:{_image_type(media)};base64,{media.data}"
    return item


def _image_type(media: Media) -> str:
    known = (kind for begin, kind in _IMAGES.items() if media.data.startswith(begin))
    return media.mime_type or next(known, "image/webp")


def _document(media: Media, at: str, losses: Losses) -> Item:
    if media.citations:
        losses.hint(f"{at}: citations")
    if media.text:
        head = "\n".join(line for line in (media.name, media.context) if line)
        return {"type": "input_text", "text": f"{head}\n\n{media.text}" if head else media.text}
    if media.context:
        losses.hint(f"{at}: context")
    item: dict[str, Any] = {"type": "input_file"}
    if media.file_id:
        item["file_id"] = media.file_id
    elif media.url:
        # the API takes a name with data only
        item["file_url"] = media.url
    else:
        kind = media.mime_type or "application/pdf"
        item["filename"] = media.name or f"document.{kind.rpartition('/')[2]}"
        item["file_data"] = f"data:{kind};base64,{media.data}"
    return item
