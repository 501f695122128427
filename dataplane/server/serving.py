"""What one listener does now: its configuration, with everything that requests need compiled on
first use.

A new configuration makes a new Serving; a request keeps the one it began with.
"""

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Protocol

from dataplane.clock import Clock
from dataplane.observe.metrics import Metrics
from dataplane.observe.recorder import Recorder
from dataplane.routing.match import match_model
from dataplane.runtime.config import (
    Listener,
    ListenerKind,
    ModelTarget,
    Route,
    RuntimeConfig,
)
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.candidates import Candidate
from dataplane.server.downstream import Call, Downstream
from dataplane.tasks import Tasks
from dataplane.upstream.pool import Pool
from dataplane.wheel import Wheel

if TYPE_CHECKING:
    from collections.abc import Callable


class Exchanger(Protocol):
    """The coroutine path: agents and filters."""

    async def run(self, call: Call, downstream: Downstream) -> None:
        """Answer one request through `downstream`."""


@dataclass(frozen=True, slots=True)
class Services:
    """What all listeners of a worker share."""

    clock: Clock
    random: Random
    wheel: Wheel
    tasks: Tasks
    pool: Pool
    metrics: Metrics
    recorder: Recorder
    exchange: Exchanger


Lane = tuple[Candidate, ...]
"""The candidates of one model, in the order they are tried."""


class Serving:
    """One listener under one configuration."""

    def __init__(
        self,
        services: Services,
        config: RuntimeConfig,
        listener: Listener,
        before: "Serving | None" = None,
    ) -> None:
        self.services = services
        self.config = config
        self.listener = listener
        self.name = listener.name
        self.limits = listener.limits
        self.header_limit = listener.limits.max_header_bytes
        self.body_limit = listener.limits.max_body_bytes
        self.request_limit = listener.limits.max_requests
        self.timeout_s = listener.timeout_s
        self.idle_s = listener.limits.idle_timeout_s
        self.random = services.random
        self.recorder = services.recorder
        self.relays = listener.kind is ListenerKind.MODEL and not listener.input_filters
        """Whether nothing needs more than bytes."""
        self.sampling_percent = config.tracing.sampling_percent if config.tracing else None
        self.now: Callable[[], float] = services.clock.now
        self.lanes: dict[str | None, Lane] = {}
        """What `lane` has found so far."""
        self._before = dict(before.lanes) if before is not None else {}

    def lane(self, model: str | None) -> Lane | LocalReply:
        """Work out the candidates for a `model` that is not in `lanes` yet."""
        route = match_model(self.listener, model)
        if isinstance(route, LocalReply):
            return route
        kept = self._before.pop(model, ())
        lane = self._compile(route, kept)
        if not lane:
            return LocalReply(
                503, "No provider serves this model.", ResponseDetail.NO_USABLE_ENDPOINT
            )
        self.lanes[model] = lane  # bounded: only names that have a route get here
        return lane

    def _compile(self, route: Route, kept: Lane) -> Lane:
        match route.target:
            case ModelTarget(providers=providers):
                pass
            case _:
                return ()
        candidates = []
        for name in providers:
            provider = self.config.providers.get(name)
            cluster = self.config.clusters.get(provider.cluster) if provider is not None else None
            if provider is None or cluster is None:
                continue
            same = [c for c in kept if c.made_of(route, provider, cluster)]
            candidates.append(
                same[0]
                if same
                else Candidate(
                    route,
                    provider,
                    cluster,
                    self.services.pool.endpoints(cluster),
                    self.services.metrics.series(self.listener.name, name),
                )
            )
        return tuple(candidates)
