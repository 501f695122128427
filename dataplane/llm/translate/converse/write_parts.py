"""Parts -> content blocks of a request.

Rule: Bedrock refuses texts without a word, ids and document names with other characters than its
own, and reasoning it did not sign; so these are left out, spelt anew (the same for a call and its
result), and left out.
"""

import base64
import re
from typing import Any
from zlib import crc32

import msgspec

from dataplane.llm.hub.custom import wrapped
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
from dataplane.llm.hub.seal import opened
from dataplane.llm.translate.converse.citations import write_citation
from dataplane.llm.translate.converse.families import ANTHROPIC
from dataplane.llm.translate.converse.wire import MEDIA
from dataplane.runtime.protocols import Protocol

Block = dict[str, Any]

_OTHER_ID = re.compile(r"[^a-zA-Z0-9_.:-]")
_ID_LENGTH = 64
_OTHER_NAME = re.compile(r"[^a-zA-Z0-9\s()\[\]-]")
_EXTENSION = re.compile(r"\.[a-zA-Z0-9]{1,5}$")
_SPACES = re.compile(r"\s+")
_NAME_LENGTH = 190
"""Bedrock's limit is 200; a number may follow."""
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER = msgspec.json.Encoder()
_ALIASES = {
    "image/jpg": "jpeg",
    "audio/mp3": "mp3",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/m4a": "m4a",
    "audio/mpeg": "mp3",
    "text/x-markdown": "md",
    "application/json": "txt",
    "text/xml": "txt",
    "application/xml": "txt",
    "video/mpeg": "mpeg",
    "audio/x-matroska": "mka",
}
_MAGIC = {"iVBORw0KGgo": "png", "/9j/": "jpeg", "R0lGOD": "gif", "UklGR": "webp"}
"""How images begin in base64."""
_EMPTY_RESULT: Block = {"json": {}}
"""Of a tool that answered nothing. Claude takes an empty list too; of others nobody has told."""


class BlockWriter:
    """Writes the blocks of one request."""

    __slots__ = ("_documents", "_family", "_losses", "_names")

    def __init__(self, family: str, names: FlatNames, losses: Losses) -> None:
        self._family = family
        self._names = names
        self._losses = losses
        self._documents: set[str] = set()

    def blocks(self, parts: list[Part], at: str) -> list[Block]:
        """The blocks of one message, cache points among them."""
        blocks: list[Block] = []
        for part in parts:
            block = self._block(part, at)
            if block is None:
                continue
            blocks.append(block)
            cache = getattr(part, "cache", "")
            if cache:
                blocks.append(cache_point(cache))
        return blocks

    def _block(self, part: Part, at: str) -> Block | None:
        match part:
            case Text(text, citations):
                return self._text(text, citations, at)
            case Refusal(text):
                return {"text": text} if text.strip() else None
            case Media():
                return self._media(part, at)
            case ToolCall():
                return {
                    "toolUse": {
                        "toolUseId": tool_id(part.id),
                        "name": self._names.of(part.namespace, part.name),
                        "input": tool_input(part),
                    }
                }
            case ToolResult():
                return self._tool_result(part, at)
            case Thinking():
                return self._thinking(part)
            case Native(kind=kind):
                self._losses.refuse(f"{at}: {kind}")
                return None

    def _text(self, text: str, citations: list[Any], at: str) -> Block | None:
        if not text.strip():
            return None
        if citations and all(citation.document is not None for citation in citations):
            cited = [write_citation(citation) for citation in citations]
            return {"citationsContent": {"content": [{"text": text}], "citations": cited}}
        if citations:
            self._losses.hint(f"{at}: citations")
        return {"text": text}

    def _tool_result(self, result: ToolResult, at: str) -> Block:
        content: list[Block] = []
        for part in result.parts:
            if isinstance(part, Media) and part.kind == "audio":
                self._losses.refuse(f"{at}: audio")
            elif isinstance(part, Text):
                content += [{"text": part.text}] if part.text.strip() else []
            elif (block := self._block(part, at)) is not None:
                content.append(block)
        written: Block = {
            "toolUseId": tool_id(result.call_id),
            "content": content or [_EMPTY_RESULT],
        }
        if result.is_error:
            written["status"] = "error"
        return {"toolResult": written}

    def _thinking(self, part: Thinking) -> Block | None:
        mine = opened(part.signature, Protocol.CONVERSE)
        if not mine and self._family == ANTHROPIC and not part.redacted:
            # Anthropic: signatures are valid on all platforms that serve its models.
            mine = opened(part.signature, Protocol.MESSAGES)
        if not mine:
            self._losses.hint("thinking")
            return None
        if part.redacted:
            return {"reasoningContent": {"redactedContent": mine}}
        return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": mine}}}

    def _media(self, media: Media, at: str) -> Block | None:
        if media.url.startswith("s3://"):
            source: dict[str, Any] = {"s3Location": {"uri": media.url}}
        elif media.url or media.file_id:
            self._losses.refuse(f"{at}: {media.kind} {'at a URL' if media.url else 'by file id'}")
            return None
        elif media.text:
            source = {"bytes": base64.b64encode(media.text.encode()).decode()}
        else:
            source = {"bytes": media.data}
        form = _format(media)
        if not form:
            self._losses.refuse(f"{at}: {media.mime_type or media.kind}")
            return None
        if media.detail and media.detail != "auto":
            self._losses.hint(f"{at}: detail")
        block: Block = {"format": form, "source": source}
        if media.kind == "document":
            block["name"] = self._document_name(media.name)
            if media.context:
                block["context"] = media.context
            if media.citations:
                block["citations"] = {"enabled": True}
        return {media.kind: block}

    def _document_name(self, given: str) -> str:
        """Bedrock wants one, of its own alphabet, and each only once."""
        stem = _EXTENSION.sub("", given)
        name = _SPACES.sub(" ", _OTHER_NAME.sub(" ", stem)).strip()[:_NAME_LENGTH]
        unique = name = name or "document"
        number = 1
        while unique in self._documents:
            number += 1
            unique = f"{name} {number}"
        self._documents.add(unique)
        return unique


def cache_point(cache: str) -> Block:
    """The marker of a time to live."""
    point = {"type": "default"}
    if cache == "1h":
        point["ttl"] = cache
    return {"cachePoint": point}


def tool_id(given: str) -> str:
    """An id that Bedrock accepts; one that must be changed keeps a trace of the whole."""
    if given and len(given) <= _ID_LENGTH and not _OTHER_ID.search(given):
        return given
    trace = f"{crc32(given.encode()):08x}"
    head = _OTHER_ID.sub("_", given)[: _ID_LENGTH - len(trace) - 1]
    return f"{head}_{trace}" if head else f"call_{trace}"


def tool_input(call: ToolCall) -> msgspec.Raw:
    """The JSON object that a tool is called with; arguments that are none are wrapped."""
    if call.custom:
        return msgspec.Raw(wrapped(call.arguments).encode())
    words = call.arguments.encode() if call.arguments.strip() else b"{}"
    try:
        _OBJECT.decode(words)
    except (ValueError, RecursionError):
        return msgspec.Raw(_ENCODER.encode({"INVALID_JSON": call.arguments}))
    return msgspec.Raw(words)


def _format(media: Media) -> str:
    """Bedrock's word for a MIME type; empty when it has none."""
    if media.kind == "document" and media.text:
        known = _word(media.kind, media.mime_type)
        return known or "txt"
    if media.kind == "image":
        found = next((form for head, form in _MAGIC.items() if media.data.startswith(head)), "")
        if found:
            return found
    if media.kind == "document" and media.data.startswith("JVBERi"):
        return "pdf"
    return _word(media.kind, media.mime_type)


def _word(kind: str, mime_type: str) -> str:
    plain = mime_type.partition(";")[0].strip().lower()
    formats = MEDIA.get(kind, {})
    alias = _ALIASES.get(plain, "")
    if alias in formats:
        return alias
    return next((form for form, mime in formats.items() if mime == plain), "")
