"""How agents are asked, for tests that ask them without a gateway."""

from random import Random

from dataplane.clock import Clock
from dataplane.server.a2a.agents import A2aAgents
from dataplane.server.a2a.cards import Cards
from dataplane.server.auth.issuers import Issuers
from dataplane.server.mcp_agents.asking import ToolAgents
from dataplane.server.mcp_agents.tools import Tools
from dataplane.server.readings import Readings
from dataplane.sessions.remembering import Remembering
from dataplane.upstream.client import UpstreamClient


def a2a_agents(client: UpstreamClient, clock: Clock) -> A2aAgents:
    """In A2A; what is remembered is remembered in this process."""
    memory = Remembering(None, clock.wall)
    cards = Cards(client, Issuers(clock.now, Random(1)), clock.now)
    return A2aAgents(client, cards, memory, clock, Random(1))


def readings(client: UpstreamClient, clock: Clock) -> Readings:
    """In any protocol."""
    tools = ToolAgents(client, Tools(client), clock, Random(1))
    return Readings(Random(1), a2a_agents(client, clock), tools)
