"""Tokens used, read from an answer on its way without touching it.

A whole JSON answer is decoded for its usage alone; of a stream the last TAIL_BYTES are searched,
because providers tell usage in one of the last events, and of Anthropic's the first ones too. The
names of all APIs are known to one struct, as no two of them contradict. `stream_options` is never
altered: who asks for no usage gets none.
"""

import re
import zlib

import msgspec

from dataplane.llm.hub.answer import Usage

TAIL_BYTES = 2048  # a usage event of OpenAI with all details is 700 bytes, the [DONE] after it 14
MAX_JSON_BYTES = 64 * 1024
"""Larger JSON answers are searched at their end as streams are."""


class _Parts(msgspec.Struct, gc=False):
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class _Wire(msgspec.Struct, gc=False):
    """Usage as OpenAI, Anthropic and Amazon write it."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Parts | None = None
    completion_tokens_details: _Parts | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _Parts | None = None
    output_tokens_details: _Parts | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    inputTokens: int | None = None
    outputTokens: int | None = None
    cacheReadInputTokens: int | None = None
    cacheWriteInputTokens: int | None = None

    def usage(self) -> Usage:
        """In our own words; Anthropic and Amazon count what is cached apart from the rest."""
        if self.prompt_tokens is not None and self.prompt_tokens_details is None:
            return Usage(self.prompt_tokens, self.completion_tokens or 0)
        cached = self.cache_read_input_tokens or self.cacheReadInputTokens or 0
        apart = cached + (self.cache_creation_input_tokens or self.cacheWriteInputTokens or 0)
        within = self.prompt_tokens_details or self.input_tokens_details
        thought = self.completion_tokens_details or self.output_tokens_details
        return Usage(
            (self.prompt_tokens or self.input_tokens or self.inputTokens or 0) + apart,
            self.completion_tokens or self.output_tokens or self.outputTokens or 0,
            (within.cached_tokens or 0) if within is not None else cached,
            reasoning=(thought.reasoning_tokens or 0) if thought is not None else 0,
        )


class _ChatUsage(msgspec.Struct, gc=False):
    """Usage in an answer of chat completions: by far the most common."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Parts | None = None
    completion_tokens_details: _Parts | None = None


class _ChatAnswer(msgspec.Struct, gc=False):
    usage: _ChatUsage | None = None


class _Google(msgspec.Struct, gc=False):
    """Usage as Google writes it."""

    promptTokenCount: int | None = None
    toolUsePromptTokenCount: int | None = None
    candidatesTokenCount: int | None = None
    thoughtsTokenCount: int | None = None
    cachedContentTokenCount: int | None = None

    def usage(self) -> Usage:
        """In our own words; Google counts thoughts apart from the rest."""
        thoughts = self.thoughtsTokenCount or 0
        return Usage(
            (self.promptTokenCount or 0) + (self.toolUsePromptTokenCount or 0),
            (self.candidatesTokenCount or 0) + thoughts,
            self.cachedContentTokenCount or 0,
            reasoning=thoughts,
        )


class _WireAnswer(msgspec.Struct, gc=False):
    usage: _Wire | None = None
    usageMetadata: _Google | None = None


_ANSWER = msgspec.json.Decoder(_WireAnswer)
_CHAT = msgspec.json.Decoder(_ChatAnswer)
_USAGE = msgspec.json.Decoder(_Wire)
_GOOGLE = msgspec.json.Decoder(_Google)
_GZIP = zlib.MAX_WBITS | 16
_OBJECT = re.compile(
    rb'"usage(Metadata)?"\s*:\s*'
    rb"(\{[^{}]*(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}[^{}]*)*\})"
)
"""With objects in it down to the second level: nobody goes deeper."""


def usage_of_json(body: bytes) -> Usage | None:
    """Usage of a whole JSON answer; None when it tells none or is not JSON."""
    if len(body) > MAX_JSON_BYTES:
        return usage_in_tail(body[-TAIL_BYTES:])
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    told = answer.usage or answer.usageMetadata
    return told.usage() if told is not None else None


def usage_of_chat(body: bytes) -> Usage | None:
    """As `usage_of_json`, of a chat completion: 1 us less."""
    if len(body) > MAX_JSON_BYTES:
        return usage_in_tail(body[-TAIL_BYTES:])
    try:
        told = _CHAT.decode(body).usage
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    if told is None:
        return None
    cached, thought = told.prompt_tokens_details, told.completion_tokens_details
    return Usage(
        told.prompt_tokens,
        told.completion_tokens,
        (cached.cached_tokens or 0) if cached is not None else 0,
        0,
        (thought.reasoning_tokens or 0) if thought is not None else 0,
    )


def usage_of_gzip(body: bytes) -> Usage | None:
    """Usage of a whole JSON answer in gzip, as providers send it to clients that take it."""
    if len(body) > MAX_JSON_BYTES:
        return None
    try:
        plain = zlib.decompressobj(_GZIP).decompress(body, MAX_JSON_BYTES)
    except zlib.error:
        return None
    return usage_of_json(plain)


def usage_in_tail(tail: bytes) -> Usage | None:
    """Usage in the last bytes of an answer; None when it is not there."""
    found = _told(tail, tail.rfind(b'"usage'))
    return found.usage() if found is not None else None


def usage_of_stream(head: bytes, tail: bytes) -> Usage | None:
    """Usage that is told in parts, at the start of a stream and at its end, which counts more."""
    first = _told(head, head.find(b'"usage'))
    last = _told(tail, tail.rfind(b'"usage'))
    if not isinstance(first, _Wire) or not isinstance(last, _Wire):
        told = last or first
        return told.usage() if told is not None else None
    for name in _Wire.__struct_fields__:
        if getattr(last, name) is None:
            setattr(last, name, getattr(first, name))
    return last.usage()


def _told(text: bytes, at: int) -> _Wire | _Google | None:
    """The usage that begins at a place."""
    found = _OBJECT.match(text, at) if at >= 0 else None
    if found is None:
        return None
    try:
        return (_USAGE if found[1] is None else _GOOGLE).decode(found[2])
    except (msgspec.MsgspecError, UnicodeError):
        return None
