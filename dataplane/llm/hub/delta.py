"""A streamed answer as a sequence of deltas.

Rule: Begin first; every part of a choice begins, grows and ends before the choice's next one
begins; one Finished for each choice; then End, or Failed in its place. What breaks off has no End.

Words are JSON string literals, as the provider wrote them (literals.py).
"""

from dataclasses import dataclass

from dataplane.llm.hub.answer import Failure, Finish, TokenLogprob, Usage
from dataplane.llm.hub.literals import Literal
from dataplane.llm.hub.parts import Citation, Part, Text, Thinking


@dataclass(init=False)
class Begin:
    """The answer begins. `usage` is what the provider tells at once (Anthropic)."""

    id: str
    model: str
    created: int
    usage: Usage | None
    service_tier: str

    def __init__(
        self,
        id: str,
        model: str,
        created: int = 0,
        usage: Usage | None = None,
        service_tier: str = "",
    ) -> None:
        self.id = id
        self.model = model
        self.created = created
        self.usage = usage
        self.service_tier = service_tier


@dataclass(init=False)
class PartBegin:
    """A part begins, with what is known at once: an empty Text, Thinking, Refusal or ToolCall, or a
    whole part that does not grow (Media, Native).
    """

    part: Part
    choice: int

    def __init__(self, part: Part, choice: int = 0) -> None:
        self.part = part
        self.choice = choice


@dataclass(init=False)
class TextDelta:
    """More words of the open Text, Refusal or Thinking."""

    text: Literal
    choice: int
    logprobs: list[TokenLogprob] | None

    def __init__(
        self, text: Literal, choice: int = 0, logprobs: list[TokenLogprob] | None = None
    ) -> None:
        self.text = text
        self.choice = choice
        self.logprobs = logprobs


@dataclass(init=False)
class TextRun:
    """Exactly as many TextDeltas in a row: most of a stream that comes faster than it is read."""

    texts: list[Literal]
    """At least one, and none of them empty."""
    choice: int

    def __init__(self, texts: list[Literal], choice: int = 0) -> None:
        self.texts = texts
        self.choice = choice


@dataclass(init=False)
class ArgumentsDelta:
    """More of the open ToolCall's arguments."""

    text: Literal
    choice: int

    def __init__(self, text: Literal, choice: int = 0) -> None:
        self.text = text
        self.choice = choice


@dataclass(init=False)
class SignatureDelta:
    """The signature of the open part (whole, or a piece to be joined)."""

    signature: str
    choice: int

    def __init__(self, signature: str, choice: int = 0) -> None:
        self.signature = signature
        self.choice = choice


@dataclass(init=False)
class CitationDelta:
    """One more citation of the open Text."""

    citation: Citation
    choice: int

    def __init__(self, citation: Citation, choice: int = 0) -> None:
        self.citation = citation
        self.choice = choice


@dataclass(init=False)
class PartEnd:
    """The open part is complete."""

    choice: int

    def __init__(self, choice: int = 0) -> None:
        self.choice = choice


@dataclass(init=False)
class Finished:
    """A choice is complete."""

    finish: Finish
    choice: int
    stop_sequence: str

    def __init__(self, finish: Finish, choice: int = 0, stop_sequence: str = "") -> None:
        self.finish = finish
        self.choice = choice
        self.stop_sequence = stop_sequence


@dataclass(init=False)
class UsageDelta:
    """Tokens so far: replaces what was told before."""

    usage: Usage

    def __init__(self, usage: Usage) -> None:
        self.usage = usage


@dataclass(init=False)
class End:
    """The stream is whole."""


@dataclass(init=False)
class Failed:
    """The provider says within the stream that it failed, or what it sends is no stream."""

    failure: Failure

    def __init__(self, failure: Failure) -> None:
        self.failure = failure


def broken(problem: str) -> Failed:
    """What a provider sends is no stream of its protocol."""
    return Failed(Failure(502, f"The model's stream broke: {problem}.", "server"))


Delta = (
    Begin
    | PartBegin
    | TextDelta
    | TextRun
    | ArgumentsDelta
    | SignatureDelta
    | CitationDelta
    | PartEnd
    | Finished
    | UsageDelta
    | End
    | Failed
)

_WORDS = (Text, Thinking)


def says_nothing(deltas: list[Delta]) -> bool:
    """Whether a client has lost nothing when it never hears of these."""
    for delta in deltas:  # (all() of a generator costs three times as much)
        if (
            type(delta) is not Begin
            and type(delta) is not UsageDelta
            # its words are yet to come
            and not (type(delta) is PartBegin and type(delta.part) in _WORDS)
        ):
            return False
    return True
