"""Every agent listener is an MCP server at `/mcp`: its agents are tools (mcp/toolbox.py).

The rule: a call of a tool is a request to the listener like any other: its filters, limits and plan
hold, and it ends with its client, or when the client cancels it.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from dataplane.mcp import stateless, toolbox
from dataplane.mcp.events import message_event
from dataplane.mcp.merge import ABOUT
from dataplane.mcp.message import (
    Code,
    Members,
    Message,
    Refused,
    encode,
    error,
    members,
    notification,
    result,
    text,
)
from dataplane.mcp.routing import CANCELLED
from dataplane.mcp.session import Session
from dataplane.runtime.config import AgentTarget, Listener, Route
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import CHAT_PATH
from dataplane.runtime.running import Mode
from dataplane.server.mcp.collecting import Collecting
from dataplane.server.mcp.running import Running
from dataplane.server.mcp.sessions import Sessions
from dataplane.server.mcp.turn import Turn, owner_of
from dataplane.server.surface import CHAT_ASK
from dataplane.upstream.mcp import SESSION

if TYPE_CHECKING:
    from dataplane.server.serving import Exchanger


class AgentTools:
    """Answers at `/mcp` of agent listeners."""

    def __init__(self, exchange: "Exchanger", sessions: Sessions, running: Running) -> None:
        self._exchange = exchange
        self._sessions = sessions
        self._running = running

    async def begin(self, turn: Turn, message: Message) -> None:
        """`initialize`."""
        made = toolbox.initialized(message.params)
        asked = message.members["params"]
        session = Session(owner_of(turn.call), made["protocolVersion"], asked)
        live = await self._sessions.begin(session)
        turn.reply(200, result(message.id, made), headers=((SESSION, live.id),))

    async def told(self, turn: Turn, message: Message) -> None:
        """A notification, or a response."""
        if message.method == CANCELLED and turn.live is not None:
            await self._running.cancel(turn.live.id, bytes(message.params.get("requestId", b"")))
        turn.reply(202)

    async def run(self, turn: Turn, message: Message, *, has_session: bool) -> None:
        """A request of either generation."""
        refused = None
        if not has_session:
            refused = stateless.refusal(turn.call.request.header, message)
        match message.method:
            case _ if refused is not None:
                turn.refuse(message.id, refused)
            case "tools/list":
                listed = toolbox.tools(_agents(turn.call.listener))
                await self._reply(turn, message, listed, has_session)
            case "tools/call":
                await self._call(turn, message, has_session)
            case "ping" if has_session:
                turn.reply(200, result(message.id, {}))
            case stateless.DISCOVER if not has_session:
                turn.reply(200, result(message.id, toolbox.described()))
            case _:
                status = 200 if has_session else 404
                turn.refuse(message.id, Refused(Code.METHOD_NOT_FOUND, "Method not found", status))

    async def _call(self, turn: Turn, message: Message, has_session: bool) -> None:
        name, asked = text(message.params.get("name")), toolbox.asked_for(message.params)
        listener = _among(turn.call.listener, name)
        if listener is None or not asked:
            told = "It needs a message." if listener is not None else f"Unknown tool: {name[:200]}"
            status = 200 if has_session else 400
            turn.refuse(message.id, Refused(Code.INVALID_PARAMS, told, status))
            return
        meta = members(message.params.get("_meta"))
        record = turn.call.record
        collecting = Collecting(lambda piece: self._heard(turn, meta, piece), record)
        headers = tuple(
            (header, value)
            for header, value in turn.call.request.headers
            if not header.lower().startswith("mcp-")
        )
        body = encode(toolbox.chat(name, asked))
        request = Request("POST", CHAT_PATH, headers, body)
        call = replace(turn.call, listener=listener, request=request, ask=CHAT_ASK)
        if not await self._running.ran(turn, message, self._exchange.run(call, collecting)):
            return
        if collecting.refused is not None and not turn.began:
            self._refused(turn, message, collecting.refused)
            return
        await collecting.close()
        made = toolbox.said(collecting.words, collecting.problem)
        await self._reply(turn, message, made, has_session, ResponseDetail.VIA_UPSTREAM)

    @staticmethod
    def _refused(turn: Turn, message: Message, reply: LocalReply) -> None:
        """No tool has failed: the caller may not ask it, or not now, as HTTP says it."""
        told = {"detail": reply.detail.value}
        refused = Refused(Code.SERVER_ERROR, reply.message, reply.status, told)
        turn.reply(reply.status, error(message.id, refused), reply.detail, reply.headers)

    async def _heard(self, turn: Turn, meta: Members, piece: str) -> None:
        """A piece of the answer: progress, for who has asked for that."""
        token = meta.get("progressToken")
        if token is None:
            return
        if not turn.began:
            turn.start()
        turn.pieces += 1
        params = {"progressToken": token, "progress": turn.pieces, "message": piece}
        told = message_event(notification("notifications/progress", params))
        await turn.downstream.write(told.encoded())

    async def _reply(
        self,
        turn: Turn,
        message: Message,
        made: dict[str, object],
        has_session: bool,
        detail: ResponseDetail = ResponseDetail.LOCAL,
    ) -> None:
        if not has_session:
            made = stateless.completed(message.method, made, ABOUT)
        await turn.end(result(message.id, made), detail)


def _agents(listener: Listener) -> toolbox.Agents:
    return [
        (route.target.agent, route.target.description)
        for route in listener.routes
        if isinstance(route.target, AgentTarget) and route.target.choosable
    ]


def _among(listener: Listener, name: str) -> Listener | None:
    """The listener as a tool has it: with its one agent, or as it is; None: there is no such."""
    found: list[Route] = [
        route
        for route in listener.routes
        if isinstance(route.target, AgentTarget)
        and route.target.choosable
        and route.target.agent == name
    ]
    if found:
        alone = replace(listener.running, mode=Mode.SEQUENCE, merge="", parts=())
        return replace(listener, routes=(found[0],), default_route=found[0], running=alone)
    return listener if name == toolbox.ASK and len(listener.routes) > 1 else None
