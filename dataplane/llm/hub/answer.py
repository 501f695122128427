"""A whole answer, in the words of no protocol in particular."""

from dataclasses import dataclass
from enum import Enum

from dataplane.llm.hub.parts import Part
from dataplane.llm.hub.usage import Usage as Usage  # what answers tell


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


@dataclass(init=False)
class TokenLogprob:
    """One token and how likely it was."""

    token: str
    logprob: float
    bytes: list[int] | None
    top: list["TokenLogprob"]

    def __init__(
        self,
        token: str,
        logprob: float,
        bytes: list[int] | None = None,
        top: list["TokenLogprob"] | None = None,
    ) -> None:
        self.token = token
        self.logprob = logprob
        self.bytes = bytes
        self.top = [] if top is None else top


@dataclass(init=False)
class Choice:
    """One of the answers that were asked for (`n`)."""

    parts: list[Part]
    finish: Finish | None
    stop_sequence: str
    logprobs: list[TokenLogprob] | None

    def __init__(
        self,
        parts: list[Part],
        finish: Finish | None = Finish.STOP,
        stop_sequence: str = "",
        logprobs: list[TokenLogprob] | None = None,
    ) -> None:
        self.parts = parts
        self.finish = finish
        self.stop_sequence = stop_sequence
        self.logprobs = logprobs


@dataclass(init=False)
class Answer:
    """What a provider answered."""

    id: str
    model: str
    choices: list[Choice]
    usage: Usage | None
    created: int
    """Unix seconds; 0 when the provider does not say."""
    service_tier: str

    def __init__(
        self,
        id: str,
        model: str,
        choices: list[Choice],
        usage: Usage | None = None,
        created: int = 0,
        service_tier: str = "",
    ) -> None:
        self.id = id
        self.model = model
        self.choices = choices
        self.usage = usage
        self.created = created
        self.service_tier = service_tier


@dataclass(init=False)
class Failure:
    """An error that a provider tells, in a body or within a stream."""

    status: int
    message: str
    type: str
    """One of: invalid_request, authentication, permission, not_found, too_large, rate_limit,
    server, overloaded, timeout. Empty: by status."""
    code: str
    """The provider's own word, when it has one: "context_length_exceeded"."""
    param: str

    def __init__(
        self, status: int, message: str, type: str = "", code: str = "", param: str = ""
    ) -> None:
        self.status = status
        self.message = message
        self.type = type
        self.code = code
        self.param = param


@dataclass(init=False)
class Unreadable:
    """An answer that is not what its protocol says, and why: "it is not JSON"."""

    reason: str

    def __init__(self, reason: str) -> None:
        self.reason = reason


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
