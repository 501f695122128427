"""Agents that are tools of MCP servers, asked as every other agent is.

Rule: whoever leaves takes the call along: what still runs is cancelled, in the way that the
server's generation of the protocol has for it.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

from msgspec import Raw

from dataplane.agents.described import Unknown
from dataplane.agents.mcp.asking import arguments, mirrored
from dataplane.agents.mcp.tool import Tool
from dataplane.agents.spoken import Saying
from dataplane.clock import Clock
from dataplane.llm.chat import parse_chat
from dataplane.mcp import message as rpc
from dataplane.mcp.message import Code, Message, Refused, encode
from dataplane.mcp.session import Peer
from dataplane.runtime.agents import Agent
from dataplane.runtime.config import Cluster
from dataplane.runtime.messages import Headers, LocalReply, Request, ResponseDetail
from dataplane.server.heard import OnProgress
from dataplane.server.mcp.turn import OURS
from dataplane.server.mcp_agents.heard import HeardTool
from dataplane.server.mcp_agents.sessions import as_upstream, begun, end, told_to
from dataplane.server.mcp_agents.tools import Tools, wire_of
from dataplane.tasks import Tasks
from dataplane.upstream.asked import Asked
from dataplane.upstream.client import Answer, UpstreamClient
from dataplane.upstream.mcp import ACCEPT, JSON, ServerFailedError, Wire, of_session

STALE = (400, 404, 405)
"""Statuses with which a server says that it is not spoken to as it should be."""
_NOT_SENT = OURS | {"content-type"}


class ToolAgents:
    """How agents of `protocol: mcp` are asked. One per worker."""

    def __init__(self, client: UpstreamClient, tools: Tools, clock: Clock, random: Random) -> None:
        self._client = client
        self._tools = tools
        self._clock = clock
        self._random = random
        self._tasks = Tasks()

    async def close(self) -> None:
        """What is on its way gets there."""
        await self._tasks.drained()

    async def asking(
        self,
        agent: Agent,
        cluster: Cluster,
        request: Request,
        *,
        stream: bool,
        progress: OnProgress | None,
    ) -> "ToolQuestion | LocalReply":
        """A question, made ready; a refusal when the agent cannot be asked at all."""
        chat = parse_chat(request.body)
        if isinstance(chat, LocalReply):
            return chat
        tool = await self._tools.of(agent)
        if isinstance(tool, Unknown):
            return LocalReply(502, f"{tool.reason}.", ResponseDetail.AGENT_FAILED)
        headers = tuple(one for one in request.headers if one[0].lower() not in _NOT_SENT)
        wire = wire_of(self._client, agent, cluster, headers)
        saying = Saying(chat.body, chat.model, self._id(), int(self._clock.wall()))
        call_id = encode(f"outrider-{self._id()}")
        called_with = arguments(tool, chat.turns)
        meta = {"progressToken": Raw(call_id)}
        params = {"name": tool.name, "arguments": called_with, "_meta": meta}
        asked = rpc.read(rpc.request(call_id, "tools/call", params))
        assert isinstance(asked, Message)
        question = _Question(asked, mirrored(tool, called_with), saying, stream, progress)
        return ToolQuestion(self, agent, tool, wire, request, question)

    def end(self, asking: "ToolQuestion", peer: Peer) -> None:
        """Nothing more is wanted of a server."""
        if peer.session:
            left = None if asking.over else asking.question.asked.id
            self._tasks.start(end(asking.wire, peer, left), name="end of an MCP call")

    def doubt(self, asking: "ToolQuestion", status: int) -> None:
        """A server may have become another one."""
        if status in STALE:
            self._tools.doubt(asking.agent)

    def answer(self, asking: "ToolQuestion", peer: Peer, asked: Message) -> None:
        """A server asks for something: whether we are there, or what we have not offered."""
        if asked.method == "ping":
            body = rpc.result(asked.id, {})
        else:
            refused = Refused(Code.METHOD_NOT_FOUND, "This client offers nothing of the kind.")
            body = rpc.error(asked.id, refused)
        self._tasks.start(_told(asking.wire.of(peer), body, peer), name="answer to an MCP server")

    def _id(self) -> str:
        return f"{self._random.getrandbits(96):024x}"


async def _told(wire: Wire, body: bytes, peer: Peer) -> None:
    try:
        await wire.tell(body, of_session(peer))
    except ServerFailedError:
        return  # the call itself will show it


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, and how its answer is wanted."""

    asked: Message
    mirrored: Headers
    saying: Saying
    stream: bool
    """Whether the answer is wanted as a streamed chat completion."""
    progress: OnProgress | None


@dataclass(slots=True)
class ToolQuestion:
    """Implements Reading (server/heard.py)."""

    agents: ToolAgents
    agent: Agent
    tool: Tool
    wire: Wire
    request: Request
    """In chat: what it costs is judged by that."""
    question: _Question
    peer: Peer = Peer("")
    """Of the attempt that runs."""
    over: bool = False
    """Whether the server has nothing more to do for it."""
    is_live = False

    @asynccontextmanager
    async def opened(
        self, client: UpstreamClient, cluster: Cluster, asked: Asked
    ) -> AsyncGenerator[Answer, None]:
        """See Reading."""
        self.over = False
        try:
            self.peer = peer = await begun(self.wire, self.tool.peer)
        except ServerFailedError as problem:
            self.agents.doubt(self, problem.answered)
            raise as_upstream(problem) from problem
        try:
            told, more = told_to(peer, self.question.asked)
            headers = (*ACCEPT, *JSON, *more, *self.question.mirrored, *self.wire.headers)
            request = Request("POST", self.wire.server.path, headers, told.body)
            async with client.open(cluster, request, asked, at=peer.endpoint) as answer:
                self.agents.doubt(self, answer.status)
                yield answer
        finally:
            self.agents.end(self, peer)

    def read(self, answer: Answer) -> HeardTool:
        """See Reading."""
        return HeardTool(self, answer)

    def close(self) -> None:
        """See Reading. Each attempt has ended by itself."""
