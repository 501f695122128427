"""Parts -> content blocks of a request.

Rule: the API refuses texts without a word, ids with other characters than its own and signatures
it did not make. The first and the last are left out; ids are spelt anew, a call's and its result's
alike.
"""

import base64
import re
from typing import Any, Final

import msgspec

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.namespaces import FlatNames
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
from dataplane.llm.hub.seal import is_sealed, opened
from dataplane.llm.translate.messages.tool_input import tool_input
from dataplane.llm.translate.messages.wire import unmarked
from dataplane.runtime.protocols import Protocol

Block = dict[str, Any]

_OTHER: Final = re.compile(r"[^a-zA-Z0-9_-]")
_IMAGES: Final = ("image/jpeg", "image/png", "image/gif", "image/webp")
_MAGIC: Final = {
    "iVBORw0KGgo": _IMAGES[1],
    "/9j/": _IMAGES[0],
    "R0lGOD": _IMAGES[2],
    "UklGR": _IMAGES[3],
}
"""How images begin in base64."""


def write_parts(parts: list[Part], at: str, losses: Losses, names: FlatNames) -> list[Block]:
    """The blocks of one message."""
    blocks = [_part(part, at, losses, names) for part in parts]
    return [block for block in blocks if block is not None]


def _part(part: Part, at: str, losses: Losses, names: FlatNames) -> Block | None:
    """One block; None for what is empty or was lost."""
    match part:
        case Text(text) | Refusal(text):
            return _text(part, text, at, losses)
        case Media():
            return _media(part, at, losses)
        case ToolCall():
            return _marked(
                {
                    "type": "tool_use",
                    "id": tool_id(part.id),
                    "name": names.of(part.namespace, part.name),
                    "input": tool_input(part),
                },
                part.cache,
            )
        case ToolResult():
            return _tool_result(part, at, losses, names)
        case Thinking():
            return _thinking(part, losses)
        case Native(Protocol.MESSAGES, _, raw):
            return msgspec.json.decode(raw, type=dict[str, Any])
        case Native(kind=kind):
            losses.refuse(f"{at}: {kind}")
            return None


def tool_id(given: str) -> str:
    """An id that the API accepts: other characters are spelt in hexadecimal."""
    return _OTHER.sub(lambda found: f"_{ord(found[0]):x}", given) or "call"


def text_block(text: str, cache: str = "") -> Block | None:
    """A text; None without a word in it."""
    return _marked({"type": "text", "text": text}, cache) if text.strip() else None


def _text(part: Text | Refusal, text: str, at: str, losses: Losses) -> Block | None:
    if isinstance(part, Refusal):
        return text_block(text)
    if part.citations:
        losses.hint(f"{at}: citations")
    return text_block(text, part.cache)


def _marked(block: Block, cache: str) -> Block:
    if cache:
        block["cache_control"] = cache_control(cache)
    return block


def cache_control(cache: str) -> dict[str, str]:
    """The marker of a time to live."""
    return {"type": "ephemeral", "ttl": "1h"} if cache == "1h" else {"type": "ephemeral"}


def _tool_result(result: ToolResult, at: str, losses: Losses, names: FlatNames) -> Block:
    blocks = write_parts([*result.parts], at, losses, names)
    written: Block = {"type": "tool_result", "tool_use_id": tool_id(result.call_id)}
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        written["content"] = blocks[0]["text"]
    elif blocks:
        written["content"] = blocks
    if result.is_error:
        written["is_error"] = True
    return _marked(written, result.cache)


def _thinking(part: Thinking, losses: Losses) -> Block | None:
    mine, redacted = unmarked(opened(part.signature, Protocol.MESSAGES))
    if not mine:
        # What Claude signs on Bedrock the API takes too, and the other way round (its documents).
        mine, redacted = opened(part.signature, Protocol.CONVERSE), part.redacted
        if losses.request.protocol is Protocol.CONVERSE and not is_sealed(part.signature):
            mine = part.signature
    if not mine:
        losses.hint("thinking")
        return None
    if redacted:
        return {"type": "redacted_thinking", "data": mine}
    return {"type": "thinking", "thinking": part.text, "signature": mine}


def _media(media: Media, at: str, losses: Losses) -> Block | None:
    """An image or a document; the API takes nothing else."""
    if media.kind not in ("image", "document"):
        losses.refuse(f"{at}: {media.kind}")
        return None
    source = _source(media, at, losses)
    if source is None:
        return None
    block: Block = {"type": media.kind, "source": source}
    if media.detail and media.detail != "auto":
        losses.hint(f"{at}: detail")
    if media.kind == "document":
        if media.name:
            block["title"] = media.name
        if media.context:
            block["context"] = media.context
        if media.citations:
            block["citations"] = {"enabled": True}
    return _marked(block, media.cache)


def _source(media: Media, at: str, losses: Losses) -> dict[str, str] | None:
    if media.text:
        return {"type": "text", "media_type": "text/plain", "data": media.text}
    if media.url:
        if media.url.startswith(("https://", "http://")):
            return {"type": "url", "url": media.url}
        losses.refuse(f"{at}: {media.kind} at {media.url[:80]}")
        return None
    if media.file_id:
        if media.file_id.startswith("file_"):
            return {"type": "file", "file_id": media.file_id}
        # An id of another provider's; OpenAI's begin with "file-".
        losses.refuse(f"{at}: file {media.file_id}")
        return None
    return _data(media, at, losses)


def _data(media: Media, at: str, losses: Losses) -> dict[str, str] | None:
    kind = media.mime_type.partition(";")[0].strip().lower()
    if media.kind == "image":
        found = next((mime for head, mime in _MAGIC.items() if media.data.startswith(head)), "")
        kind = found or {"image/jpg": "image/jpeg"}.get(kind, kind)
        if kind in _IMAGES:
            return {"type": "base64", "media_type": kind, "data": media.data}
    elif kind == "application/pdf" or media.data.startswith("JVBERi"):
        return {"type": "base64", "media_type": "application/pdf", "data": media.data}
    elif kind.startswith("text/") or kind == "application/json":
        try:
            text = base64.b64decode(media.data, validate=True).decode()
        except ValueError:
            losses.refuse(f"{at}: {kind} that is not UTF-8")
            return None
        return {"type": "text", "media_type": "text/plain", "data": text}
    losses.refuse(f"{at}: {kind or media.kind}")
    return None
