"""What stands on the wire of Anthropic Messages, as far as it is read.

Rule: what providers add of late is ignored, and null is the same as absent.
"""

import msgspec

from dataplane.llm.hub.answer import Finish, Usage

ABSENT = msgspec.Raw(b"")
"""A raw field that was not sent."""


class CacheControl(msgspec.Struct, gc=False):
    """A cache marker."""

    ttl: str | None = None

    def time_to_live(self) -> str:
        """ "5m" when none was said."""
        return self.ttl or "5m"


_REDACTED = "redacted."


def marked(signature: str, redacted: bool) -> str:
    """A signature that tells of itself whether it is the data of redacted thinking. Other protocols
    have one word for that and for thinking whose text is not shown; the API refuses to mix them up.
    """
    return _REDACTED + signature if redacted else signature


def unmarked(signature: str) -> tuple[str, bool]:
    """The signature, and whether it is the data of redacted thinking."""
    return signature.removeprefix(_REDACTED), signature.startswith(_REDACTED)


class Kind(msgspec.Struct, gc=False):
    """The type of a block, citation, tool or source."""

    type: str = ""


class WireUsage(msgspec.Struct):
    """Tokens. `input_tokens` counts neither what the cache gave nor what was put there."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens_details: "OutputDetails | None" = None
    service_tier: str | None = None

    def update(self, later: "WireUsage") -> None:
        """Take over what `later` says; a stream tells its usage in two parts."""
        # (one by one: asked for by their names, they cost five times as much)
        if later.input_tokens is not None:
            self.input_tokens = later.input_tokens
        if later.output_tokens is not None:
            self.output_tokens = later.output_tokens
        if later.cache_creation_input_tokens is not None:
            self.cache_creation_input_tokens = later.cache_creation_input_tokens
        if later.cache_read_input_tokens is not None:
            self.cache_read_input_tokens = later.cache_read_input_tokens
        if later.output_tokens_details is not None:
            self.output_tokens_details = later.output_tokens_details
        if later.service_tier is not None:
            self.service_tier = later.service_tier

    def counted(self) -> Usage:
        """The hub's form: totals, and what parts of them were."""
        read = self.cache_read_input_tokens or 0
        written = self.cache_creation_input_tokens or 0
        details = self.output_tokens_details
        return Usage(
            input=(self.input_tokens or 0) + read + written,
            output=self.output_tokens or 0,
            cache_read=read,
            cache_write=written,
            reasoning=(details.thinking_tokens or 0) if details is not None else 0,
        )


class OutputDetails(msgspec.Struct, gc=False):
    """What the output was."""

    thinking_tokens: int | None = None


FINISHES = {
    "end_turn": Finish.STOP,
    "max_tokens": Finish.LENGTH,
    "stop_sequence": Finish.STOP_SEQUENCE,
    "tool_use": Finish.TOOL_CALLS,
    "pause_turn": Finish.PAUSE,
    "refusal": Finish.REFUSAL,
    "model_context_window_exceeded": Finish.CONTEXT_LENGTH,
}
"""By stop_reason; reasons of the future count as STOP."""


class Message(msgspec.Struct):
    """A whole answer."""

    id: str = ""
    model: str = ""
    content: msgspec.Raw = ABSENT
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: WireUsage | None = None


MESSAGE = msgspec.json.Decoder(Message)

REASONS = {finish: reason for reason, finish in FINISHES.items()} | {
    Finish.CONTENT_FILTER: "refusal",
    # The API has no word for a generation that failed; a client must not take it for an answer.
    Finish.ERROR: "refusal",
}
