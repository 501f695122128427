"""The coroutine path as a data plane has it, without a data plane around it."""

from functools import partial
from random import Random

from dataplane.clock import Clock
from dataplane.observe.latency import Latencies
from dataplane.observe.metrics import Metrics
from dataplane.observe.recorder import Recorder
from dataplane.observe.tracing import Tracer
from dataplane.resilience.standing import Standings
from dataplane.runtime.config import RuntimeConfig
from dataplane.runtime.decision import Decision
from dataplane.server.asking import Asking
from dataplane.server.callers import Callers
from dataplane.server.exchange import Exchange
from dataplane.server.outside.outside import Outside
from dataplane.server.responses import ResponsesState
from dataplane.server.shadowing import Shadows
from dataplane.server.tickets import Tickets
from dataplane.sessions.opened import opened
from dataplane.sessions.remembering import Remembering
from dataplane.tasks import Tasks
from dataplane.upstream.client import UpstreamClient
from dataplane.upstream.clusters import Clusters
from tests.support.readings import a2a_agents, readings


class NoRouter:
    """Nobody asks for agents here."""

    async def decide_among(self, *_: object) -> Decision:
        """See Decider."""
        raise AssertionError

    async def embed(self, text: str) -> None:
        """See Decider."""
        raise AssertionError

    def configure(self, config: RuntimeConfig) -> None:
        """See Decider."""

    async def close(self) -> None:
        """See Decider."""


def exchange_of(
    clock: Clock, random: Random, tasks: Tasks, metrics: Metrics, clusters: Clusters
) -> Exchange:
    """It keeps nothing on disk, and nobody traces it."""
    client = UpstreamClient(clusters)
    tracer = Tracer(clock, random.getrandbits)
    standings = Standings(random)
    asking = Asking(client, clock, random, standings, Callers(), readings(client, clock))
    recorder = Recorder(metrics, None, lambda record: None)
    return Exchange(
        client,
        NoRouter(),
        tracer,
        clock,
        Remembering(None, clock.wall),
        Latencies(clock.now),
        ResponsesState(partial(opened, folder=None, wall=clock.wall)),
        asking,
        random.getrandbits,
        Tickets(bytes(32), random.getrandbits, clock.wall),
        Shadows(asking, clock, random, recorder, metrics),
        a2a_agents(client, clock),
        Outside(client, clock, tasks),
    )
