"""A request of a client in a session, to whom it leads, and the answer back.

The rule: a request whose stream has begun is answered there: by the server, or, when that breaks
off, by an error that names it. A server that lets a stream be resumed may end it early.
"""

from functools import partial

from msgspec.structs import replace

from dataplane.mcp import merge, tokens
from dataplane.mcp.events import Event, message_event
from dataplane.mcp.message import (
    Code,
    Members,
    Message,
    Refused,
    error,
    items,
    made_of,
    members,
    read,
    result,
    text,
)
from dataplane.mcp.names import Member
from dataplane.mcp.routing import All, InTurn, One, says_not_found, to_client, way
from dataplane.runtime.messages import ResponseDetail
from dataplane.server.mcp.listing import Listed, ask_each, one_list
from dataplane.server.mcp.peers import Peers
from dataplane.server.mcp.running import Running
from dataplane.server.mcp.sessions import Live
from dataplane.server.mcp.turn import Turn
from dataplane.upstream.mcp import Answered, ServerFailedError, failed

VIA = ResponseDetail.VIA_UPSTREAM
MAX_URIS = 10_000
"""Resources whose servers a session knows; of others all servers are asked in turn."""


class Asking:
    """Carries requests to servers."""

    def __init__(self, peers: Peers, running: Running) -> None:
        self._peers = peers
        self._running = running

    async def run(self, turn: Turn, message: Message) -> None:
        """Answer a request."""
        found = way(turn.roster, message)
        match found:
            case Refused():
                turn.refuse(message.id, found)
            case One(member=member, message=told):
                await self._one(turn, member, told)
            case InTurn():
                await self._in_turn(turn, found)
            case All() if message.method in merge.LISTS:
                await self._list(turn, message)
            case All():
                await self._all(turn, message)

    # -- one server

    async def _one(self, turn: Turn, member: Member, message: Message) -> None:
        """As it comes."""
        turn.call.record.provider = member.id
        live = turn.live
        assert live is not None
        try:
            peer = await self._peers.of(live, member, turn.wire(member))
            if not peer.keeps_sessions:
                await self._without_session(turn, live, member, message)
                return
            async with self._peers.opened(turn, member, message.body) as answer:
                if answer.is_stream and answer.status == 200:
                    await self._stream(turn, member, message, answer)
                else:
                    await self._whole(turn, member, message, answer)
        except ServerFailedError as problem:
            if turn.began:
                told = message_event(error(message.id, problem.refused))
                turn.call.record.detail = problem.detail
                await turn.downstream.write(told.encoded())
                turn.downstream.finish()
            else:
                turn.failed(message.id, problem)

    async def _without_session(
        self, turn: Turn, live: Live, member: Member, message: Message
    ) -> None:
        """What a session has words for and such a server has not is kept here."""
        session = live.session
        uri = text(message.params.get("uri"))
        match message.method:
            case "logging/setLevel":
                session = replace(session, level=text(message.params.get("level")))
            case "resources/subscribe":
                session = replace(session, uris=tuple({*session.uris, uri}))
            case "resources/unsubscribe":
                session = replace(session, uris=tuple({*session.uris} - {uri}))
            case "ping":
                pass
            case _:
                work = self._peers.restated.run(turn, member, message)
                await self._running.ran(turn, message, work)
                return
        await self._peers.change(live, session)
        turn.reply(200, result(message.id, {}), ResponseDetail.LOCAL)

    async def _whole(self, turn: Turn, member: Member, message: Message, answer: Answered) -> None:
        body = await answer.whole()
        found = read(body)
        if isinstance(found, Message):
            body = to_client(turn.roster, member, found, message.method).body
        elif answer.status < 400:
            told = f"it answered {answer.status} with what is no JSON-RPC message"
            raise failed(member.id, told, ResponseDetail.UPSTREAM_PROTOCOL_ERROR)
        elif answer.status in (401, 403) and not member.server.passthrough_auth:
            told = f"it does not accept our credentials ({answer.status})"
            raise failed(member.id, told, ResponseDetail.UPSTREAM_CREDENTIALS_EXHAUSTED)
        else:
            told = f"it answered {answer.status}"
            turn.refuse(
                message.id,
                Refused(Code.INTERNAL_ERROR, f"MCP server '{member.id}': {told}.", answer.status),
                ResponseDetail.UPSTREAM_ERROR,
            )
            return
        challenge = answer.headers.get("www-authenticate")
        headers = (("www-authenticate", challenge),) if challenge is not None else ()
        turn.reply(answer.status, body, VIA, headers)

    async def _stream(self, turn: Turn, member: Member, message: Message, answer: Answered) -> None:
        turn.start()
        answered = resumable = False
        async for event in answer.events():
            resumable = resumable or event.id is not None
            shown, is_response = seen(turn, member, event, message)
            answered = answered or is_response
            await turn.downstream.write(shown.encoded())
        if not answered and not resumable:
            told = "its stream ended without an answer"
            raise failed(member.id, told, ResponseDetail.UPSTREAM_TRUNCATED)
        turn.downstream.finish()

    # -- several

    async def _in_turn(self, turn: Turn, found: InTurn) -> None:
        """Whoever has it; who had it before is asked first."""
        live = turn.live
        assert live is not None
        params = found.message.params
        uri = text(params.get("uri")) or text(members(params.get("ref")).get("uri"))
        known = live.uris.get(uri)
        order = sorted(found.members, key=lambda member: member.id != known)
        problem: ServerFailedError | None = None
        last: Message | None = None
        for member in order:
            try:
                heard = await self._peers.ask(turn, member, found.message)
            except ServerFailedError as e:
                problem = e
                continue
            if heard.message is None:
                problem = failed(
                    member.id, f"it answered {heard.status}", ResponseDetail.UPSTREAM_ERROR
                )
                continue
            last = heard.message
            if not says_not_found(last):
                turn.call.record.provider = live.uris[uri] = member.id
                turn.reply(200, last.body, VIA)
                return
        if problem is not None:
            turn.failed(found.message.id, problem)  # who is not there might have it
        elif last is not None:
            turn.reply(200, last.body, VIA)

    async def _list(self, turn: Turn, message: Message) -> None:
        listed = await one_list(turn, message, partial(self._peers.ask, turn))
        match listed:
            case Refused():
                turn.refuse(message.id, listed)
            case ServerFailedError():
                turn.failed(message.id, listed)
            case Listed():
                if turn.live is not None and message.method == "resources/list":
                    for member, page in listed.pages:
                        _learn(turn.live.uris, member, page)
                turn.reply(200, result(message.id, listed.made), VIA)

    async def _all(self, turn: Turn, message: Message) -> None:
        """Every server hears it; the client is told that it was heard if anybody has."""
        live = turn.live
        assert live is not None
        if message.method == "logging/setLevel":
            capable = [
                member
                for member in turn.roster.members
                if (peer := live.session.peers.get(member.id)) is not None
                and "logging" in members(members(peer.told).get("capabilities"))
            ]
            asked = [(member, message) for member in capable]
            for _, heard in await ask_each(partial(self._peers.ask, turn), asked):
                if isinstance(heard, Message) and heard.error is not None:
                    turn.reply(200, heard.body, VIA)
                    return
        turn.reply(200, result(message.id, {}), VIA)


def seen(turn: Turn, member: Member, event: Event, asked: Message | None) -> tuple[Event, bool]:
    """An event as the client gets it, and whether it has the response to what it asked."""
    only = turn.roster.only is not None
    if event.id is not None and not only:
        event = event.with_id(f"{member.id}{tokens.SEPARATOR}".encode() + event.id)
    if not event.is_message:
        return event, False
    found = members(event.data)
    message = made_of(found, event.data)
    if message is None:
        return event, False
    method = asked.method if asked is not None else ""
    shown = to_client(turn.roster, member, message, method)
    if shown is not message:
        event = event.with_data(shown.body)
    return event, not message.method and asked is not None and message.id == asked.id


def _learn(uris: dict[str, str], member: Member, page: Members) -> None:
    for entry in items(page.get("resources")):
        if len(uris) >= MAX_URIS:
            return
        uris.setdefault(text(members(entry).get("uri")), member.id)
