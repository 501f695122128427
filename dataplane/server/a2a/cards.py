"""The cards of A2A agents: fetched from the agents' own addresses, kept, fetched again.

Rule: a card that was good stays in use until a better one comes; who knows one does not wait.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from dataplane.agents.a2a.card import PATHS, Card, NoCard, read_card
from dataplane.runtime.agents import Agent, AgentProtocol
from dataplane.runtime.config import Cluster, RuntimeConfig
from dataplane.runtime.effects import CallFailed
from dataplane.runtime.messages import Request
from dataplane.tasks import Tasks
from dataplane.upstream.client import UpstreamClient

log = logging.getLogger(__name__)

REFRESH_S = 300.0
RETRY_S = 5.0
"""After no card came."""
TIMEOUT_S = 5.0
"""Of one fetch."""
MAX_CARD_BYTES = 1 << 20


class _Known:
    """One agent's card."""

    def __init__(self, agent: Agent, cluster: Cluster) -> None:
        self.agent = agent
        self.cluster = cluster
        self.card: Card | NoCard = NoCard("its card has not come yet")
        self.fetched = asyncio.Event()
        """Set when the first fetch is over, however it went."""
        self.task: asyncio.Task[None] | None = None


class Cards:
    """One per worker."""

    def __init__(self, client: UpstreamClient) -> None:
        self._client = client
        self._tasks = Tasks()
        self._known: dict[str, _Known] = {}
        self.on_change: Callable[[], None] = lambda: None
        """Called when a card says something else than before."""

    def configure(self, config: RuntimeConfig) -> None:
        """Fetch the cards of these agents; those whose address stays keep theirs."""
        before, self._known = self._known, {}
        for name, agent in config.agents.items():
            if agent.protocol is not AgentProtocol.A2A:
                continue
            cluster = config.clusters[agent.cluster]
            known = before.pop(name, None)
            if known is None or known.agent != agent or known.cluster != cluster:
                if known is not None:
                    before[name] = known
                known = _Known(agent, cluster)
                known.task = self._tasks.start(self._follow(known), name=f"card of {name}")
            self._known[name] = known
        for gone in before.values():
            if gone.task is not None:
                gone.task.cancel()

    def all(self) -> Mapping[str, Card]:
        """The cards that are known, by agent."""
        found = ((name, known.card) for name, known in self._known.items())
        return {name: card for name, card in found if isinstance(card, Card)}

    async def of(self, agent: Agent) -> Card | NoCard:
        """An agent's card; waits for the first one."""
        known = self._known.get(agent.id)
        if known is None:
            return NoCard("it is not configured any more")
        await known.fetched.wait()
        return known.card

    async def close(self) -> None:
        """Nothing is fetched any more."""
        await self._tasks.close()

    async def _follow(self, known: _Known) -> None:
        while True:
            card = await self._fetch(known)
            if isinstance(card, Card) or not isinstance(known.card, Card):
                changed = isinstance(card, Card) and (
                    not isinstance(known.card, Card) or card.raw != known.card.raw
                )
                if isinstance(card, NoCard) and card != known.card:
                    log.warning("agent %s: %s", known.agent.id, card.reason)
                known.card = card
                known.fetched.set()
                if changed:
                    self.on_change()
            await asyncio.sleep(REFRESH_S if isinstance(card, Card) else RETRY_S)

    async def _fetch(self, known: _Known) -> Card | NoCard:
        prefix = known.agent.path_prefix.rstrip("/")
        found = NoCard("it has no card")
        for base in dict.fromkeys((prefix, "")):
            for path in PATHS:
                headers = (("accept", "application/json"), ("a2a-version", "1.0"))
                request = Request("GET", base + path, headers)
                reply = await self._client.call(known.cluster, request, TIMEOUT_S)
                if isinstance(reply, CallFailed):
                    return NoCard(f"its card cannot be fetched: {reply.message}")
                if reply.status != 200:
                    found = NoCard(f"its card cannot be fetched: it answered {reply.status}")
                    continue
                if len(reply.body) > MAX_CARD_BYTES:
                    return NoCard(f"its card is larger than {MAX_CARD_BYTES} bytes")
                card = read_card(reply.body, prefix)
                if isinstance(card, Card):
                    return card
                found = card
        return found
