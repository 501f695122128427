"""What an agent has answered, in chat whatever it speaks."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from dataplane.agents.wire import Wording
from dataplane.runtime.config import Cluster
from dataplane.runtime.messages import Headers, Request, ResponseDetail
from dataplane.upstream.asked import Asked
from dataplane.upstream.client import Answer, UpstreamClient
from dataplane.upstream.errors import Phase, UpstreamError, UpstreamFailure

OnProgress = Callable[[str], Awaitable[None]]
"""Told of what an agent says about its work, which is no word of its answer."""


class Heard:
    """An answer whose beginning is good, or is passed on although it is not."""

    __slots__ = ("_ended_by", "_held", "_rest", "endpoint", "headers", "status")

    def __init__(
        self,
        status: int,
        headers: Headers,
        endpoint: str,
        held: bytes,
        rest: AsyncIterator[bytes] | None = None,
        ended_by: Callable[[], str] | None = None,
    ) -> None:
        """:param ended_by: which filter has ended it, if one has by now."""
        self.status = status
        self.headers = headers
        self.endpoint = endpoint
        self._held = held
        self._rest = rest
        self._ended_by = ended_by

    @property
    def filter(self) -> str:
        """The one that has ended it before its end; empty: none has."""
        return self._ended_by() if self._ended_by is not None else ""

    @property
    def whole(self) -> bytes | None:
        """The body, when all of it is here already."""
        return self._held if self._rest is None else None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises UpstreamError when it breaks, or is silent or slow."""
        if self._held:
            yield self._held
        if self._rest is not None:
            async for piece in self._rest:
                yield piece

    async def read(self, most: int) -> bytes | None:
        """All of the body; None: it is larger. Raises UpstreamError as `pieces` does."""
        body = bytearray()
        async for piece in self.pieces():
            body += piece
            if len(body) > most:
                return None
        return bytes(body)


class Answered(Protocol):
    """An answer in chat: Answer of an agent that speaks it, or what is read of another one's."""

    endpoint: str
    attempts: int

    @property
    def status(self) -> int:
        """Final when the first piece is there."""
        ...

    @property
    def headers(self) -> Headers:
        """Those that go with the pieces."""
        ...

    def pieces(self) -> AsyncIterator[bytes]:
        """See Answer."""
        ...


class Reading(Protocol):
    """A question to an agent that does not speak chat, as it is sent; and how it is answered."""

    @property
    def request(self) -> Request:
        """In the agent's own protocol."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether all that the agent says is passed on at once, also what says nothing yet."""
        ...

    def opened(
        self, client: UpstreamClient, cluster: Cluster, asked: Asked
    ) -> AbstractAsyncContextManager[Answer]:
        """Ask it, once; see UpstreamClient.open."""
        ...

    def read(self, answer: Answer) -> Answered:
        """What is made of an answer whose head has come; for each attempt."""
        ...

    def close(self) -> None:
        """Nobody waits for the answer any more."""
        ...


class ModelReading:
    """Implements Reading for agents that speak another API of models."""

    is_live = False

    def __init__(self, wording: Wording) -> None:
        self._wording = wording
        self.request = wording.request

    def opened(
        self, client: UpstreamClient, cluster: Cluster, asked: Asked
    ) -> AbstractAsyncContextManager[Answer]:
        """See Reading."""
        return client.open(cluster, self.request, asked)

    def read(self, answer: Answer) -> "RewordedAnswer":
        """See Reading."""
        return RewordedAnswer(answer, self._wording)

    def close(self) -> None:
        """See Reading."""


class RewordedAnswer:
    """Implements Answered for agents that speak another API of models."""

    def __init__(self, answer: Answer, wording: Wording) -> None:
        self._answer = answer
        self._reworded = wording.answer(answer.status, answer.headers)
        self.endpoint = answer.endpoint
        self.attempts = answer.attempts

    @property
    def status(self) -> int:
        """See Answered."""
        return self._reworded.status

    @property
    def headers(self) -> Headers:
        """See Answered."""
        return self._reworded.headers

    async def pieces(self) -> AsyncIterator[bytes]:
        """See Answered."""
        reworded = self._reworded
        async for read in self._answer.pieces():
            piece = reworded.feed(read)
            if piece:
                yield piece
        rest = reworded.finish()
        if not isinstance(rest, bytes):
            detail = ResponseDetail.UPSTREAM_PROTOCOL_ERROR
            raise UpstreamError(UpstreamFailure(Phase.ANSWER, detail, rest.message))
        if rest:
            yield rest
