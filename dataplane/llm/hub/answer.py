"""A whole answer, in the words of no protocol in particular."""

from enum import Enum

import msgspec

from dataplane.llm.hub.parts import Part


class Finish(Enum):
    """Why the model stopped."""

    __hash__ = object.__hash__  # Enum's own is written in Python

    STOP = "stop"
    STOP_SEQUENCE = "stop_sequence"
    LENGTH = "length"
    """max_output_tokens are used up."""
    TOOL_CALLS = "tool_calls"
    REFUSAL = "refusal"
    """The model declined."""
    CONTENT_FILTER = "content_filter"
    """The provider withheld (a part of) the answer."""
    PAUSE = "pause"
    """Anthropic's pause_turn: send the answer back to let it go on."""
    CONTEXT_LENGTH = "context_length"
    """The model's context is full."""
    ERROR = "error"
    """The provider says that generating failed (Gemini's MALFORMED_FUNCTION_CALL, ...)."""


class Usage(msgspec.Struct, gc=False):
    """Tokens. `input` and `output` are totals; the others are parts of them."""

    input: int = 0
    """All of the prompt, cached or not (Anthropic's input_tokens does not count cached ones)."""
    output: int = 0
    """All that was generated, thinking included (Gemini counts thoughts apart)."""
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    input_audio: int = 0
    output_audio: int = 0


class TokenLogprob(msgspec.Struct):
    """One token and how likely it was."""

    token: str
    logprob: float
    bytes: list[int] | None = None
    top: list["TokenLogprob"] = []


class Choice(msgspec.Struct):
    """One of the answers that were asked for (`n`)."""

    parts: list[Part]
    finish: Finish | None = Finish.STOP
    stop_sequence: str = ""
    logprobs: list[TokenLogprob] | None = None


class Answer(msgspec.Struct):
    """What a provider answered."""

    id: str
    model: str
    choices: list[Choice]
    usage: Usage | None = None
    created: int = 0
    """Unix seconds; 0 when the provider does not say."""
    service_tier: str = ""


class Failure(msgspec.Struct, gc=False):
    """An error that a provider tells, in a body or within a stream."""

    status: int
    message: str
    type: str = ""
    """One of: invalid_request, authentication, permission, not_found, too_large, rate_limit,
    server, overloaded, timeout. Empty: by status."""
    code: str = ""
    """The provider's own word, when it has one: "context_length_exceeded"."""
    param: str = ""


class Unreadable(msgspec.Struct, gc=False):
    """An answer that is not what its protocol says, and why: "it is not JSON"."""

    reason: str


_KINDS = {
    401: "authentication",
    403: "permission",
    404: "not_found",
    408: "timeout",
    413: "too_large",
    429: "rate_limit",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}


def failure_kind(failure: Failure) -> str:
    """The type of a failure: as told, else by status."""
    if failure.type:
        return failure.type
    return _KINDS.get(failure.status) or ("invalid_request" if failure.status < 500 else "server")
