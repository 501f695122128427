"""Output filters on a chat answer that is told in A2A: they see it in chat, before it is events."""

from typing import TYPE_CHECKING

from dataplane.filters.api import Head, asks
from dataplane.llm.framing import Framing
from dataplane.runtime.messages import LocalReply

if TYPE_CHECKING:
    from dataplane.filters.api import Cut, Maybe
    from dataplane.filters.out import Out
    from dataplane.runtime.messages import Headers
    from dataplane.server.sieve import Sieve

_DONE = b"data: [DONE]\n\n"


class Sifting:
    """One answer on its way through the filters."""

    def __init__(self, sieve: "Sieve") -> None:
        self._sieve = sieve
        self.ending: LocalReply | None = None
        """Why a filter has the answer refused."""
        self.over = False
        """Whether a filter has ended it."""

    async def head(self, status: int, headers: "Headers") -> None:
        """Status and headers."""
        self._take(await self._run(self._sieve.flow.head(Head(status, headers))))

    async def data(self, data: bytes) -> bytes:
        """What the filters let through of a read."""
        if self.over or not data:
            return b""
        return self._take(await self._run(self._sieve.flow.data(data)))

    async def end(self, *, complete: bool) -> bytes:
        """The rest."""
        if self.over:
            return b""
        return self._take(await self._run(self._sieve.flow.end(complete)))

    def _take(self, out: "Out") -> bytes:
        if out.ending is None:
            return out.data
        self.over = True
        ending: Cut | LocalReply = out.ending
        if isinstance(ending, LocalReply):
            self.ending = ending
            return out.data
        is_stream = self._sieve.flow.form.framing is Framing.SSE
        return out.data + (_DONE if is_stream else b"")

    async def _run(self, made: "Maybe[Out]") -> "Out":
        if not asks(made):
            return made
        steps = made
        try:
            effect = next(steps)
        except StopIteration as end:
            out: Out = end.value
            return out
        return await self._sieve.perform(steps, effect)
