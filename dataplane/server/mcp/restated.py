"""Requests of clients with sessions, to servers that know none (2026-07-28).

The rule: what a session has agreed is said with every request. A result that wants input becomes
requests to the client on the stream of its call; with the answers the server is asked again.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec import Raw

from dataplane.mcp import message as rpc
from dataplane.mcp import stateless
from dataplane.mcp.events import message_event
from dataplane.mcp.merge import LISTS
from dataplane.mcp.message import Code, Members, Message, Refused, members, read
from dataplane.mcp.names import Member
from dataplane.mcp.routing import to_client
from dataplane.mcp.session import Session
from dataplane.runtime.messages import ResponseDetail
from dataplane.server.mcp.turn import Turn
from dataplane.server.neighbours import Neighbours, Say, marked, worker_of
from dataplane.upstream.mcp import Heard, Wire, failed

ROUNDS = 10
"""Of asking the client, as the SDKs have it."""
MARK = b'"outrider:'
"""The begin of the ids of our own requests to clients."""
VIA = ResponseDetail.VIA_UPSTREAM
_WORD = "mcp answer"


class Restated:
    """Asks servers without sessions on behalf of clients that have one."""

    def __init__(self, token: Callable[[], str], neighbours: Neighbours) -> None:
        self._token = token
        self._neighbours = neighbours
        self._waiting: dict[bytes, asyncio.Future[Message]] = {}
        neighbours.on(_WORD, self._heard)

    async def answered(self, message: Message) -> bool:
        """A client's response; whether it was to a request of ours, in whatever worker."""
        if message.id is None or not message.id.startswith(MARK):
            return False
        if not self._answered(message):
            worker = worker_of(message.id.removeprefix(MARK).decode("latin-1"))
            await self._neighbours.tell(worker, _WORD, message.body)
        return True

    def _answered(self, message: Message) -> bool:
        waits = self._waiting.pop(message.id or b"", None)
        if waits is not None and not waits.done():
            waits.set_result(message)
        return waits is not None

    async def _heard(self, body: bytes, _: Say) -> None:
        found = read(body)
        if isinstance(found, Message):
            self._answered(found)

    async def ask(self, wire: Wire, session: Session, message: Message) -> Heard:
        """One request and its whole response. Raises ServerFailedError."""
        told = _stamped(session, message)
        heard = await wire.ask(told.body, stateless.headers(told))
        if heard.message is None:
            return heard
        return Heard(heard.status, _plain(message, heard.message))

    async def run(self, turn: Turn, member: Member, message: Message) -> None:
        """Answer a request. Raises ServerFailedError."""
        live = turn.live
        assert live is not None
        asked = message
        for _ in range(ROUNDS):
            came = await self._response(turn, member, _stamped(live.session, asked))
            found = came.result
            if found is None or not stateless.wants_input(found):
                break
            given = await self._input(turn, members(found.get("inputRequests")))
            if isinstance(given, Refused):
                await self._respond(turn, rpc.error(message.id, given))
                return
            params = {**message.params, "inputResponses": given}
            if "requestState" in found:
                params["requestState"] = found["requestState"]
            asked = message.replaced(params=params)
        else:
            told = f"it wanted input more than {ROUNDS} times"
            raise failed(member.id, told, ResponseDetail.UPSTREAM_ERROR)
        shown = to_client(turn.roster, member, _plain(message, came), message.method)
        await self._respond(turn, shown.body)

    async def _response(self, turn: Turn, member: Member, told: Message) -> Message:
        """What the server answers; what it says before that goes to the client."""
        more = stateless.headers(told)
        async with turn.wire(member).opened("POST", told.body, more) as answer:
            async for event in answer.events():
                came = read(event.data) if event.is_message else None
                if not isinstance(came, Message):
                    continue
                if not came.method:
                    return came
                await self._tell(turn, to_client(turn.roster, member, came).body)
            status = answer.status
        why = f"it answered {status} and no more"
        raise failed(member.id, why, ResponseDetail.UPSTREAM_TRUNCATED)

    async def _input(self, turn: Turn, wanted: Members) -> dict[str, Raw] | Refused:
        """Ask the client; all at once."""
        loop = asyncio.get_running_loop()
        waits: dict[str, asyncio.Future[Message]] = {}
        ids: list[bytes] = []
        try:
            for key, raw in wanted.items():
                request = members(raw)
                id_ = MARK + marked(self._neighbours.index, self._token()).encode() + b'"'
                ids.append(id_)
                waits[key] = self._waiting[id_] = loop.create_future()
                body: dict[str, Any] = {"jsonrpc": "2.0", "id": Raw(id_), **request}
                await self._tell(turn, rpc.encode(body))
            given: dict[str, Raw] = {}
            for key, wait in waits.items():
                answer = await wait
                if answer.error is not None:
                    said = rpc.text(answer.error.get("message"))
                    return Refused(Code.INTERNAL_ERROR, f"The client refused to answer: {said}")
                given[key] = answer.members["result"]
            return given
        finally:
            for id_ in ids:
                self._waiting.pop(id_, None)

    async def _tell(self, turn: Turn, body: bytes) -> None:
        if not turn.began:
            turn.start()
        await turn.downstream.write(message_event(body).encoded())

    async def _respond(self, turn: Turn, body: bytes) -> None:
        if not turn.began:
            turn.reply(200, body, VIA)
            return
        await self._tell(turn, body)
        turn.downstream.finish()


def listening(session: Session) -> Message:
    """What a session hears by itself, as a subscription."""
    wanted = {**dict.fromkeys(stateless.CHANGES, True), "resourceSubscriptions": session.uris}
    asked = read(rpc.request(b'"listen"', stateless.LISTEN, {"notifications": wanted}))
    assert isinstance(asked, Message)
    return _stamped(session, asked)


def _stamped(session: Session, message: Message) -> Message:
    return stateless.stamped(message, members(session.asked), session.level)


def _plain(asked: Message, came: Message) -> Message:
    """A response as sessions have it."""
    found = came.result
    changes: dict[str, Any] = {"id": Raw(asked.id or b"null")}
    if found is not None and (asked.method in LISTS or "resultType" in found):
        changes["result"] = stateless.bare(found)
    return came.replaced(**changes)
