"""A question's session with the server of an MCP agent.

Rule: a session is one question's. Nobody else's words are in it, and it is over when the question
is; servers that need none get none.
"""

import asyncio
from contextlib import suppress

from msgspec import Raw

from dataplane.mcp import message as rpc
from dataplane.mcp import stateless
from dataplane.mcp.merge import ABOUT
from dataplane.mcp.message import Message, encode, members
from dataplane.mcp.session import LATEST, Peer
from dataplane.runtime.messages import Headers
from dataplane.upstream.errors import Phase, UpstreamError, UpstreamFailure
from dataplane.upstream.mcp import ServerFailedError, Wire, connect, of_session

ASKED = Raw(encode({"protocolVersion": LATEST, "capabilities": {}, "clientInfo": ABOUT}))
"""What we begin a session with: nothing that a server could ask us for."""
END_S = 5.0
"""How long a server has to hear that a session is over."""
_MEMBERS = members(ASKED)


async def begun(wire: Wire, known: Peer) -> Peer:
    """The server's side for one question, by what is known of it. Raises ServerFailedError."""
    return await connect(wire, ASKED) if known.session else known


async def end(wire: Wire, peer: Peer, cancelled: bytes | None = None) -> None:
    """Nothing more is wanted; a server that does not hear it forgets by itself.

    :param cancelled: what is still asked.
    """
    if not peer.session:
        return  # it has ended with its connection
    wire, more = wire.of(peer), of_session(peer)
    with suppress(ServerFailedError, TimeoutError):
        if cancelled is not None:
            params = {"requestId": Raw(cancelled), "reason": "nobody waits for it any more"}
            await wire.tell(rpc.notification("notifications/cancelled", params), more)
        async with asyncio.timeout(END_S), wire.opened("DELETE", b"", more) as answer:
            await answer.whole()


def told_to(peer: Peer, message: Message) -> tuple[Message, Headers]:
    """A request as a server reads it, and its headers."""
    if peer.keeps_sessions:
        return message, of_session(peer)
    told = stateless.stamped(message, _MEMBERS)
    return told, stateless.headers(told)


def as_upstream(problem: ServerFailedError) -> UpstreamError:
    """The same as the failure of an attempt."""
    if isinstance(problem.__cause__, UpstreamError):
        return problem.__cause__
    status = problem.answered or problem.refused.status
    return UpstreamError(UpstreamFailure(Phase.ANSWER, problem.detail, str(problem), status))
