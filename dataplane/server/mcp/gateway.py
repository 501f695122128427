"""An MCP listener: several MCP servers under one URL. Read this file first.

A POST is one message. `initialize` begins a session with every server that is there; what follows
goes to the server that a name leads to, or to all, or is only passed on. A GET is the stream of
what servers say by themselves, a DELETE ends the session.

The rule: the servers that work are not worse for those that do not, and what a client gets of a
server is what the server said.
"""

from collections.abc import Callable
from secrets import token_urlsafe

from dataplane.mcp.message import Code, Message, Refused, read
from dataplane.mcp.routing import CANCELLED, receivers
from dataplane.mcp.stateless import is_stateless
from dataplane.runtime.config import ListenerKind
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.downstream import Call, Downstream
from dataplane.server.mcp import checks
from dataplane.server.mcp.agents import AgentTools
from dataplane.server.mcp.asking import Asking
from dataplane.server.mcp.beginning import Beginning
from dataplane.server.mcp.flow import Flows
from dataplane.server.mcp.listening import Listening
from dataplane.server.mcp.met import Met
from dataplane.server.mcp.peers import Peers
from dataplane.server.mcp.restated import Restated
from dataplane.server.mcp.running import Running
from dataplane.server.mcp.sessions import Sessions
from dataplane.server.mcp.stateless import Stateless
from dataplane.server.mcp.turn import Turn, owner_of, roster_of
from dataplane.server.neighbours import Neighbours
from dataplane.server.perform import Memory
from dataplane.server.serving import Exchanger
from dataplane.upstream.client import UpstreamClient
from dataplane.upstream.mcp import SESSION, ServerFailedError

NO_SESSION = LocalReply(
    400,
    "There is no mcp-session-id header; begin with `initialize`.",
    ResponseDetail.BAD_REQUEST,
)
NO_STREAM = LocalReply(405, "Agents say nothing by themselves.", ResponseDetail.METHOD_NOT_ALLOWED)
SESSION_GONE = Refused(Code.SESSION_NOT_FOUND, "Session not found; begin with `initialize`.", 404)


class McpGateway:
    """Answers on MCP listeners. One per worker."""

    def __init__(
        self,
        client: UpstreamClient,
        memory: Memory,
        now: Callable[[], float],
        exchange: Exchanger,
        neighbours: Neighbours,
    ) -> None:
        """:param exchange: answers what tools of agent listeners are asked."""
        self._client = client
        self._sessions = sessions = Sessions(memory, now, token_urlsafe, neighbours)
        self._restated = Restated(token_urlsafe, neighbours)
        self._running = running = Running(neighbours)
        peers = Peers(sessions, self._restated)
        self._peers = peers
        self._beginning = Beginning(sessions, peers)
        self._asking = Asking(peers, running)
        self._listening = Listening(peers)
        self._agents = AgentTools(exchange, sessions, running)
        self._flows = Flows(token_urlsafe, neighbours)
        self._stateless = Stateless(Met(), self._flows)

    async def run(self, call: Call, downstream: Downstream) -> None:
        """Answer one request. Cancel it when the client has left."""
        refusal = checks.refusal(call.request, call.listener)
        if refusal is not None:
            downstream.reply(refusal)
            return
        turn = Turn(call, downstream, roster_of(call), self._client)
        of_agents = call.listener.kind is ListenerKind.AGENT
        match call.request.method:
            case "GET" if of_agents:
                downstream.reply(NO_STREAM)
            case "POST":
                message = read(call.request.body)
                if isinstance(message, Refused):
                    turn.refuse(None, message, ResponseDetail.INVALID_JSON)
                else:
                    await (self._ask_agents if of_agents else self._post)(turn, message)
            case "GET":
                if await self._in_session(turn, None):
                    await self._listening.run(turn)
            case _:
                if await self._in_session(turn, None):
                    await self._end(turn)

    async def close(self) -> None:
        """After the last request: end what waits for clients that have not come back."""
        await self._flows.close()

    async def _post(self, turn: Turn, message: Message) -> None:
        turn.call.record.route = message.method
        if is_stateless(turn.call.request.header, message):
            await self._stateless.run(turn, message)
        elif message.method == "initialize" and message.is_request:
            await self._beginning.run(turn, message)
        elif await self._in_session(turn, message.id):
            if message.is_request:
                await self._asking.run(turn, message)
            else:
                await self._pass_on(turn, message)

    async def _ask_agents(self, turn: Turn, message: Message) -> None:
        """The same of an agent listener, whose tools are its agents."""
        turn.call.record.route = message.method
        without = is_stateless(turn.call.request.header, message)
        if message.method == "initialize" and message.is_request:
            await self._agents.begin(turn, message)
        elif without or await self._in_session(turn, message.id):
            if message.is_request:
                await self._agents.run(turn, message, has_session=not without)
            else:
                await self._agents.told(turn, message)

    async def _in_session(self, turn: Turn, id_: bytes | None) -> bool:
        """Whether the request has a session of its caller's; if not it is answered."""
        name = turn.call.request.header(SESSION)
        if name is None:
            turn.downstream.reply(NO_SESSION)
            return False
        turn.live = await self._sessions.find(name, owner_of(turn.call))
        if turn.live is None:
            turn.refuse(id_, SESSION_GONE, ResponseDetail.SESSION_NOT_FOUND)
        return turn.live is not None

    async def _pass_on(self, turn: Turn, message: Message) -> None:
        """What has no response: whoever is not there does not hear it."""
        live = turn.live
        assert live is not None
        status = 202
        if not message.method and await self._restated.answered(message):
            turn.reply(status)
            return
        if message.method == CANCELLED:
            await self._running.cancel(live.id, bytes(message.params.get("requestId", b"")))
        failure: ServerFailedError | None = None
        for member, told in receivers(turn.roster, message):
            peer = live.session.peers.get(member.id)
            if peer is None or not peer.keeps_sessions:
                continue
            try:
                async with self._peers.opened(turn, member, told.body) as answer:
                    body = await answer.whole()
                    if turn.roster.only is not None and answer.status >= 400:
                        turn.reply(answer.status, body, ResponseDetail.VIA_UPSTREAM)
                        return
            except ServerFailedError as problem:
                failure = problem
        if failure is not None and turn.roster.only is not None:
            turn.failed(None, failure)
        else:
            turn.downstream.reply(LocalReply(status, "", ResponseDetail.VIA_UPSTREAM, (), b""))

    async def _end(self, turn: Turn) -> None:
        live = turn.live
        assert live is not None
        await self._sessions.end(live)
        await self._beginning.end(turn, live)
        turn.reply(200, b"", ResponseDetail.LOCAL)
