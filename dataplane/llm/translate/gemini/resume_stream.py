"""Somebody else goes on with a stream that a provider has begun."""

from dataplane.llm.hub.delta import Delta
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.gemini.write_stream import GeminiStreamWriter


class ResumedWriter(GeminiStreamWriter):
    """A writer whose client has everything that it was told."""

    def __init__(self, echo: Echo, told: list[Delta]) -> None:
        super().__init__(echo)
        self.feed(told)
        self._plain = self._held = None  # what it keeps back for the last chunk, the client has


def resume_stream(echo: Echo, told: list[Delta], delivered: bytes) -> ResumedWriter:
    """See codec.ResumeStream."""
    return ResumedWriter(echo, told)
