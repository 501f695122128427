"""The cards of A2A agents."""

from collections.abc import Callable

from dataplane.agents.a2a.card import PATHS, Card, read_card
from dataplane.agents.a2a.values import decoded
from dataplane.agents.described import Unknown
from dataplane.runtime.agents import Agent, AgentProtocol
from dataplane.runtime.config import Cluster
from dataplane.runtime.effects import CallFailed
from dataplane.runtime.messages import Request
from dataplane.server.auth.issuers import Issuers
from dataplane.server.following import Following
from dataplane.upstream.client import UpstreamClient

TIMEOUT_S = 5.0
"""Of one fetch."""
MAX_CARD_BYTES = 1 << 20


class Cards(Following[Card]):
    """One per worker."""

    def __init__(self, client: UpstreamClient, issuers: Issuers, now: Callable[[], float]) -> None:
        """:param now: Clock.now."""
        super().__init__(AgentProtocol.A2A, self._card)
        self._client = client
        self._issuers = issuers
        self._now = now

    async def _card(self, agent: Agent, cluster: Cluster) -> Card | Unknown:
        prefix = agent.path_prefix.rstrip("/")
        missing = Unknown("it has no card")
        unfit: Unknown | None = None  # of a document: tells more than that there is none elsewhere
        for base in dict.fromkeys((prefix, "")):
            for path in PATHS:
                headers = (("accept", "application/json"), ("a2a-version", "1.0"))
                request = Request("GET", base + path, headers)
                reply = await self._client.call(cluster, request, TIMEOUT_S)
                if isinstance(reply, CallFailed):
                    return Unknown(f"its card cannot be fetched: {reply.message}")
                if reply.status != 200:
                    missing = Unknown(f"its card cannot be fetched: it answered {reply.status}")
                    continue
                if len(reply.body) > MAX_CARD_BYTES:
                    return Unknown(f"its card is larger than {MAX_CARD_BYTES} bytes")
                card = await self._read(agent, reply.body, prefix)
                if isinstance(card, Card):
                    return card
                unfit = unfit or card
        return unfit or missing

    async def _read(self, agent: Agent, body: bytes, prefix: str) -> Card | Unknown:
        """A card, of which only that counts which is signed where it must be."""
        raw = decoded(body)
        if not isinstance(raw, dict):
            return Unknown("its card is not a JSON object")
        if agent.card_keys is None:
            return read_card(raw, prefix)
        # 10 MB and 0.1 s of cryptography, for those who need it
        from dataplane.server.a2a.signed import checked

        keys, want = self._issuers.keys(agent.card_keys)
        said = await checked(raw, keys, self._now())
        if keys.asked:
            want()
        return said if isinstance(said, Unknown) else read_card(said, prefix)
