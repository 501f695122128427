"""By an agent's protocol: how it is asked what is said in chat."""

from random import Random
from typing import TYPE_CHECKING

from dataplane.agents.wire import worded
from dataplane.runtime.agents import Agent, AgentProtocol
from dataplane.runtime.messages import LocalReply, Request
from dataplane.server.heard import ModelReading, OnProgress, Reading

if TYPE_CHECKING:
    from dataplane.server.a2a.agents import A2aAgents
    from dataplane.server.downstream import Call
    from dataplane.server.mcp_agents.asking import ToolAgents


class Readings:
    """Makes them. One per worker."""

    def __init__(self, random: Random, a2a: "A2aAgents", mcp: "ToolAgents") -> None:
        self._random = random
        self._a2a = a2a
        self._mcp = mcp

    async def of(
        self,
        call: "Call",
        agent: Agent,
        request: Request,
        *,
        stream: bool,
        progress: OnProgress | None = None,
    ) -> Reading | LocalReply | None:
        """None: it speaks chat. A refusal: it cannot be asked that."""
        match agent.protocol:
            case AgentProtocol.CHAT:
                return None
            case AgentProtocol.A2A:
                return await self._a2a.asking(call, agent, request, stream=stream)
            case AgentProtocol.MCP:
                cluster = call.config.clusters[agent.cluster]
                return await self._mcp.asking(
                    agent, cluster, request, stream=stream, progress=progress
                )
            case _:
                found = worded(agent, request, f"{self._random.getrandbits(96):024x}")
                return found if isinstance(found, LocalReply) else ModelReading(found)
