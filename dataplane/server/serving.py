"""What one listener does now: its configuration, with everything that requests need compiled on
first use.

A new configuration makes a new Serving; a request keeps the one it began with.
"""

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Protocol

from dataplane.clock import Clock
from dataplane.filters.builtin import Chains
from dataplane.filters.chain import Chain
from dataplane.llm.translate.responses import history
from dataplane.observe.metrics import Metrics
from dataplane.observe.recorder import Recorder
from dataplane.resilience.standing import Standings
from dataplane.routing.match import match_model, upstream_model
from dataplane.runtime.config import (
    Listener,
    ListenerKind,
    ModelProvider,
    ModelTarget,
    Route,
    RuntimeConfig,
)
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.protocols import Operation
from dataplane.runtime.state_storage import StorageKind
from dataplane.server.accounts import Accounts
from dataplane.server.auth.authenticator import Authenticator
from dataplane.server.auth.issuers import Issuers
from dataplane.server.callers import Callers
from dataplane.server.candidates import Candidate, api_for
from dataplane.server.downstream import Call, Downstream
from dataplane.server.joining import Joining
from dataplane.server.key_rings import KeyRings
from dataplane.server.limits.limiter import Limiter, Quotas, limiter_of, of_all, of_runs
from dataplane.server.surface import Ask
from dataplane.server.tickets import Tickets
from dataplane.tasks import Tasks
from dataplane.upstream.cluster import HASHING
from dataplane.upstream.clusters import Clusters
from dataplane.upstream.pool import Pool
from dataplane.wheel import Wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataplane.observe.record import ExchangeRecord
    from dataplane.observe.series import Series
    from dataplane.observe.tally import Tally
    from dataplane.server.perform import Performer


class Exchanger(Protocol):
    """The coroutine path: agents and filters."""

    async def run(self, call: Call, downstream: Downstream) -> None:
        """Answer one request through `downstream`."""


class Records(Protocol):
    """Who is told of the end of exchanges: see Recorder."""

    def finish_later(self, tally: "Tally", now: float, series: "Series | None") -> None:
        """An exchange of the relay's has ended."""

    def finish(self, record: "ExchangeRecord", now: float, series: "Series | None" = None) -> None:
        """Any other has."""


@dataclass(frozen=True)
class Services:
    """What all listeners of a worker share."""

    clock: Clock
    random: Random
    wheel: Wheel
    tasks: Tasks
    pool: Pool
    clusters: Clusters
    metrics: Metrics
    recorder: Recorder
    exchange: Exchanger
    keys: KeyRings = field(default_factory=KeyRings)
    issuers: Issuers | None = None
    """Whose tokens are known here."""
    standings: Standings = field(default_factory=lambda: Standings(Random()))
    callers: Callers = field(default_factory=Callers)
    quotas: Quotas | None = None
    """What limits are kept by."""
    tickets: Tickets | None = None
    """Of runs: what agents ask of us joins them."""
    mcp: Exchanger | None = None
    """Answers what is asked at `/mcp`."""
    performer: "Performer | None" = None
    """Carries out what filters ask for; there where filters are."""


Lane = tuple[Candidate, ...]
"""The candidates of one model, in the order they are tried."""
Lanes = tuple[dict[str | None, Lane], ...]
MAX_WILD_LANES = 1000
"""Models that only clients name (`openai/*`), compiled and kept."""
COUNTED_HERE = frozenset((Operation.COUNT_TOKENS, Operation.GEMINI_COUNT_TOKENS))
"""What we do ourselves for providers that do not."""


class Serving:
    """One listener under one configuration."""

    def __init__(
        self,
        services: Services,
        config: RuntimeConfig,
        listener: Listener,
        before: "Serving | None" = None,
        like: "Serving | None" = None,
    ) -> None:
        """:param before: that of the configuration before. :param like: its twin of this one."""
        self.services = services
        self.config = config
        self.listener = listener
        self.name = listener.name
        self.limits = listener.limits
        self.header_limit = listener.limits.max_header_bytes
        self.body_limit = listener.limits.max_body_bytes
        self.request_limit = listener.limits.max_requests
        self.queue_timeout_s = listener.limits.queue_timeout_s
        self.precedence = listener.limits.precedence
        self.timeout_s = listener.timeout_s
        self.idle_s = listener.limits.idle_timeout_s
        self.random = services.random
        self.now: Callable[[], float] = services.clock.now
        self.sampling_percent = config.tracing.sampling_percent if config.tracing else None
        self._keeps = config.state_storage.kind is not StorageKind.NONE
        of_models = listener.kind is ListenerKind.MODEL and not config.model_routing.active
        self.relays = of_models and not listener.filters
        """Whether nothing needs more than bytes."""
        self.only_filters = of_models and listener.filters
        """Whether nothing needs more than filters and bytes."""
        self.recorder: Records = services.recorder if like is None else like.recorder
        self.chain: Callable[[tuple[str, ...]], Chain]
        """The filters of these names."""
        self.input: Chain
        self.output: Chain
        """Filters of the listener."""
        self.in_task: bool
        """Whether filters of requests may only run within a task."""
        self.auth: Authenticator | Joining | None
        """Finds out who calls; None: everybody may."""
        self.limiter: Limiter | None
        """None: nothing is limited here."""
        self.lanes: Lanes
        """What `lane` has found so far: by place of the operation, then by model."""
        self._wild: dict[tuple[int, str | None], None]
        """Lanes whose models are named by no config, only by clients ("openai/anything" of a
        wildcard, "anything/gpt-4o"), oldest first.
        """
        self._before: Lanes
        self._surveys: bool | None = None
        self._budgets: Limiter | None = None
        self._has_budgets = True
        self._within_runs: Serving | None = None
        self._accounted: Serving | None = None
        if like is None:
            self._begin(before)
        else:
            self._share(like)

    def _begin(self, before: "Serving | None") -> None:
        listener, config = self.listener, self.config
        self.chain = Chains(config.filters).of
        self.input = self.chain(listener.input_filters)
        self.output = self.chain(listener.output_filters)
        self.in_task = self.input.in_task or any(
            self.chain(route.input_filters).in_task for route in listener.routes
        )
        self.auth = self._authenticator(before)
        self.limiter = limiter_of(self.services.quotas, config, listener.name)
        self.lanes = tuple({} for _ in Operation)
        self._wild = {}
        self._before = ()
        if before is not None:
            self._before = tuple(dict(lanes) for lanes in before.lanes)

    def _share(self, twin: "Serving") -> None:
        self.chain = twin.chain
        self.input = twin.input
        self.output = twin.output
        self.in_task = twin.in_task
        self.auth = twin.auth
        self.limiter = twin.limiter
        self.lanes = twin.lanes
        self._wild = twin._wild
        self._before = twin._before

    def _twin(self) -> "Serving":
        """Another one of the same; what it finds out, this one has found out, too."""
        return Serving(self.services, self.config, self.listener, None, self)

    def chains(self, route: Route) -> tuple[Chain, Chain]:
        """Those of a route, and all that see its answers."""
        output = self.output.names
        if route.output_filters:
            output = (*route.output_filters, *output)
        return self.chain(route.input_filters), self.chain(output)

    @property
    def surveys(self) -> bool:
        """Whether more is asked of requests than their model."""
        found = self._surveys
        if found is None:
            clusters = self.config.clusters.values()
            found = self._surveys = self.limiter is not None or any(
                one.balancing.kind in HASHING for one in clusters
            )
        return found

    @property
    def budgets(self) -> Limiter | None:
        """Holds runs to their budgets; None: none of them has one."""
        if self._budgets is None and self._has_budgets:
            self._budgets = limiter_of(self.services.quotas, self.config, self.name, of_runs)
            self._has_budgets = self._budgets is not None
        return self._budgets

    @property
    def within_runs(self) -> "Serving":
        """The same for requests that an agent sends within a run."""
        made = self._within_runs
        if made is None:
            made = self._within_runs = self._twin()
            made.auth = Joining(self.auth) if isinstance(self.auth, Authenticator) else None
            if self.listener.kind is not ListenerKind.AGENT:  # there it is looked at step by step
                made.limiter = limiter_of(self.services.quotas, self.config, self.name, of_all)
        return made

    @property
    def accounted(self) -> "Serving":
        """The same where the run's conversation wants to know what they cost."""
        made = self._accounted
        if made is None:
            tickets = self.services.tickets
            made = self.within_runs
            if tickets is not None and self.config.model_routing.prices:
                made = made.told_to(Accounts(made.recorder, self.config, tickets.on_spent))
            self._accounted = made
        return made

    def told_to(self, recorder: Records) -> "Serving":
        """The same for one exchange, whose end is told to somebody else first."""
        twin = self._twin()
        twin.recorder = recorder
        twin._surveys = self.surveys  # found out once, not for every exchange
        return twin

    def _authenticator(self, before: "Serving | None") -> Authenticator | None:
        """That of the configuration before, with all it has accepted, while nothing differs."""
        auth, name, keys = self.listener.auth, self.listener.name, self.config.api_keys
        if auth is None:
            return None
        had = before.auth if before is not None else None
        if isinstance(had, Authenticator) and had.made_of(auth, name, keys):
            return had
        issuers = self.services.issuers
        tokens = issuers.tokens(auth.jwt) if auth.jwt is not None and issuers is not None else None
        return Authenticator(auth, name, keys, self.services.clock.wall, tokens)

    def needs_more(self, ask: Ask, body: bytes) -> bool:
        """Whether a request of the Responses API must go the coroutine's way although the listener
        relays: something is to be remembered, or to be looked up.
        """
        if ask.stored is not None:
            return True
        turn = history.turn(body)
        return turn is not None and bool(turn.previous or (turn.stored and self._keeps))

    def lane_of(self, ask: Ask, models: "Sequence[str]") -> Lane | LocalReply:
        """The candidates for several models, in their order; those nobody has are left out."""
        found: list[Candidate] = []
        problem: LocalReply | None = None
        for model in models:
            lane = self.lanes[ask.place].get(model) or self.lane(ask, model)
            if isinstance(lane, LocalReply):
                problem = problem or lane
            else:
                found += lane
        return tuple(found) if found or problem is None else problem

    def lane(self, ask: Ask, model: str | None) -> Lane | LocalReply:
        """Work out the candidates for a `model` that is not in `lanes` yet.

        An empty lane: its providers do not count tokens, so we do.
        """
        route = match_model(self.listener, model)
        if isinstance(route, LocalReply):
            return route
        kept = self._before[ask.place].pop(model, ()) if self._before else ()
        lane, provider = self._compile(route, ask.operation, model, kept)
        if lane:
            self.lanes[ask.place][model] = lane
            if model is not None and model not in self.listener.by_model:
                self._remember(ask.place, model)
            return lane
        if provider is None:
            return LocalReply(
                503, "No provider serves this model.", ResponseDetail.NO_USABLE_ENDPOINT
            )
        if ask.operation in COUNTED_HERE:
            return ()
        return LocalReply(
            400,
            f"The provider of this model has no {ask.operation.value} API.",
            ResponseDetail.UNTRANSLATABLE,
        )

    def _remember(self, place: int, model: str | None) -> None:
        """Other lanes are bounded by the configuration."""
        self._wild[place, model] = None
        if len(self._wild) > MAX_WILD_LANES:
            oldest, name = next(iter(self._wild))
            del self._wild[oldest, name]
            self.lanes[oldest].pop(name, None)

    def _compile(
        self, route: Route, operation: Operation, asked: str | None, kept: Lane
    ) -> tuple[Lane, ModelProvider | None]:
        """The lane, and any provider that is there."""
        match route.target:
            case ModelTarget(providers=providers):
                pass
            case _:
                return (), None
        candidates = []
        provider = None
        for name in providers:
            provider = self.config.providers.get(name) or provider
            if provider is None or provider.name != name:
                continue
            cluster = self.config.clusters.get(provider.cluster)
            api = api_for(provider, operation)
            if cluster is None or api is None:
                continue
            same = [c for c in kept if c.made_of(route, provider, cluster)]
            candidates.append(
                same[0]
                if same
                else Candidate(
                    route,
                    provider,
                    cluster,
                    self.services.clusters.of(cluster),
                    self.services.metrics.series(self.listener.name, name),
                    *api,
                    upstream_model(provider.model, asked),
                    self.services.clock.wall,
                    self.services.standings.of(cluster.name),
                    self.services.keys.of(provider),
                )
            )
        return tuple(candidates), provider
