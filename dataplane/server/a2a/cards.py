"""The cards of A2A agents."""

from dataplane.agents.a2a.card import PATHS, Card, read_card
from dataplane.agents.described import Unknown
from dataplane.runtime.agents import Agent, AgentProtocol
from dataplane.runtime.config import Cluster
from dataplane.runtime.effects import CallFailed
from dataplane.runtime.messages import Request
from dataplane.server.following import Following
from dataplane.upstream.client import UpstreamClient

TIMEOUT_S = 5.0
"""Of one fetch."""
MAX_CARD_BYTES = 1 << 20


class Cards(Following[Card]):
    """One per worker."""

    def __init__(self, client: UpstreamClient) -> None:
        super().__init__(AgentProtocol.A2A, self._card)
        self._client = client

    async def _card(self, agent: Agent, cluster: Cluster) -> Card | Unknown:
        prefix = agent.path_prefix.rstrip("/")
        found = Unknown("it has no card")
        for base in dict.fromkeys((prefix, "")):
            for path in PATHS:
                headers = (("accept", "application/json"), ("a2a-version", "1.0"))
                request = Request("GET", base + path, headers)
                reply = await self._client.call(cluster, request, TIMEOUT_S)
                if isinstance(reply, CallFailed):
                    return Unknown(f"its card cannot be fetched: {reply.message}")
                if reply.status != 200:
                    found = Unknown(f"its card cannot be fetched: it answered {reply.status}")
                    continue
                if len(reply.body) > MAX_CARD_BYTES:
                    return Unknown(f"its card is larger than {MAX_CARD_BYTES} bytes")
                card = read_card(reply.body, prefix)
                if isinstance(card, Card):
                    return card
                found = card
        return found
