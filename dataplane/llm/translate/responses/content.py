"""Parts of a message's content, as far as they are read."""

import msgspec

from dataplane.llm.hub.answer import TokenLogprob


class Breakpoint(msgspec.Struct, gc=False):
    ttl: str | None = None


class Annotation(msgspec.Struct):
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
    annotations: list[Annotation] | None = None
    prompt_cache_breakpoint: Breakpoint | None = None


class Url(msgspec.Struct, gc=False):
    url: str = ""
    detail: str | None = None


class _Audio(msgspec.Struct, gc=False):
    data: str = ""
    format: str = ""


class _Media(msgspec.Struct):
    image_url: str | Url | None = None
    video_url: str | Url | None = None
    detail: str | None = None
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    input_audio: _Audio | None = None
    prompt_cache_breakpoint: Breakpoint | None = None


CONTENT = msgspec.json.Decoder(str | list[msgspec.Raw] | None)
WORDS = msgspec.json.Decoder(_Words)
MEDIA = msgspec.json.Decoder(_Media)
ANNOTATION = msgspec.json.Decoder(Annotation)
LOGPROBS = msgspec.json.Decoder(list[_Logprob] | None)
