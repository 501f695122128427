"""A session's servers: opened when they are needed, and anew when they have forgotten us.

The rule: a server that answers 404 to its session, or whose endpoint that has it cannot be reached,
has done nothing with the request, so a new session gets it, once. One that was down when the client
came is tried whenever it is asked again.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from dataplane.mcp import stateless
from dataplane.mcp.message import Message
from dataplane.mcp.names import Member
from dataplane.mcp.session import Peer, Session
from dataplane.runtime.messages import Headers, ResponseDetail
from dataplane.server.mcp.restated import Restated, listening
from dataplane.server.mcp.sessions import Live, Sessions
from dataplane.server.mcp.turn import Turn
from dataplane.upstream.mcp import (
    SESSION,
    VERSION,
    Answered,
    Heard,
    ServerFailedError,
    Wire,
    failed,
    meet,
    of_session,
)

GONE = 404


class Peers:
    """Opens servers for sessions."""

    def __init__(self, sessions: Sessions, restated: Restated) -> None:
        self._sessions = sessions
        self.restated = restated
        """Asks those that know no sessions."""

    async def of(self, live: Live, member: Member, wire: Wire) -> Peer:
        """A server's side of a session. Raises ServerFailedError."""
        peer = live.session.peers.get(member.id)
        return peer if peer is not None else await self.renew(live, member, wire, None)

    async def renew(self, live: Live, member: Member, wire: Wire, old: Peer | None) -> Peer:
        """The same after `old` has expired: what another worker has opened, or a new one."""
        async with live.lock(member.id):
            peer = live.session.peers.get(member.id)
            if peer is not None and peer is not old:
                return peer
            if old is not None:
                stored = await self._sessions.stored(live.id)
                theirs = stored.peers.get(member.id) if stored is not None else None
                if theirs is not None and theirs.session != old.session:
                    live.become(live.session.with_peer(member.id, theirs))
                    return theirs
            if live.ended:
                raise failed(member.id, "the session is over", ResponseDetail.SESSION_NOT_FOUND)
            peer = await meet(wire, live.session.asked)
            await self._sessions.change(live, live.session.with_peer(member.id, peer))
            return peer

    async def change(self, live: Live, session: Session) -> None:
        """A session has changed."""
        await self._sessions.change(live, session)

    @asynccontextmanager
    async def opened(
        self, turn: Turn, member: Member, body: bytes, method: str = "POST", more: Headers = ()
    ) -> AsyncGenerator[Answered, None]:
        """Say something to a server in the client's session. Raises ServerFailedError."""
        live, wire = turn.live, turn.wire(member)
        assert live is not None
        peer = await self.of(live, member, wire)
        if not peer.keeps_sessions:  # only listening comes here: it is a request of its own
            told = listening(live.session)
            async with wire.opened("POST", told.body, stateless.headers(told)) as answer:
                yield answer
                return
        try:
            async with wire.of(peer).opened(method, body, (*_said(turn, peer), *more)) as answer:
                if answer.status != GONE or not peer.session:
                    yield answer
                    return
        except ServerFailedError as problem:
            if not (peer.session and problem.unreached):
                raise
        peer = await self.renew(live, member, wire, peer)
        async with wire.of(peer).opened(method, body, (*_said(turn, peer), *more)) as answer:
            yield answer

    async def ask(self, turn: Turn, member: Member, message: Message) -> Heard:
        """One request and its whole response. Raises ServerFailedError."""
        live, wire = turn.live, turn.wire(member)
        assert live is not None
        peer = await self.of(live, member, wire)
        if not peer.keeps_sessions:
            return await self.restated.ask(wire, live.session, message)
        try:
            heard = await wire.of(peer).ask(message.body, _said(turn, peer))
            if heard.status != GONE or not peer.session:
                return heard
        except ServerFailedError as problem:
            if not (peer.session and problem.unreached):
                raise
        peer = await self.renew(live, member, wire, peer)
        return await wire.of(peer).ask(message.body, _said(turn, peer))


def _said(turn: Turn, peer: Peer) -> Headers:
    """The headers of what is said in a session; the only server gets the client's own version."""
    if turn.roster.only is None:
        return of_session(peer)
    named = ((SESSION, peer.session),) if peer.session else ()
    version = turn.call.request.header(VERSION)
    return (*named, (VERSION, version)) if version is not None else named
