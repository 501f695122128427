"""The chunks of a streamed chat completion, as far as they are read."""

import msgspec

from dataplane.llm.translate.chat.said import Function, Image, WireCall
from dataplane.llm.translate.chat.wire import (
    ABSENT,
    Annotation,
    ReasoningDetail,
    WireLogprobs,
    WireUsage,
)


class WireDelta(msgspec.Struct, gc=False):
    """What an assistant said more."""

    content: msgspec.Raw = ABSENT
    tool_calls: list[WireCall] | None = None
    reasoning_content: msgspec.Raw = ABSENT
    reasoning: msgspec.Raw = ABSENT
    reasoning_details: list[ReasoningDetail] | None = None
    refusal: msgspec.Raw = ABSENT
    function_call: Function | None = None
    annotations: list[Annotation] | None = None
    images: list[Image] | None = None


class WireChoice(msgspec.Struct, gc=False):
    index: int = 0
    delta: WireDelta | None = None
    message: WireDelta | None = None
    """Some servers send the whole message as the last (or the only) chunk."""
    finish_reason: str | None = None
    stop_reason: str | int | None = None
    logprobs: WireLogprobs | None = None


class Chunk(msgspec.Struct, gc=False):
    choices: list[WireChoice] | None = None
    usage: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT
    id: str | None = None
    model: str | None = None
    created: float | None = None
    service_tier: str | None = None


CHUNK = msgspec.json.Decoder(Chunk)
USAGE = msgspec.json.Decoder(WireUsage)
