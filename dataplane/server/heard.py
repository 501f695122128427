"""What an agent has answered, in chat whatever it speaks."""

from collections.abc import AsyncIterator

from dataplane.agents.wire import Wording
from dataplane.runtime.messages import Headers, ResponseDetail
from dataplane.upstream.client import Answer, UpstreamError
from dataplane.upstream.errors import Phase, UpstreamFailure


class Heard:
    """An answer whose beginning is good, or is passed on although it is not."""

    __slots__ = ("_held", "_rest", "endpoint", "headers", "status")

    def __init__(
        self,
        status: int,
        headers: Headers,
        endpoint: str,
        held: bytes,
        rest: AsyncIterator[bytes] | None = None,
    ) -> None:
        self.status = status
        self.headers = headers
        self.endpoint = endpoint
        self._held = held
        self._rest = rest

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises UpstreamError when it breaks, or is silent or slow."""
        if self._held:
            yield self._held
        if self._rest is not None:
            async for piece in self._rest:
                yield piece


class RewordedAnswer:
    """An upstream's answer that is read in chat although it is in another protocol."""

    def __init__(self, answer: Answer, wording: Wording) -> None:
        self._answer = answer
        self._reworded = wording.answer(answer.status, answer.headers)
        self.endpoint = answer.endpoint
        self.attempts = answer.attempts

    @property
    def status(self) -> int:
        """Final when the first piece is there."""
        return self._reworded.status

    @property
    def headers(self) -> Headers:
        """Those that go with the pieces."""
        return self._reworded.headers

    async def pieces(self) -> AsyncIterator[bytes]:
        """See Answer."""
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
