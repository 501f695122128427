"""Requests of clients without sessions (2026-07-28), to servers of either generation.

The rule: the client's answer is the server's, in the client's protocol. A server that asks for
something in the middle of a request becomes a result that wants input; the request that brings the
input goes on where the other one stopped.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from msgspec import Raw

from dataplane.mcp import merge, stateless
from dataplane.mcp.events import message_event
from dataplane.mcp.message import (
    STATUS_OF,
    Code,
    Members,
    Message,
    Refused,
    error,
    members,
    read,
    result,
    text,
    value,
)
from dataplane.mcp.names import Member
from dataplane.mcp.routing import All, InTurn, One, says_not_found, to_client, way
from dataplane.mcp.session import Peer
from dataplane.mcp.versions import SUPPORTED
from dataplane.runtime.messages import ResponseDetail
from dataplane.server.mcp.elsewhere import Elsewhere
from dataplane.server.mcp.flow import Flow, Flows
from dataplane.server.mcp.listing import Listed, ask_each, one_list
from dataplane.server.mcp.met import Met
from dataplane.server.mcp.subscribed import Subscribed
from dataplane.server.mcp.turn import Turn, owner_of
from dataplane.upstream.mcp import Heard, ServerFailedError, of_session

VIA = ResponseDetail.VIA_UPSTREAM
GONE = 404
NO_STATE = Refused(
    Code.INVALID_PARAMS,
    "This requestState is not known: it has expired, or its worker has ended.",
    400,
)


class Stateless:
    """Carries requests that stand for themselves."""

    def __init__(self, met: Met, flows: Flows) -> None:
        self.met = met
        self._flows = flows
        self._subscribed = Subscribed(met)

    async def run(self, turn: Turn, message: Message) -> None:
        """Answer a message."""
        if not message.is_request:
            if message.method:
                turn.reply(202)
            else:
                told = "Clients answer by asking again, with inputResponses."
                turn.refuse(None, Refused(Code.INVALID_REQUEST, told, 400))
            return
        refused = stateless.refusal(turn.call.request.header, message)
        if refused is None and message.method not in stateless.OFFERED and not turn.roster.only:
            refused = Refused(Code.METHOD_NOT_FOUND, "Method not found", 404)
        if refused is not None:
            turn.refuse(message.id, with_status(refused))
            return
        if message.method == stateless.LISTEN:
            await self._subscribed.run(turn, message)
            return
        if message.method == stateless.DISCOVER and turn.roster.only is None:
            await self._discover(turn, message)
            return
        found = way(turn.roster, message)
        match found:
            case Refused():
                turn.refuse(message.id, with_status(found))
            case One(member=member, message=asked):
                await self._one(turn, member, asked)
            case InTurn():
                await self._in_turn(turn, found)
            case All():
                await self._list(turn, message)

    # -- one server

    async def _one(self, turn: Turn, member: Member, message: Message) -> None:
        turn.call.record.provider = member.id
        try:
            peer = await self._peer(turn, member, message)
            if peer.keeps_sessions:
                await self._in_session(turn, member, peer, message)
            else:
                await self._through(turn, member, message)
        except ServerFailedError as problem:
            if not turn.began:
                turn.failed(message.id, problem)
                return
            turn.call.record.detail = problem.detail
            await turn.downstream.write(message_event(error(message.id, problem.refused)).encoded())
            turn.downstream.finish()

    async def _through(self, turn: Turn, member: Member, message: Message) -> None:
        """As it comes, from a server of the same generation."""
        more = stateless.headers(message)
        async with turn.wire(member).opened("POST", message.body, more) as answer:
            if not answer.is_stream:
                body = await answer.whole()
                whole = read(body)
                if isinstance(whole, Message):
                    body = to_client(turn.roster, member, whole, message.method).body
                turn.reply(answer.status, body, VIA)
                return
            turn.start()
            async for event in answer.events():
                found = read(event.data) if event.is_message else None
                if isinstance(found, Message) and not found.method:
                    shown = to_client(turn.roster, member, found, message.method)
                    event = event if shown is found else event.with_data(shown.body)
                await turn.downstream.write(event.encoded())
            turn.downstream.finish()

    async def _in_session(self, turn: Turn, member: Member, peer: Peer, message: Message) -> None:
        """From a server that wants a session."""
        if message.method == stateless.DISCOVER:
            turn.reply(200, result(message.id, _described([(member, peer)])), VIA)
            return
        if message.method not in stateless.OFFERED:
            turn.refuse(message.id, Refused(Code.METHOD_NOT_FOUND, "Method not found", 404))
            return
        state = message.params.get("requestState")
        if state is None:
            await self._heard_out(turn, member, self._begin(turn, member, peer, message), message)
            return
        given = members(message.params.get("inputResponses")).get(_KEY, Raw(b"{}"))
        async with self._flows.resumed(text(state), owner_of(turn.call), given) as flow:
            if flow is None:
                turn.refuse(message.id, NO_STATE)
            else:
                await self._heard_out(turn, member, flow, message)

    async def _heard_out(
        self, turn: Turn, member: Member, flow: Flow | Elsewhere, message: Message
    ) -> None:
        """What comes of a flow; it is cancelled when nobody wants it."""
        try:
            await self._follow(turn, member, flow, message)
        except BaseException:
            self._flows.cancel(flow)
            raise

    def _begin(self, turn: Turn, member: Member, peer: Peer, message: Message) -> Flow:
        return self._flows.begin(
            turn.wire(member).of(peer),
            of_session(peer),
            owner_of(turn.call),
            members(peer.told).get("serverInfo", merge.ABOUT),
            lambda id_: stateless.plain(message, id_).body,
        )

    async def _follow(
        self, turn: Turn, member: Member, flow: Flow | Elsewhere, message: Message
    ) -> None:
        meta = members(message.params.get("_meta"))
        retried = False
        while True:
            came = await flow.heard()
            if isinstance(came, ServerFailedError):
                gone = came.detail is ResponseDetail.SESSION_NOT_FOUND or came.unreached
                if not gone or retried:
                    raise came
                # nothing was done with it, so a new session gets it, once
                retried = True
                peer = await self._renewed(turn, member, meta)
                flow = self._begin(turn, member, peer, message)
                continue
            if came.is_request:
                flow.asked = came
                wanted = stateless.input_required(_KEY, came, self._flows.park(flow))
                await self._respond(turn, 200, result(message.id, wanted))
                return
            if came.method:
                told = _told(came, meta)
                if told is not None:
                    if not turn.began:
                        turn.start()
                    await turn.downstream.write(message_event(told.body).encoded())
                continue
            shown = to_client(turn.roster, member, came, message.method)
            await self._respond(turn, *finished(message, shown, flow.about))
            return

    async def _renewed(self, turn: Turn, member: Member, meta: Members) -> Peer:
        asked = stateless.initialization(meta)
        old = await self.met.peer(turn, member, asked)
        return await self.met.peer(turn, member, asked, old)

    async def _respond(self, turn: Turn, status: int, body: bytes) -> None:
        if not turn.began:
            turn.reply(status, body, VIA)
            return
        await turn.downstream.write(message_event(body).encoded())
        turn.downstream.finish()

    # -- several

    async def _discover(self, turn: Turn, message: Message) -> None:
        found: list[tuple[Member, Peer]] = []
        problem: ServerFailedError | None = None
        for member, peer in await self._each_peer(turn, message):
            if isinstance(peer, Peer):
                found.append((member, peer))
            else:
                problem = peer
        if not found and problem is not None:
            turn.failed(message.id, problem)
            return
        turn.reply(200, result(message.id, _described(found, problem is not None)), VIA)

    async def _each_peer(
        self, turn: Turn, message: Message
    ) -> list[tuple[Member, Peer | ServerFailedError]]:
        async def one(member: Member) -> Peer | ServerFailedError:
            try:
                return await self._peer(turn, member, message)
            except ServerFailedError as problem:
                return problem

        roster = turn.roster.members
        return list(zip(roster, await asyncio.gather(*map(one, roster)), strict=True))

    async def _list(self, turn: Turn, message: Message) -> None:
        listed = await one_list(turn, message, partial(self._ask, turn))
        match listed:
            case Refused():
                turn.refuse(message.id, with_status(listed))
            case ServerFailedError():
                turn.failed(message.id, listed)
            case Listed():
                made = stateless.completed(message.method, listed.made, merge.ABOUT)
                turn.reply(200, result(message.id, made), VIA)

    async def _in_turn(self, turn: Turn, found: InTurn) -> None:
        message = found.message
        problem: ServerFailedError | None = None
        last: Message | None = None
        for member in found.members:
            ((_, heard),) = await ask_each(partial(self._ask, turn), [(member, message)])
            if isinstance(heard, ServerFailedError):
                problem = heard
                continue
            last = heard
            if not says_not_found(heard):
                turn.call.record.provider = member.id
                problem = None
                break
        if problem is not None:
            turn.failed(message.id, problem)
        elif last is not None:
            turn.reply(*finished(message, last, merge.ABOUT), VIA)

    async def _ask(self, turn: Turn, member: Member, message: Message) -> Heard:
        """One request and its whole response. Raises ServerFailedError."""
        wire = turn.wire(member)
        peer = await self._peer(turn, member, message)
        if not peer.keeps_sessions:
            return await wire.ask(message.body, stateless.headers(message))
        body = stateless.plain(message, b"1").body
        try:
            heard = await wire.of(peer).ask(body, of_session(peer))
            if heard.status != GONE:
                return heard
        except ServerFailedError as problem:
            if not problem.unreached:
                raise
        peer = await self._peer(turn, member, message, peer)
        return await wire.of(peer).ask(body, of_session(peer))

    async def _peer(
        self, turn: Turn, member: Member, message: Message, old: Peer | None = None
    ) -> Peer:
        asked = stateless.initialization(members(message.params.get("_meta")))
        return await self.met.peer(turn, member, asked, old)


_KEY = "input"
"""Of the one request that a server waits with."""


def with_status(refused: Refused) -> Refused:
    """An error with the HTTP status that it has in this protocol."""
    status = STATUS_OF.get(refused.code, refused.status)
    return Refused(refused.code, refused.message, status, refused.data)


def finished(asked: Message, came: Message, about: Any) -> tuple[int, bytes]:
    """The response to a request, with its status."""
    told = came.result
    if told is not None:
        if "resultType" in told:
            return 200, came.replaced(id=Raw(asked.id or b"null")).body
        return 200, result(asked.id, stateless.completed(asked.method, told, about))
    code = value((came.error or {}).get("code"))
    status = STATUS_OF.get(code, 200) if isinstance(code, int) else 200
    return status, came.replaced(id=Raw(asked.id or b"null")).body


def _told(came: Message, meta: Members) -> Message | None:
    """What a client hears of a notification on the way of its request."""
    if came.method == "notifications/progress":
        token = meta.get("progressToken")
        if token is None:
            return None
        return came.replaced(params={**came.params, "progressToken": token})
    if came.method == "notifications/message" and stateless.LEVEL_KEY not in meta:
        return None
    return came


def _described(found: Sequence[tuple[Member, Peer]], is_partial: bool = False) -> dict[str, Any]:
    """What one server, or several, are told to be."""
    answers = [(member, members(peer.told)) for member, peer in found]
    told = [one for _, one in answers]
    if len(found) == 1 and not is_partial:
        made: dict[str, Any] = {"capabilities": told[0].get("capabilities", {})}
        if "instructions" in told[0]:
            made["instructions"] = told[0]["instructions"]
        about: Any = told[0].get("serverInfo", merge.ABOUT)
    else:
        made = {"capabilities": merge.capabilities(told, is_partial)}
        words = merge.instructions(answers)
        if words:
            made["instructions"] = words
        about = merge.ABOUT
    made["supportedVersions"] = list(SUPPORTED)
    return stateless.completed(stateless.DISCOVER, made, about)
