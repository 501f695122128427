"""The tools of MCP agents: found in what their servers list."""

from dataplane.agents.a2a.values import Json, mapping, objects
from dataplane.agents.described import Unknown
from dataplane.agents.mcp.tool import Tool, tool_of
from dataplane.mcp import message as rpc
from dataplane.mcp.message import Message, value
from dataplane.mcp.session import Peer
from dataplane.runtime.agents import Agent, AgentProtocol
from dataplane.runtime.config import Cluster
from dataplane.runtime.mcp import McpServer
from dataplane.runtime.messages import Headers
from dataplane.server.following import Following
from dataplane.server.mcp_agents.sessions import ASKED, end, told_to
from dataplane.upstream.client import UpstreamClient
from dataplane.upstream.mcp import Heard, ServerFailedError, Wire, meet, refused_by

MAX_PAGES = 50


class Tools(Following[Tool]):
    """One per worker."""

    def __init__(self, client: UpstreamClient) -> None:
        super().__init__(AgentProtocol.MCP, self._tool)
        self._client = client

    async def _tool(self, agent: Agent, cluster: Cluster) -> Tool | Unknown:
        wire = wire_of(self._client, agent, cluster)
        try:
            peer = await meet(wire, ASKED, sessions_first=False)
            try:
                return tool_of(agent, await _listed(wire.of(peer), peer), peer)
            finally:
                await end(wire, peer)
        except ServerFailedError as problem:
            return Unknown(str(problem).rstrip("."))


def wire_of(client: UpstreamClient, agent: Agent, cluster: Cluster, headers: Headers = ()) -> Wire:
    """How an agent's server is reached; `headers` go along with everything."""
    server = McpServer(agent.label, agent.cluster, agent.path_prefix or "/")
    return Wire(client, cluster, server, headers)


async def _listed(wire: Wire, peer: Peer) -> list[Json]:
    """All tools of a server. Raises ServerFailedError."""
    found: list[Json] = []
    params: Json = {}
    for _ in range(MAX_PAGES):
        heard = await _page(wire, peer, params)
        result = heard.message.members.get("result") if heard.message is not None else None
        if result is None:
            raise refused_by(wire.server.id, heard)
        page = mapping(value(result))
        found += objects(page.get("tools"))
        cursor = page.get("nextCursor")
        if not isinstance(cursor, str) or not cursor:
            break
        params = {"cursor": cursor}
    return found


async def _page(wire: Wire, peer: Peer, params: Json) -> Heard:
    asked = rpc.read(rpc.request(b"1", "tools/list", params))
    assert isinstance(asked, Message)
    asked, more = told_to(peer, asked)
    return await wire.ask(asked.body, more)
