"""The cards of A2A agents."""

from collections.abc import Callable
from dataclasses import dataclass

from dataplane.agents.a2a.card import PATHS, Card, read_card
from dataplane.agents.a2a.values import decoded
from dataplane.agents.described import Unknown
from dataplane.runtime.agents import Agent, AgentProtocol
from dataplane.runtime.config import Cluster, RuntimeConfig
from dataplane.runtime.effects import CallFailed
from dataplane.runtime.messages import Headers, HttpReply, Request
from dataplane.server.auth.issuers import Issuers
from dataplane.server.following import Following
from dataplane.upstream.client import UpstreamClient

TIMEOUT_S = 5.0
"""Of one fetch."""
MAX_CARD_BYTES = 1 << 20
MAX_ETAG = 256
NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class _Kept:
    """A card as it came, and what its server calls this state of it."""

    cluster: Cluster
    path: str
    etag: str
    body: bytes


class Cards(Following[Card]):
    """One per worker."""

    def __init__(self, client: UpstreamClient, issuers: Issuers, now: Callable[[], float]) -> None:
        """:param now: Clock.now."""
        super().__init__(AgentProtocol.A2A, self._card)
        self._client = client
        self._issuers = issuers
        self._now = now
        self._kept: dict[str, _Kept] = {}
        """By cluster."""

    def configure(self, config: RuntimeConfig) -> None:
        """See Following."""
        super().configure(config)
        kept = self._kept.items()
        self._kept = {name: one for name, one in kept if name in config.clusters}

    async def _card(self, agent: Agent, cluster: Cluster) -> Card | Unknown:
        prefix = agent.path_prefix.rstrip("/")
        kept = self._kept.get(cluster.name)
        if kept is not None and kept.cluster != cluster:
            kept = None  # another server may have the same word for something else
        missing = Unknown("it has no card")
        unfit: Unknown | None = None  # of a document: tells more than that there is none elsewhere
        for base in dict.fromkeys((prefix, "")):
            for path in PATHS:
                had = kept if kept is not None and kept.path == base + path else None
                reply = await self._asked(cluster, base + path, had.etag if had else "")
                if isinstance(reply, CallFailed):
                    return Unknown(f"its card cannot be fetched: {reply.message}")
                if had is not None and reply.status == NOT_MODIFIED:
                    return await self._read(agent, had.body, prefix)  # (its keys may be others)
                if reply.status != 200:
                    missing = Unknown(f"its card cannot be fetched: it answered {reply.status}")
                    continue
                if len(reply.body) > MAX_CARD_BYTES:
                    return Unknown(f"its card is larger than {MAX_CARD_BYTES} bytes")
                card = await self._read(agent, reply.body, prefix)
                if isinstance(card, Card):
                    self._keep(cluster, base + path, reply)
                    return card
                unfit = unfit or card
        return unfit or missing

    async def _asked(self, cluster: Cluster, path: str, etag: str = "") -> HttpReply | CallFailed:
        headers: Headers = (("accept", "application/json"), ("a2a-version", "1.0"))
        if etag:
            headers = (*headers, ("if-none-match", etag))
        return await self._client.call(cluster, Request("GET", path, headers), TIMEOUT_S)

    def _keep(self, cluster: Cluster, path: str, reply: HttpReply) -> None:
        """What the next fetch need not bring again."""
        tags = (value for name, value in reply.headers if name.lower() == "etag")
        etag = next(tags, "")
        self._kept.pop(cluster.name, None)
        if 0 < len(etag) <= MAX_ETAG:
            self._kept[cluster.name] = _Kept(cluster, path, etag, reply.body)

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
