"""What agents say of themselves: fetched from their own addresses, kept, fetched again.

Rule: what was good stays in use until something better comes; who knows an agent does not wait.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Generic, TypeVar

from dataplane.agents.described import Unknown
from dataplane.agents.plan import sets_of
from dataplane.agents.versions import as_version
from dataplane.runtime.agents import Agent, AgentProtocol
from dataplane.runtime.config import Cluster, RuntimeConfig
from dataplane.tasks import Tasks

log = logging.getLogger(__name__)

REFRESH_S = 300.0
RETRY_S = 5.0
"""After nothing came."""
ONLY_ID = (
    "has not said what it is: until it does, or has a `description`, its id is all routers have"
)
K = TypeVar("K")
Fetch = Callable[[Agent, Cluster], Awaitable[K | Unknown]]


class _Known(Generic[K]):
    """One agent, or one version of one."""

    def __init__(self, agent: Agent, cluster: Cluster) -> None:
        self.agent = agent
        self.cluster = cluster
        self.found: K | Unknown = Unknown("it has not said yet what it is")
        self.fetched = asyncio.Event()
        """Set when the first fetch is over, however it went."""
        self.again = asyncio.Event()
        """Set when somebody doubts what is known."""
        self.task: asyncio.Task[None] | None = None
        self.warned = False
        """Whether it was said that nothing is known of it."""


class Following(Generic[K]):
    """The agents of one protocol. One per worker."""

    def __init__(self, protocol: AgentProtocol, fetch: Fetch[K]) -> None:
        self._protocol = protocol
        self._fetch = fetch
        self._tasks = Tasks()
        self._known: dict[str, _Known[K]] = {}
        """By cluster, which is an agent's or a version's own."""
        self._of: dict[str, str] = {}
        """The clusters of agents."""
        self._needed: frozenset[str] = frozenset()
        """Agents that some listener has no description of, and several to choose among."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when an agent says something else than before."""

    def configure(self, config: RuntimeConfig) -> None:
        """Follow these agents; those whose address stays keep what is known of them."""
        before, self._known = self._known, {}
        self._of = {}
        self._needed = frozenset(_undescribed(config))
        for agent in _places(config, self._protocol):
            cluster = config.clusters[agent.cluster]
            known = before.pop(agent.cluster, None)
            if known is None or known.agent != agent or known.cluster != cluster:
                if known is not None:
                    before[agent.cluster] = known
                known = _Known(agent, cluster)
                known.task = self._tasks.start(self._follow(known), name=f"what {agent.label} is")
            self._known[agent.cluster] = known
            self._of.setdefault(agent.id, config.agents[agent.id].cluster)
            self._warn(known)
        for gone in before.values():
            if gone.task is not None:
                gone.task.cancel()

    def all(self) -> Mapping[str, K]:
        """What is known, by agent; of one with versions, what the heaviest says."""
        found = ((name, self._known[cluster].found) for name, cluster in self._of.items())
        return {name: one for name, one in found if not isinstance(one, Unknown)}

    def standing(self) -> Mapping[str, bool]:
        """Whether each agent, or version of one, has said what it is."""
        every = self._known.values()
        return {one.agent.label: not isinstance(one.found, Unknown) for one in every}

    async def of(self, agent: Agent) -> K | Unknown:
        """What an agent, or a version of one, says; waits for the first time."""
        known = self._known.get(agent.cluster)
        if known is None:
            return Unknown("it is not configured any more")
        await known.fetched.wait()
        return known.found

    def doubt(self, agent: Agent) -> None:
        """It behaves as if it were something else by now."""
        known = self._known.get(agent.cluster)
        if known is not None:
            known.again.set()

    async def close(self) -> None:
        """Nothing is fetched any more."""
        await self._tasks.close()

    def _warn(self, known: _Known[K]) -> None:
        """Once, and not before it was asked: the parts of a config come one by one."""
        silent = known.fetched.is_set() and isinstance(known.found, Unknown)
        if silent and known.agent.id in self._needed and not known.warned:
            known.warned = True
            log.warning("agent %s %s", known.agent.label, ONLY_ID)

    async def _follow(self, known: _Known[K]) -> None:
        while True:
            found = await self._fetch(known.agent, known.cluster)
            if isinstance(found, Unknown):
                if isinstance(known.found, Unknown):
                    if found != known.found:
                        log.warning("agent %s: %s", known.agent.label, found.reason)
                    known.found = found
            else:
                changed, known.found = found != known.found, found
                if changed:
                    self.on_change()
            known.fetched.set()
            self._warn(known)
            known.again.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S if isinstance(found, Unknown) else REFRESH_S):
                    await known.again.wait()


def _undescribed(config: RuntimeConfig) -> Iterator[str]:
    for listener in config.listeners.values():
        for agents in sets_of(listener):
            yield from (target.agent for target in agents if not target.description)


def _places(config: RuntimeConfig, protocol: AgentProtocol) -> Iterator[Agent]:
    """The agents of a protocol, and each version of theirs, as far as their words depend on it: a
    version's are the same whatever its weight, and that of others.
    """
    for agent in config.agents.values():
        if agent.protocol is not protocol:
            continue
        alone = replace(agent, versions=(), shadow=None, retry=())
        if not agent.versions:
            yield alone
        for version in agent.versions:
            yield as_version(alone, version)
