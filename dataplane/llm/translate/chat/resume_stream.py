"""Somebody else goes on with a stream of chunks that a provider has begun."""

from dataplane.llm.hub.delta import Delta
from dataplane.llm.hub.parts import Thinking
from dataplane.llm.translate.chat.write_stream import StreamWriter
from dataplane.llm.translate.codec import Echo


class ResumedWriter(StreamWriter):
    """A writer whose client has everything that it was told. Every chunk has the id, so nothing
    else is taken over.
    """

    def __init__(self, echo: Echo, told: list[Delta]) -> None:
        super().__init__(echo)
        self.feed(told)
        for choice in self._choices.values():
            # what is told when a part ends, and the client has of it
            choice.citations = []
            choice.signature = ""
            if isinstance(choice.part, Thinking):
                choice.words = []


def resume_stream(echo: Echo, told: list[Delta], delivered: bytes) -> ResumedWriter:
    """See codec.ResumeStream."""
    return ResumedWriter(echo, told)
