"""The parts of a message's content, of requests and of answers.

Rule: a part that only this API knows is kept as it came; one that contradicts itself is refused
with its place.
"""

import msgspec

from dataplane.llm.hub.answer import TokenLogprob
from dataplane.llm.hub.parts import Citation, Media, Native, Part, Refusal, Text
from dataplane.llm.translate.responses.wire import Kind, is_null
from dataplane.runtime.protocols import Protocol


class ItemError(Exception):
    """An item that cannot be understood, and where: "input[2].content[0]: ..."."""


class _Breakpoint(msgspec.Struct, gc=False):
    ttl: str | None = None


class _Annotation(msgspec.Struct):
    type: str = ""
    url: str | None = None
    title: str | None = None
    file_id: str | None = None
    filename: str | None = None
    index: int | None = None
    start_index: int | None = None
    end_index: int | None = None


class _Logprob(msgspec.Struct):
    token: str = ""
    logprob: float = 0.0
    bytes: list[int] | None = None
    top_logprobs: list["_Logprob"] | None = None

    def told(self) -> TokenLogprob:
        top = [other.told() for other in self.top_logprobs or ()]
        return TokenLogprob(self.token, self.logprob, self.bytes, top)


class _Words(msgspec.Struct):
    text: str | None = None
    refusal: str | None = None
    annotations: list[_Annotation] | None = None
    prompt_cache_breakpoint: _Breakpoint | None = None


class _Url(msgspec.Struct, gc=False):
    url: str = ""
    detail: str | None = None


class _Audio(msgspec.Struct, gc=False):
    data: str = ""
    format: str = ""


class _Media(msgspec.Struct):
    image_url: str | _Url | None = None
    video_url: str | _Url | None = None
    detail: str | None = None
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    input_audio: _Audio | None = None
    prompt_cache_breakpoint: _Breakpoint | None = None


_KIND = msgspec.json.Decoder(Kind)
_CONTENT = msgspec.json.Decoder(str | list[msgspec.Raw] | None)
_WORDS = msgspec.json.Decoder(_Words)
_MEDIA = msgspec.json.Decoder(_Media)
_ANNOTATION = msgspec.json.Decoder(_Annotation)
_LOGPROBS = msgspec.json.Decoder(list[_Logprob] | None)
TEXTS = ("input_text", "output_text", "text", "summary_text", "reasoning_text")
"""Parts that are words, whoever says them."""


def read_content(content: msgspec.Raw, at: str) -> list[Part]:
    """The parts of a content, which is a text or a list of parts. Raises ItemError."""
    if is_null(content):
        return []
    try:
        wire = _CONTENT.decode(content)
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
        words = _WORDS.decode(raw)
        return Text(
            words.text or "",
            [_citation(wire) for wire in words.annotations or ()],
            cache=_cache(words.prompt_cache_breakpoint),
        )
    match kind:
        case "refusal":
            return Refusal(_WORDS.decode(raw).refusal or "")
        case "input_image" | "input_file" | "input_audio" | "input_video":
            return _media(kind.removeprefix("input_"), raw)
        case "":
            raise ItemError("a content part needs a `type`")
        case _:
            return Native(Protocol.RESPONSES, kind, raw)


def read_citation(raw: msgspec.Raw) -> Citation:
    """One annotation of a stream. Raises msgspec.MsgspecError."""
    return _citation(_ANNOTATION.decode(raw))


def read_logprobs(raw: msgspec.Raw) -> list[TokenLogprob]:
    """Log probabilities of a text part or of a delta. Raises msgspec.MsgspecError."""
    return [] if is_null(raw) else [wire.told() for wire in _LOGPROBS.decode(raw) or ()]


def _citation(wire: _Annotation) -> Citation:
    return Citation(
        url=wire.url or "",
        title=wire.title or wire.filename or "",
        start=wire.start_index,
        end=wire.end_index,
        document=wire.index if wire.type == "file_citation" else None,
        file_id=wire.file_id or "",
    )


def _cache(marker: _Breakpoint | None) -> str:
    if marker is None:
        return ""
    return "1h" if marker.ttl == "12h" else "5m"


def _media(kind: str, raw: msgspec.Raw) -> Media | Native:
    wire = _MEDIA.decode(raw)
    media = Media("document" if kind == "file" else kind)
    media.name = wire.filename or ""
    media.detail = wire.detail or ""
    media.cache = _cache(wire.prompt_cache_breakpoint)
    url = wire.image_url or wire.video_url
    if isinstance(url, _Url):
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
