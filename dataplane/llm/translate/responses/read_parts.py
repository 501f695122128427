"""The parts of a message's content, of requests and of answers.

Rule: a part that only this API knows is kept as it came; one that contradicts itself is refused
with its place.
"""

from typing import Final

import msgspec

from dataplane.llm.hub.answer import TokenLogprob
from dataplane.llm.hub.parts import Citation, Media, Native, Part, Refusal, Text
from dataplane.llm.translate.responses.content import (
    ANNOTATION,
    CONTENT,
    LOGPROBS,
    MEDIA,
    WORDS,
    Annotation,
    Breakpoint,
    Url,
)
from dataplane.llm.translate.responses.wire import Kind, is_null
from dataplane.runtime.protocols import Protocol


class ItemError(Exception):
    """An item that cannot be understood, and where: "input[2].content[0]: ..."."""


_KIND: Final = msgspec.json.Decoder(Kind)
TEXTS: Final = ("input_text", "output_text", "text", "summary_text", "reasoning_text")
"""Parts that are words, whoever says them."""


def read_content(content: msgspec.Raw, at: str) -> list[Part]:
    """The parts of a content, which is a text or a list of parts. Raises ItemError."""
    if is_null(content):
        return []
    try:
        wire = CONTENT.decode(content)
    except msgspec.MsgspecError as problem:
        raise ItemError(f"{at}: {problem}") from problem
    if not isinstance(wire, list):
        return [Text(wire)] if wire else []
    parts = []
    for number, raw in enumerate(wire):
        try:
            parts.append(read_part(raw))
        except (msgspec.MsgspecError, ItemError) as problem:
            raise ItemError(f"{at}[{number}]: {problem}") from problem
    return parts


def read_part(raw: msgspec.Raw) -> Part:
    """One part. Raises msgspec.MsgspecError or ItemError."""
    kind = _KIND.decode(raw).type or ""
    if kind in TEXTS:
        words = WORDS.decode(raw)
        return Text(
            words.text or "",
            [_citation(wire) for wire in words.annotations or ()],
            cache=_cache(words.prompt_cache_breakpoint),
        )
    match kind:
        case "refusal":
            return Refusal(WORDS.decode(raw).refusal or "")
        case "input_image" | "input_file" | "input_audio" | "input_video":
            return _media(kind.removeprefix("input_"), raw)
        case "":
            raise ItemError("a content part needs a `type`")
        case _:
            return Native(Protocol.RESPONSES, kind, raw)


def read_citation(raw: msgspec.Raw) -> Citation:
    """One annotation of a stream. Raises msgspec.MsgspecError."""
    return _citation(ANNOTATION.decode(raw))


def read_logprobs(raw: msgspec.Raw) -> list[TokenLogprob]:
    """Log probabilities of a text part or of a delta. Raises msgspec.MsgspecError."""
    return [] if is_null(raw) else [wire.told() for wire in LOGPROBS.decode(raw) or ()]


def _citation(wire: Annotation) -> Citation:
    return Citation(
        url=wire.url or "",
        title=wire.title or wire.filename or "",
        start=wire.start_index,
        end=wire.end_index,
        document=wire.index if wire.type == "file_citation" else None,
        file_id=wire.file_id or "",
    )


def _cache(marker: Breakpoint | None) -> str:
    if marker is None:
        return ""
    return "1h" if marker.ttl == "12h" else "5m"


def _media(kind: str, raw: msgspec.Raw) -> Media | Native:
    wire = MEDIA.decode(raw)
    media = Media("document" if kind == "file" else kind)
    media.name = wire.filename or ""
    media.detail = wire.detail or ""
    media.cache = _cache(wire.prompt_cache_breakpoint)
    url = wire.image_url or wire.video_url
    if isinstance(url, Url):
        # chat's form, which some frameworks send here
        media.detail = media.detail or url.detail or ""
        url = url.url
    if wire.input_audio is not None:
        media.mime_type = f"audio/{wire.input_audio.format or 'wav'}"
        media.data = wire.input_audio.data
    elif given := url or wire.file_data or wire.file_url:
        _fill(media, given, is_data=not url and bool(wire.file_data))
    elif wire.file_id:
        media.file_id = wire.file_id
    else:
        return Native(Protocol.RESPONSES, f"input_{kind}", raw)
    return media


def _fill(media: Media, given: str, *, is_data: bool) -> None:
    if given.startswith("data:"):
        head, _, media.data = given.partition(",")
        media.mime_type = head[len("data:") :].partition(";")[0]
    elif is_data:
        media.data = given
    else:
        media.url = given
    if media.kind == "document" and not media.mime_type and media.name.lower().endswith(".pdf"):
        media.mime_type = "application/pdf"
    if media.kind == "document" and media.url and not media.mime_type:
        path = media.url.partition("?")[0]
        media.mime_type = "application/pdf" if path.lower().endswith(".pdf") else ""
