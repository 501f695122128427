"""A listener for `user_space`: with everything a gateway does switched on, and no socket."""

from dataclasses import replace
from random import Random

from dataplane.clock import MonotonicClock
from dataplane.observe.access_log import AccessLog
from dataplane.observe.metrics import Metrics
from dataplane.observe.recorder import Recorder
from dataplane.resilience.quota_book import Book
from dataplane.runtime.config import (
    Api,
    AuthScheme,
    Cluster,
    Listener,
    ListenerKind,
    ModelProvider,
    ModelTarget,
    Route,
    RuntimeConfig,
    Secret,
)
from dataplane.runtime.protocols import Operation
from dataplane.server.exchange import Exchange
from dataplane.server.limits.limiter import Quotas
from dataplane.server.serving import Services, Serving
from dataplane.tasks import Tasks
from dataplane.upstream.clusters import Clusters
from dataplane.upstream.pool import Pool
from dataplane.wheel import Wheel
from tests.bench.chains import NO_CHAINS, SERVICE, Chains
from tests.bench.contestants.contestant import CLAUDE, MODEL, UPSTREAM_KEY
from tests.bench.featured import PLAIN, Featured, grant
from tests.support.exchanges import exchange_of
from tests.support.gateway import NoExchange

CLAUDE_API = Api(
    Operation.MESSAGES,
    "/v1/messages",
    auth=AuthScheme.X_API_KEY,
    headers=(("anthropic-version", "2023-06-01"),),
)


def serving(log_fd: int, chains: Chains = NO_CHAINS, on: Featured = PLAIN) -> Serving:
    """A model listener with one provider, everything a gateway does switched on."""
    clock, random, tasks = MonotonicClock(), Random(), Tasks()
    metrics, wheel = Metrics(), Wheel(clock.now)
    recorder = Recorder(metrics, AccessLog(log_fd, clock.wall), lambda record: None)
    pool = Pool(wheel, clock.now, tasks)
    clusters = Clusters(pool, random.random)
    # (made of much that changes; a checkout to compare with may be older than that)
    exchange: Exchange | NoExchange = NoExchange()
    if chains.filters:
        exchange = exchange_of(clock, random, tasks, metrics, clusters)
    quotas = Quotas(Book(), clock)
    quotas.settle = recorder.settle
    if on.limits:
        grant(quotas.book, clock.now())
    services = Services(
        quotas=quotas,
        clock=clock,
        random=random,
        wheel=wheel,
        tasks=tasks,
        pool=pool,
        clusters=clusters,
        metrics=metrics,
        recorder=recorder,
        exchange=exchange,
        performer=exchange.performer if isinstance(exchange, Exchange) else None,
    )
    routes = (
        Route("bench/p", "bench", ModelTarget(("p",)), (MODEL,), True, "p", on.retry),
        Route("bench/c", "bench", ModelTarget(("c",)), (CLAUDE,), False, "c", on.retry),
    )
    listener = Listener(
        "bench",
        ListenerKind.MODEL,
        "127.0.0.1",
        0,
        routes=routes,
        by_model={MODEL: routes[0], CLAUDE: routes[1]},
        default_route=routes[0],
        input_filters=chains.input,
        output_filters=chains.output,
        auth=on.auth,
    )
    keys = (Secret(UPSTREAM_KEY),)
    providers = {
        "p": ModelProvider("p", "openai", MODEL, "c", access_keys=keys),
        "c": ModelProvider("c", "anthropic", CLAUDE, "c", (CLAUDE_API,), keys),
    }
    cluster = Cluster("c", on.endpoints, balancing=on.balancing)
    config = RuntimeConfig(
        "1",
        {"bench": listener},
        {"c": cluster, SERVICE.name: SERVICE},
        providers,
        filters=chains.filters,
        api_keys=on.api_keys,
        limits=on.limits,
    )
    return Serving(services, config, listener)


def refusing(log_fd: int, waits: bool) -> Serving:
    """The same with no room for any request; they wait for it or are refused at once."""
    made = serving(log_fd)
    made.request_limit = 0
    if not waits:
        made.limits = replace(made.limits, max_queue=0)
    return made
