"""The begin and the end of a client's session: with all servers at once."""

import asyncio
from contextlib import suppress
from typing import Any

from msgspec import Raw

from dataplane.mcp import merge, stateless
from dataplane.mcp.message import Code, Message, Refused, encode, members, result, text
from dataplane.mcp.names import Member
from dataplane.mcp.session import Peer, Session, agreed
from dataplane.runtime.messages import ResponseDetail
from dataplane.server.mcp.peers import Peers
from dataplane.server.mcp.sessions import Live, Sessions
from dataplane.server.mcp.turn import Turn, owner_of
from dataplane.upstream.mcp import SESSION, ServerFailedError, meet, of_session

END_S = 2.0
"""How long servers have to hear that a session is over."""


class Beginning:
    """Begins and ends sessions."""

    def __init__(self, sessions: Sessions, peers: Peers) -> None:
        self._sessions = sessions
        self._peers = peers

    async def run(self, turn: Turn, message: Message) -> None:
        """`initialize`."""
        asked = message.members.get("params")
        if asked is None or not text(message.params.get("protocolVersion")):
            refused = Refused(Code.INVALID_PARAMS, "initialize needs a protocolVersion.", 400)
            turn.refuse(message.id, refused)
            return
        found = await asyncio.gather(
            *(self._connect(turn, member, asked) for member in turn.roster.members)
        )
        met = {member.id: peer for member, peer in found if isinstance(peer, Peer)}
        if not met:
            turn.failed(message.id, next(p for _, p in found if isinstance(p, ServerFailedError)))
            return
        told = _told(turn, message, met)
        version = text(members(told).get("protocolVersion"))
        session = Session(owner_of(turn.call), version, asked, met)
        live = await self._sessions.begin(session)
        body = result(message.id, told)
        turn.reply(200, body, ResponseDetail.VIA_UPSTREAM, ((SESSION, live.id),))

    async def _connect(
        self, turn: Turn, member: Member, asked: Raw
    ) -> tuple[Member, Peer | ServerFailedError]:
        try:
            return member, await meet(turn.wire(member), asked, ready=False)
        except ServerFailedError as problem:
            return member, problem

    async def end(self, turn: Turn, live: Live) -> None:
        """Tell every server; one that does not hear it forgets by itself."""
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await asyncio.gather(
                    *(
                        self._close(turn, member, peer)
                        for member in turn.roster.members
                        if (peer := live.session.peers.get(member.id)) is not None and peer.session
                    )
                )

    async def _close(self, turn: Turn, member: Member, peer: Peer) -> None:
        with suppress(ServerFailedError):
            async with turn.wire(member).of(peer).opened("DELETE", b"", of_session(peer)) as answer:
                await answer.whole()


def _told(turn: Turn, message: Message, met: dict[str, Peer]) -> Raw:
    """What the client hears: the only server's own words, or what all of them are together."""
    only = turn.roster.only
    if only is not None:
        peer = met[only.id]
        if peer.keeps_sessions:
            return peer.told
        return Raw(encode(stateless.discovered(members(peer.told), name=only.id)))
    answers = [
        (member, members(met[member.id].told)) for member in turn.roster.members if member.id in met
    ]
    is_partial = len(met) < len(turn.roster.members)
    made: dict[str, Any] = {
        "protocolVersion": agreed(text(message.params.get("protocolVersion"))),
        "capabilities": merge.capabilities([told for _, told in answers], is_partial),
        "serverInfo": merge.ABOUT,
    }
    words = merge.instructions(answers)
    if words:
        made["instructions"] = words
    return Raw(encode(made))
