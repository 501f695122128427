"""What a relay has read of a request."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataplane.llm.wire.peeked import Survey


class Peek:
    """What a request says about itself, and the bytes to say it with."""

    __slots__ = ("body", "end", "inline", "model", "start", "stream", "survey")

    def __init__(
        self,
        body: bytes,
        model: str | None,
        stream: bool,
        start: int = -1,
        end: int = -1,
        inline: bool = False,
        survey: "Survey | None" = None,
    ) -> None:
        self.body = body
        self.model = model
        self.stream = stream
        self.start = start
        """Where the value of `model` begins in `body`; -1 when it must be searched."""
        self.end = end
        self.inline = inline
        """Whether it brings routing preferences along, which are not for the provider."""
        self.survey = survey
        """What else it says, where that was asked for."""
