"""A request under way at a server that another worker has begun, for a client that came here.

The rule: it stays where its stream is; here is only heard what comes of it. Whoever stops listening
has it cancelled.
"""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from msgspec import Raw

from dataplane.mcp.message import Message, Refused, members, read
from dataplane.runtime.messages import ResponseDetail
from dataplane.upstream.mcp import ServerFailedError

RESUME = "mcp resume"


class Resumption(msgspec.Struct):
    """What a client shows and brings."""

    state: str
    owner: str
    given: Raw


class Came(msgspec.Struct, omit_defaults=True):
    """What the server says, or why it says nothing more."""

    said: Raw = Raw()
    state: str = ""
    """What the client has to show with its answer to what the server asks."""
    code: int = 0
    message: str = ""
    status: int = 0
    detail: str = ""
    """Of a failure."""


RESUMPTION = msgspec.json.Decoder(Resumption)
_CAME = msgspec.json.Decoder(Came)


def of_failure(problem: ServerFailedError) -> Came:
    """A failure, for another worker."""
    refused = problem.refused
    return Came(Raw(b"null"), "", refused.code, refused.message, refused.status, problem.detail)


class Elsewhere:
    """Stands for a Flow of another worker."""

    def __init__(self, about: Any, frames: AsyncIterator[bytes]) -> None:
        self.about = about
        """The server's own words about itself."""
        self.asked: Message | None = None
        self.state = ""
        self._frames = frames

    @classmethod
    async def met(cls, frames: AsyncIterator[bytes]) -> "Elsewhere | None":
        """What a worker has; None: nothing."""
        about = await anext(frames, None)
        return cls(members(about), frames) if about is not None else None

    async def heard(self) -> Message | ServerFailedError:
        """See Flow."""
        frame = await anext(self._frames, None)
        if frame is None:
            told = "The worker that has asked the server has ended."
            return ServerFailedError(Refused(-32603, told, 502), ResponseDetail.UPSTREAM_TRUNCATED)
        came = _CAME.decode(frame)
        if came.message:
            refused = Refused(came.code, came.message, came.status, {"detail": came.detail})
            return ServerFailedError(refused, ResponseDetail(came.detail))
        self.state = came.state
        found = read(bytes(came.said))
        assert isinstance(found, Message)
        return found
