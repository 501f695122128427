"""What stands on the wire of Bedrock Converse, as far as it is read.

Rule: an object has one key that says what it is (a union); null is the same as absent.
"""

import msgspec

from dataplane.llm.hub.answer import Finish, Usage

ABSENT = msgspec.Raw(b"")
"""A raw field that was not sent."""

FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])

IMAGES = {"png": "image/png", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
DOCUMENTS = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "txt": "text/plain",
    "md": "text/markdown",
}
AUDIO = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "m4a": "audio/x-m4a",
    "mp4": "audio/mp4",
    "webm": "audio/webm",
    "mka": "audio/x-matroska",
    "mkv": "audio/x-matroska",
    "x-aac": "audio/aac",
    "mpeg": "audio/mpeg",
    "mpga": "audio/mpeg",
    "pcm": "audio/pcm",
}
VIDEOS = {
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "mkv": "video/x-matroska",
    "webm": "video/webm",
    "flv": "video/x-flv",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
    "wmv": "video/x-ms-wmv",
    "three_gp": "video/3gpp",
}
MEDIA = {"image": IMAGES, "document": DOCUMENTS, "audio": AUDIO, "video": VIDEOS}
"""Kind of media -> Bedrock's word for a format -> its MIME type."""


class Source(msgspec.Struct):
    """Where the bytes of an image, a document, ... are."""

    bytes: str | None = None
    """Base64."""
    text: str | None = None
    content: list["TextBlock"] | None = None


class TextBlock(msgspec.Struct, gc=False):
    """A piece of a document, of a citation's source, ..."""

    text: str | None = None


class Switch(msgspec.Struct, gc=False):
    """Something that can be on."""

    enabled: bool = False


class WireMedia(msgspec.Struct):
    """An image, a document, sound or a video."""

    source: Source
    format: str = ""
    name: str | None = None
    context: str | None = None
    citations: Switch | None = None


class WireToolUse(msgspec.Struct):
    """A call of a tool."""

    toolUseId: str
    name: str
    input: msgspec.Raw = ABSENT
    type: str | None = None


class WireToolResult(msgspec.Struct):
    """What a tool answered."""

    toolUseId: str
    content: list[dict[str, msgspec.Raw]]
    status: str | None = None
    type: str | None = None


class ReasoningText(msgspec.Struct, gc=False):
    """What the model thought."""

    text: str = ""
    signature: str | None = None


class WireReasoning(msgspec.Struct):
    """Thinking, to be read or not."""

    reasoningText: ReasoningText | None = None
    redactedContent: str | None = None
    """Base64."""


class CachePoint(msgspec.Struct, gc=False):
    """What comes before it should be cached."""

    ttl: str | None = None

    def time_to_live(self) -> str:
        """ "5m" when none was said."""
        return self.ttl or "5m"


class WireUsage(msgspec.Struct, gc=False):
    """Tokens. `inputTokens` counts neither what the cache gave nor what was put there."""

    inputTokens: int | None = None
    outputTokens: int | None = None
    cacheReadInputTokens: int | None = None
    cacheWriteInputTokens: int | None = None

    def counted(self) -> Usage:
        """The hub's form."""
        read = self.cacheReadInputTokens or 0
        written = self.cacheWriteInputTokens or 0
        return Usage(
            input=(self.inputTokens or 0) + read + written,
            output=self.outputTokens or 0,
            cache_read=read,
            cache_write=written,
        )


class WireTier(msgspec.Struct, gc=False):
    """Who is served first."""

    type: str = ""


FINISHES = {
    "end_turn": Finish.STOP,
    "tool_use": Finish.TOOL_CALLS,
    "max_tokens": Finish.LENGTH,
    "stop_sequence": Finish.STOP_SEQUENCE,
    "guardrail_intervened": Finish.CONTENT_FILTER,
    "content_filtered": Finish.CONTENT_FILTER,
    "malformed_model_output": Finish.ERROR,
    "malformed_tool_use": Finish.ERROR,
    "model_context_window_exceeded": Finish.CONTEXT_LENGTH,
}
"""By stopReason; reasons of the future count as STOP."""

REASONS = {
    Finish.STOP: "end_turn",
    Finish.TOOL_CALLS: "tool_use",
    Finish.LENGTH: "max_tokens",
    Finish.STOP_SEQUENCE: "stop_sequence",
    Finish.CONTENT_FILTER: "content_filtered",
    Finish.REFUSAL: "content_filtered",
    Finish.ERROR: "malformed_model_output",
    Finish.CONTEXT_LENGTH: "model_context_window_exceeded",
    # Only a server tool of Anthropic's pauses, and Converse cannot ask for one.
    Finish.PAUSE: "end_turn",
}


def stop_sequence(fields: msgspec.Raw) -> str:
    """The sequence that stopped the model, when `additionalModelResponseFields` tells it."""
    if not fields:
        return ""
    try:
        found = msgspec.json.decode(fields, type=_Extra)
    except (msgspec.MsgspecError, RecursionError):
        return ""
    return found.stop_sequence or (found.delta.stop_sequence if found.delta else None) or ""


class _Extra(msgspec.Struct):
    stop_sequence: str | None = None
    delta: "_Extra | None" = None


_STRING = msgspec.json.Decoder(str | None)


def told_tier(tier: WireTier | None) -> str:
    """The word for a service tier; empty when nothing is said."""
    return tier.type if tier is not None else ""


def string(raw: msgspec.Raw) -> str:
    """A string, or nothing. Raises msgspec.ValidationError."""
    return _STRING.decode(raw) or ""
