"""What a target protocol cannot say.

Rule: nothing is lost in silence. A loss that changes what is asked is refused with a 400 that names
the field, or dropped when the operator says so; a mere hint (cache markers, labels, whom to blame)
is always dropped. What was dropped is named in the header `x-outrider-dropped`.
"""

from typing import Final

from dataplane.llm.hub.request import Request
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.protocols import Protocol

SHOWN: Final = 8
"""How many fields an error names."""

NAMES: Final = {
    Protocol.CHAT: "OpenAI chat completions",
    Protocol.RESPONSES: "OpenAI Responses",
    Protocol.MESSAGES: "Anthropic Messages",
    Protocol.GEMINI: "Gemini generateContent",
    Protocol.CONVERSE: "Bedrock Converse",
}


class Losses:
    """Collects what a writer could not say; made for one request."""

    __slots__ = ("hints", "refused", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.refused: list[str] = []
        self.hints: list[str] = []

    def refuse(self, name: str) -> None:
        """A field of Request, or a place in the client's words ("messages[3]: audio"), that matters
        and cannot be expressed.
        """
        self._note(self.refused, name)

    def hint(self, name: str) -> None:
        """The same for what only advises."""
        self._note(self.hints, name)

    def only_one_text(self) -> None:
        """For targets that give one answer, in words."""
        if self.request.n is not None and self.request.n != 1:
            self.refuse("n")
        if any(kind.lower() != "text" for kind in self.request.modalities):
            self.refuse("modalities")

    def _note(self, where: list[str], name: str) -> None:
        said = self.request.said.get(name, name)
        if said not in where:
            where.append(said)

    def dropped(self) -> tuple[str, ...]:
        """Everything that does not reach the provider."""
        return (*self.refused, *self.hints)

    def refusal(self, target: Protocol) -> LocalReply | None:
        """The 400, when anything was refused."""
        if not self.refused:
            return None
        more = len(self.refused) - SHOWN
        names = ", ".join(f"`{name}`" for name in self.refused[:SHOWN])
        tail = f" and {more} more" if more > 0 else ""
        return LocalReply(
            400,
            f"The model's provider speaks {NAMES[target]}, which cannot express: {names}{tail}.",
            ResponseDetail.UNTRANSLATABLE,
        )
