"""A provider's whole chat completion -> Answer."""

import msgspec

from dataplane.llm.hub.answer import Answer, Choice, Unreadable
from dataplane.llm.hub.parts import Citation, Media, Part, Refusal, Text
from dataplane.llm.translate.chat.errors import failure_of
from dataplane.llm.translate.chat.said import (
    ContentPart,
    Function,
    Image,
    WireCall,
    calls,
    thinking,
)
from dataplane.llm.translate.chat.wire import (
    ABSENT,
    Annotation,
    ReasoningDetail,
    WireLogprobs,
    WireUsage,
    finish_of,
)


class _Audio(msgspec.Struct, gc=False):
    data: str | None = None
    transcript: str | None = None


class _Message(msgspec.Struct):
    content: str | list[ContentPart] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[ReasoningDetail] | None = None
    tool_calls: list[WireCall] | None = None
    function_call: Function | None = None
    annotations: list[Annotation] | None = None
    audio: _Audio | None = None
    images: list[Image] | None = None


class _Choice(msgspec.Struct):
    index: int | None = None
    message: _Message | None = None
    finish_reason: str | None = None
    stop_reason: str | int | None = None
    """vLLM: which stop sequence it was."""
    logprobs: WireLogprobs | None = None


class _Answer(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    created: float | None = None
    choices: list[_Choice] | None = None
    usage: WireUsage | None = None
    service_tier: str | None = None
    citations: list[str] | None = None
    """Perplexity, xAI: addresses."""
    error: msgspec.Raw = ABSENT


_ANSWER = msgspec.json.Decoder(_Answer)


def read_answer(body: bytes) -> Answer | Unreadable:
    """The body of a 2xx answer. An error in it is no answer."""
    try:
        wire = _ANSWER.decode(body)
        if wire.error and bytes(wire.error) != b"null":
            told = failure_of({"error": msgspec.json.decode(wire.error)})
            return Unreadable(f"it carries an error: {told.message}")
        if not wire.choices:
            return Unreadable("it has no choices")
        answer_id = wire.id or ""
        return Answer(
            answer_id,
            wire.model or "",
            [_choice(choice, answer_id, wire.citations or []) for choice in wire.choices],
            wire.usage.counted() if wire.usage is not None else None,
            int(wire.created or 0),
            wire.service_tier or "",
        )
    except msgspec.ValidationError as problem:
        return Unreadable(f"it is not a chat completion: {problem}")
    except (ValueError, RecursionError, OverflowError):
        return Unreadable("it is not JSON")


def _choice(wire: _Choice, answer_id: str, addresses: list[str]) -> Choice:
    message = wire.message or _Message()
    called = calls(message.tool_calls, answer_id) if message.tool_calls else []
    if message.function_call is not None:
        called += calls([WireCall(function=message.function_call)], answer_id)
    parts: list[Part] = []
    thought = message.reasoning_content or message.reasoning or ""
    if thought or message.reasoning_details:
        parts += thinking(thought, message.reasoning_details or [])
    parts += _content(message, addresses)
    if message.refusal:
        parts.append(Refusal(message.refusal))
    parts += called
    finish = finish_of(wire.finish_reason, called=bool(called), refused=bool(message.refusal))
    choice = Choice(parts, finish, logprobs=wire.logprobs.read() if wire.logprobs else None)
    if wire.finish_reason == "stop" and isinstance(wire.stop_reason, str):
        choice.stop_sequence = wire.stop_reason
    return choice


def _content(message: _Message, addresses: list[str]) -> list[Part]:
    content = message.content
    if type(content) is str and content and not (message.audio or message.images):
        cited = [one.read() for one in message.annotations or ()]
        known = [one for one in cited if one is not None] or [Citation(url) for url in addresses]
        return [Text(content, known)]  # as nearly all are
    parts: list[Part] = []
    if isinstance(message.content, list):
        parts += [part for one in message.content if (part := one.read()) is not None]
    elif message.content:
        parts.append(Text(message.content))
    audio = message.audio
    if audio is not None and audio.transcript and not parts:
        parts.append(Text(audio.transcript))
    text = next((part for part in parts if isinstance(part, Text)), None)
    if text is not None:
        cited = [one.read() for one in message.annotations or ()]
        text.citations = [one for one in cited if one is not None] or [
            Citation(url) for url in addresses
        ]
    if audio is not None and audio.data:
        parts.append(Media("audio", data=audio.data))
    parts += [made for one in message.images or () if (made := one.read()) is not None]
    return parts
