"""A streamed answer as a sequence of deltas.

Rule: Begin first; every part of a choice begins, grows and ends before the choice's next one
begins; one Finished for each choice; then End, or Failed in its place. What breaks off has no End.

Words are JSON string literals, as the provider wrote them (literals.py).
"""

import msgspec

from dataplane.llm.hub.answer import Failure, Finish, TokenLogprob, Usage
from dataplane.llm.hub.literals import Literal
from dataplane.llm.hub.parts import Citation, Part, Text, Thinking


class Begin(msgspec.Struct):
    """The answer begins. `usage` is what the provider tells at once (Anthropic)."""

    id: str
    model: str
    created: int = 0
    usage: Usage | None = None
    service_tier: str = ""


class PartBegin(msgspec.Struct):
    """A part begins, with what is known at once: an empty Text, Thinking, Refusal or ToolCall, or a
    whole part that does not grow (Media, Native).
    """

    part: Part
    choice: int = 0


class TextDelta(msgspec.Struct, gc=False):
    """More words of the open Text, Refusal or Thinking."""

    text: Literal
    choice: int = 0
    logprobs: list[TokenLogprob] | None = None


class TextRun(msgspec.Struct, gc=False):
    """Exactly as many TextDeltas in a row: most of a stream that comes faster than it is read."""

    texts: list[Literal]
    """At least one, and none of them empty."""
    choice: int = 0


class ArgumentsDelta(msgspec.Struct, gc=False):
    """More of the open ToolCall's arguments."""

    text: Literal
    choice: int = 0


class SignatureDelta(msgspec.Struct, gc=False):
    """The signature of the open part (whole, or a piece to be joined)."""

    signature: str
    choice: int = 0


class CitationDelta(msgspec.Struct, gc=False):
    """One more citation of the open Text."""

    citation: Citation
    choice: int = 0


class PartEnd(msgspec.Struct, gc=False):
    """The open part is complete."""

    choice: int = 0


class Finished(msgspec.Struct, gc=False):
    """A choice is complete."""

    finish: Finish
    choice: int = 0
    stop_sequence: str = ""


class UsageDelta(msgspec.Struct, gc=False):
    """Tokens so far: replaces what was told before."""

    usage: Usage


class End(msgspec.Struct, gc=False):
    """The stream is whole."""


class Failed(msgspec.Struct, gc=False):
    """The provider says within the stream that it failed, or what it sends is no stream."""

    failure: Failure


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
