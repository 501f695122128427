"""Content blocks -> parts, of requests and of answers.

Rule: a block that only Bedrock can read (a place in S3, a server tool, ...) is kept as it came; one
that contradicts itself is refused with its place. A cache point marks the block before it.
"""

import base64
import binascii

import msgspec

from dataplane.llm.hub.parts import Media, Native, Part, Text, Thinking, ToolCall, ToolResult
from dataplane.llm.translate.converse.citations import CitedText, read_citation
from dataplane.llm.translate.converse.wire import (
    FIELDS,
    MEDIA,
    CachePoint,
    WireMedia,
    WireReasoning,
    WireToolResult,
    WireToolUse,
    string,
)
from dataplane.runtime.protocols import Protocol

SEALED = b"outrider."
"""How sealed signatures begin (hub/seal.py)."""

_MEDIA = msgspec.json.Decoder(WireMedia)
_TOOL_USE = msgspec.json.Decoder(WireToolUse)
_TOOL_RESULT = msgspec.json.Decoder(WireToolResult)
_REASONING = msgspec.json.Decoder(WireReasoning)
_CITED = msgspec.json.Decoder(CitedText)
_CACHE_POINT = msgspec.json.Decoder(CachePoint)
_TEXTUAL = ("text/plain", "text/markdown", "text/csv", "text/html")


class BlockError(Exception):
    """A block that cannot be understood, and where: "messages[0].content[1]: ..."."""


class _Guarded(msgspec.Struct):
    text: "_GuardedText | None" = None


class _GuardedText(msgspec.Struct):
    text: str = ""


_GUARDED = msgspec.json.Decoder(_Guarded)


class BlockReader:
    """Reads the blocks of one request or answer."""

    __slots__ = ("hints", "unknown")

    def __init__(self) -> None:
        self.hints: list[str] = []
        """Places of what only advises and is not carried."""
        self.unknown: list[str] = []
        """Places of what matters and is not carried."""

    def parts(self, blocks: list[dict[str, msgspec.Raw]], at: str) -> list[Part]:
        """The blocks of one message, at e.g. "messages[0].content". Raises BlockError."""
        parts: list[Part] = []
        for number, block in enumerate(blocks):
            place = f"{at}[{number}]"
            kind, raw = _only(block, place)
            if kind == "cachePoint":
                self._cache(parts, raw, f"{place}.cachePoint")
                continue
            try:
                parts.append(self._part(kind, raw, place))
            except msgspec.ValidationError as problem:
                raise BlockError(f"{place}.{kind}: {problem}") from problem
        return parts

    def _cache(self, parts: list[Part], raw: msgspec.Raw, place: str) -> None:
        marked = parts[-1] if parts else None
        if isinstance(marked, Text | Media | ToolCall | ToolResult):
            marked.cache = read_cache_point(raw, place)
        else:
            self.hints.append(place)

    def _part(self, kind: str, raw: msgspec.Raw, at: str) -> Part:
        match kind:
            case "text":
                return Text(string(raw))
            case "image" | "document" | "audio" | "video":
                return _media(kind, raw)
            case "toolUse":
                return _tool_use(raw)
            case "toolResult":
                return self._tool_result(raw, at)
            case "reasoningContent":
                return _thinking(raw)
            case "citationsContent":
                cited = _CITED.decode(raw)
                return Text(
                    "".join(block.text or "" for block in cited.content or ()),
                    citations=[read_citation(citation) for citation in cited.citations or ()],
                )
            case "guardContent":
                return self._guarded(raw, at)
            case _:
                return Native(Protocol.CONVERSE, kind, raw)

    def _guarded(self, raw: msgspec.Raw, at: str) -> Part:
        """The words stay where the guard cannot be kept."""
        guarded = _GUARDED.decode(raw)
        if guarded.text is None:
            return Native(Protocol.CONVERSE, "guardContent", raw)
        self.unknown.append(f"{at}.guardContent")
        return Text(guarded.text.text)

    def _tool_result(self, raw: msgspec.Raw, at: str) -> Part:
        wire = _TOOL_RESULT.decode(raw)
        if wire.type is not None:
            return Native(Protocol.CONVERSE, wire.type, raw)
        result = ToolResult(wire.toolUseId, [], is_error=wire.status == "error")
        for number, block in enumerate(wire.content):
            place = f"{at}.toolResult.content[{number}]"
            kind, inner = _only(block, place)
            match kind:
                case "json":
                    result.parts.append(Text(bytes(inner).decode()))
                case "text" | "image" | "document" | "video":
                    part = self._part(kind, inner, place)
                    assert isinstance(part, Text | Media | Native)
                    result.parts.append(part)
                case _:
                    result.parts.append(Native(Protocol.CONVERSE, kind, inner))
        return result


def read_cache_point(raw: msgspec.Raw, at: str) -> str:
    """The time to live. Raises BlockError."""
    try:
        return _CACHE_POINT.decode(raw).time_to_live()
    except msgspec.ValidationError as problem:
        raise BlockError(f"{at}: {problem}") from problem


def _only(block: dict[str, msgspec.Raw], at: str) -> tuple[str, msgspec.Raw]:
    """The one key of a union, and its value."""
    said = [(key, raw) for key, raw in block.items() if bytes(raw) != b"null"]
    if len(said) != 1:
        keys = ", ".join(key for key, _ in said) or "none"
        raise BlockError(f"{at}: expected one kind of content, found {keys}")
    return said[0]


def _media(kind: str, raw: msgspec.Raw) -> Part:
    wire = _MEDIA.decode(raw)
    source = wire.source
    mime_type = MEDIA[kind].get(wire.format, f"{kind}/{wire.format}" if wire.format else "")
    media = Media(
        kind,
        mime_type,
        name=wire.name or "",
        context=wire.context or "",
        citations=wire.citations is not None and wire.citations.enabled,
    )
    if source.text is not None:
        media.mime_type = mime_type or "text/plain"
        media.text = source.text
    elif source.content is not None and not media.citations:
        # Pieces matter to citations only: they are told by the number of the piece.
        media.mime_type = mime_type or "text/plain"
        media.text = "\n\n".join(block.text or "" for block in source.content)
    elif source.bytes is not None:
        text = _text(source.bytes) if mime_type in _TEXTUAL else None
        if text is None:
            media.data = source.bytes
        else:
            media.text = text
    else:
        place = ", ".join(FIELDS.decode(FIELDS.decode(raw)["source"])) or "empty"
        return Native(Protocol.CONVERSE, f"{kind}.source.{place}", raw)
    return media


def _text(data: str) -> str | None:
    try:
        return base64.b64decode(data, validate=True).decode()
    except ValueError:
        return None


def _tool_use(raw: msgspec.Raw) -> Part:
    wire = _TOOL_USE.decode(raw)
    if wire.type is not None:
        return Native(Protocol.CONVERSE, wire.type, raw)
    arguments = bytes(wire.input).decode()
    return ToolCall(wire.toolUseId, wire.name, "{}" if arguments in ("", "null") else arguments)


def _thinking(raw: msgspec.Raw) -> Part:
    wire = _REASONING.decode(raw)
    if wire.redactedContent is not None:
        return Thinking(signature=unwrapped(wire.redactedContent), redacted=True)
    if wire.reasoningText is None:
        kinds = ", ".join(FIELDS.decode(raw)) or "nothing"
        return Native(Protocol.CONVERSE, f"reasoningContent: {kinds}", raw)
    return Thinking(wire.reasoningText.text, signature=wire.reasoningText.signature or "")


def unwrapped(data: str) -> str:
    """A signature of ours that was sent as bytes, or the base64 as it is."""
    try:
        found = base64.b64decode(data, validate=True)
        return found.decode() if found.startswith(SEALED) else data
    except (binascii.Error, ValueError):
        return data
