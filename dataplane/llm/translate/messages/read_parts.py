"""Content blocks -> parts, of requests and of answers.

Rule: a block that only this API knows is kept as it came; one that contradicts itself is refused
with its place.
"""

from typing import Final

import msgspec

from dataplane.llm.hub.parts import Media, Native, Part, Text, Thinking, ToolCall, ToolResult
from dataplane.llm.translate.messages.blocks import MEDIA, TEXT, THINKING, TOOL_RESULT, TOOL_USE
from dataplane.llm.translate.messages.citations import read_citations
from dataplane.llm.translate.messages.wire import CacheControl, Kind
from dataplane.runtime.protocols import Protocol


class BlockError(Exception):
    """A block that cannot be understood, and where: "messages[0].content[1]: ..."."""


_KIND: Final = msgspec.json.Decoder(Kind)
_BLOCKS: Final = msgspec.json.Decoder(str | list[msgspec.Raw] | None)


def read_parts(content: msgspec.Raw, at: str, extra: list[str] | None = None) -> list[Part]:
    """The parts of a content, which is a text or a list of blocks. Raises BlockError.

    :param extra: takes the places of fields that are not known; None when nobody wants to hear.
    """
    if not content:
        return []
    try:
        blocks = _BLOCKS.decode(content)
    except msgspec.MsgspecError as problem:
        raise BlockError(f"{at}: {problem}") from problem
    if not isinstance(blocks, list):
        return [Text(blocks)] if blocks else []
    parts: list[Part] = []
    for number, raw in enumerate(blocks):
        place = f"{at}[{number}]"
        try:
            part = read_part(raw, place, extra)
        except msgspec.MsgspecError as problem:
            raise BlockError(f"{place}: {problem}") from problem
        if not isinstance(part, Text) or part.text:
            parts.append(part)
    return parts


def read_part(raw: msgspec.Raw, at: str, extra: list[str] | None = None) -> Part:
    """One block. Raises msgspec.MsgspecError or BlockError."""
    kind = _KIND.decode(raw).type
    match kind:
        case "text":
            text = TEXT.decode(raw, at, extra)
            return Text(text.text, read_citations(text.citations), cache(text.cache_control))
        case "image" | "document":
            return _media(kind, raw, at, extra)
        case "tool_use":
            use = TOOL_USE.decode(raw, at, extra)
            return ToolCall(use.id, use.name, _arguments(use.input), cache=cache(use.cache_control))
        case "tool_result":
            return _tool_result(raw, at, extra)
        case "thinking":
            thought = THINKING.decode(raw, at, extra)
            return Thinking(thought.thinking or "", thought.signature or "")
        case "redacted_thinking":
            return Thinking(signature=THINKING.decode(raw, at, extra).data or "", redacted=True)
        case "":
            raise BlockError(f"{at}: a content block needs a `type`")
        case _:
            return Native(Protocol.MESSAGES, kind, raw)


def cache(marker: CacheControl | None) -> str:
    """The hub's form of a cache marker."""
    return marker.time_to_live() if marker is not None else ""


def _arguments(given: msgspec.Raw) -> str:
    text = bytes(given).decode()
    return text if text and text != "null" else "{}"


def _tool_result(raw: msgspec.Raw, at: str, extra: list[str] | None) -> ToolResult:
    result = TOOL_RESULT.decode(raw, at, extra)
    parts: list[Text | Media | Native] = []
    for number, part in enumerate(read_parts(result.content, f"{at}.content", extra)):
        if not isinstance(part, Text | Media | Native):
            raise BlockError(f"{at}.content[{number}]: a tool's result cannot hold this block")
        parts.append(part)
    return ToolResult(
        result.tool_use_id,
        parts,
        is_error=result.is_error is True,
        cache=cache(result.cache_control),
    )


def _media(kind: str, raw: msgspec.Raw, at: str, extra: list[str] | None) -> Media | Native:
    wire = MEDIA.decode(raw, at, extra)
    source = wire.source
    media = Media(
        kind,
        name=wire.title or "",
        context=wire.context or "",
        citations=wire.citations is not None and wire.citations.enabled is True,
        cache=cache(wire.cache_control),
    )
    match source.type:
        case "base64":
            media.mime_type = source.media_type or ""
            media.data = source.data or ""
        case "text":
            media.mime_type = source.media_type or "text/plain"
            media.text = source.data or ""
        case "url":
            media.mime_type = "application/pdf" if kind == "document" else ""
            media.url = source.url or ""
        case "file":
            media.file_id = source.file_id or ""
        case "content" if (text := _words(source.content)) is not None:
            media.mime_type = "text/plain"
            media.text = text
        case _:
            return Native(Protocol.MESSAGES, kind, raw)
    return media


def _words(content: msgspec.Raw) -> str | None:
    """The text of a document made of blocks; None when there is more than text in it."""
    parts = read_parts(content, "source.content")
    texts = [part.text for part in parts if isinstance(part, Text)]
    return "\n\n".join(texts) if len(texts) == len(parts) else None
