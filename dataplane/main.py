"""One worker of a data plane: the only place that constructs its parts and ties them together.

The order of a start: the last good config from disk is served first, then the control plane is
looked for. The order of an end: no new config, no new connection, finish what runs, write what is
left.
"""

import asyncio
import gc
import logging
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random

from dataplane.admin.worker import WorkerAdmin, WorkerFacts
from dataplane.bootstrap import Bootstrap, socket_path
from dataplane.clock import Clock, MonotonicClock
from dataplane.limit_stores import Leases, LimitStores
from dataplane.observe import build
from dataplane.observe.access_log import AccessLog
from dataplane.observe.latency import Latencies
from dataplane.observe.metrics import Metrics
from dataplane.observe.recorder import Recorder
from dataplane.observe.tracing import Tracer
from dataplane.process import open_log, raise_file_limit, until_parent_ends
from dataplane.resilience.backoff import Backoff
from dataplane.resilience.quota_book import Book
from dataplane.resilience.standing import Standings
from dataplane.run_key import BadRunKeyError, run_key
from dataplane.runtime.limits import LimitsStorage
from dataplane.server import front
from dataplane.server.a2a.agents import A2aAgents
from dataplane.server.a2a.cards import Cards
from dataplane.server.asking import Asking
from dataplane.server.auth.issuers import Issuers
from dataplane.server.callers import Callers
from dataplane.server.claims import Claims, folder_of
from dataplane.server.deciding import Deciding, Making
from dataplane.server.exchange import Exchange
from dataplane.server.limits.limiter import Quotas
from dataplane.server.listeners import Listeners
from dataplane.server.mcp.gateway import McpGateway
from dataplane.server.mcp_agents.asking import ToolAgents
from dataplane.server.mcp_agents.tools import Tools
from dataplane.server.neighbours import Neighbours
from dataplane.server.outside.outside import Outside
from dataplane.server.readings import Readings
from dataplane.server.responses import ResponsesState
from dataplane.server.serving import Services
from dataplane.server.shadowing import Shadows
from dataplane.server.tickets import Tickets
from dataplane.sessions.opened import opened
from dataplane.sessions.remembering import Remembering
from dataplane.tasks import Tasks
from dataplane.upstream.client import UpstreamClient
from dataplane.upstream.clusters import Clusters
from dataplane.upstream.pool import Pool
from dataplane.upstream.reports import ClusterReports
from dataplane.wheel import Wheel
from dataplane.worker import Worker
from dataplane.xds.channel import ControlPlane
from dataplane.xds.client import ConfigRejectedError, Node, XdsClient
from dataplane.xds.lastgood import LastGood, Saver
from dataplane.xds.leases import LeaseClient
from dataplane.xds.reporting import Reporting
from dataplane.xds.run_keys import HandedKeys
from dataplane.xds.secrets import Secrets
from dataplane.xds.state import XdsState

log = logging.getLogger(__name__)

GC_THRESHOLDS = (20_000, 20, 10)
"""Requests leave hardly any cycles behind, so looking for them often is work for nothing: JSON over
Envoy was 0.93 with Python's own thresholds and 0.91 with these, the SSE burst 0.96 and 0.93.
"""
SWITCH_S = 0.0005
"""How long a thread that translates or decides may keep the loop waiting. Python's own 5 ms made
the loop late by 4.7 ms (p99) beside the translation of 1 MB; this makes it 0.3.
"""
FLUSH_EVERY_S = 0.2
"""How late the last lines of the access log may be when traffic stops."""
USAGE_ERROR = 2


@asynccontextmanager
async def running_worker(
    bootstrap: Bootstrap, environ: Mapping[str, str], making: Making | None = None
) -> AsyncIterator[Worker]:
    """A worker that serves what is on disk and follows its control plane; closed when left.

    :param making: of routers, for who has several workers in one process.

    Raises OSError when the access log cannot be opened.
    """
    clock, random, tasks = MonotonicClock(), Random(), Tasks()
    log_file = open_log(bootstrap.access_log)
    access_log = AccessLog(log_file.fileno(), clock.wall)
    wheel = Wheel(clock.now)
    pool = Pool(wheel, clock.now, tasks)
    clusters = Clusters(pool, random.random, bootstrap.zone)
    metrics = Metrics()
    build.tell(metrics, front.__file__)
    tracer = Tracer(clock, random.getrandbits)
    recorder = Recorder(metrics, access_log, tracer.finish)
    memory = Remembering(_sessions_file(bootstrap), clock.wall)
    recorder.latencies = Latencies(clock.now)
    responses = ResponsesState(partial(opened, folder=bootstrap.runtime_dir, wall=clock.wall))
    client = UpstreamClient(clusters)
    standings, callers = Standings(random), Callers()
    key = run_key(bootstrap.run_key_file, bootstrap.state_dir)
    tickets = Tickets(key, random.getrandbits, clock.wall)
    issuers = Issuers(clock.now, random)
    cards = Cards(client, issuers, clock.now)
    a2a_agents = A2aAgents(client, cards, memory, clock, random)
    tools = Tools(client)
    tool_agents = ToolAgents(client, tools, clock, random)
    outside = Outside(client, clock, tasks)
    readings = Readings(random, a2a_agents, tool_agents)
    asking = Asking(client, clock, random, standings, callers, readings)
    exchange = Exchange(
        client,
        Deciding(making or Making(bootstrap.router_encoders)),
        tracer,
        clock,
        memory,
        recorder.latencies,
        responses,
        asking,
        random.getrandbits,
        tickets,
        Shadows(asking, clock, random, recorder, metrics),
        a2a_agents,
        outside,
    )
    exchange.observe(metrics)
    metrics.gauge(
        "outrider_issuer_keys",
        "Keys known of those whose tokens and cards are accepted; none: nothing of theirs is.",
        ("issuer",),
        issuers.states,
    )
    book = Book()
    book.holders = bootstrap.workers
    quotas = Quotas(book, clock)
    quotas.settle = recorder.settle
    limits = LimitStores(quotas, partial(_leases, bootstrap, book, clock, random))
    limits.measure(metrics)
    neighbours = Neighbours(bootstrap.worker or 0, bootstrap.workers, bootstrap.runtime_dir)
    mcp = McpGateway(client, memory, clock.now, exchange, neighbours)
    await neighbours.start()
    services = Services(
        clock=clock,
        random=random,
        wheel=wheel,
        tasks=tasks,
        pool=pool,
        clusters=clusters,
        metrics=metrics,
        recorder=recorder,
        exchange=exchange,
        standings=standings,
        callers=callers,
        issuers=issuers,
        quotas=quotas,
        tickets=tickets,
        mcp=mcp,
        performer=exchange.performer,
    )
    metrics.gauge(
        "outrider_tasks",
        "Tasks of all workers' loops; relaying needs none, so the number hardly changes.",
        (),
        lambda: {(): float(len(asyncio.all_tasks()))},
    )
    metrics.gauge(
        "outrider_keys_resting",
        "Keys that are not used now, of providers with several; each worker counts its own.",
        ("provider",),
        lambda: services.keys.resting(clock.now()),
    )
    reports = ClusterReports(clusters, services.standings)
    worker = Worker(
        bootstrap,
        Listeners(services, _claims(bootstrap)),
        exchange,
        issuers,
        limits,
        metrics,
        reports,
        cards,
        tools,
    )
    secrets = Secrets(environ, bootstrap.env_file)
    last_good = LastGood(bootstrap.state_dir, bootstrap.group)
    saver = Saver(last_good)
    node = Node(f"{bootstrap.node_id}/{bootstrap.worker or 0}", bootstrap.group)
    reporting = Reporting(node.id, node.group, worker.clusters.each, exchange.explain)
    companions = [reporting.run]
    if bootstrap.run_key_file is None:  # what the operator has given is what is used
        companions.append(HandedKeys(node.id, node.group, tickets.use).run)
    worker.client = XdsClient(
        control_plane=_control_plane(bootstrap),
        node=node,
        secrets=secrets,
        state=await _restored(last_good, secrets, worker),
        on_config=worker.apply,
        on_accepted=saver.put,
        clock=clock,
        backoff=Backoff(random),
        companions=companions,
    )
    background = Tasks()
    background.start(worker.client.run(), "xds client")
    background.start(saver.run(), "last good")
    background.start(_flush(recorder), "access log")
    try:
        yield worker
    finally:
        await background.close()
        await worker.listeners.drain(0.0)
        await worker.close()
        await a2a_agents.close()
        await tool_agents.close()
        await tasks.close()
        recorder.flush()  # settles what was reserved
        await limits.close()
        recorder.flush()  # before the tracer is closed, which it tells of sampled exchanges
        await mcp.close()
        await neighbours.close()
        await exchange.close()
        await issuers.close()
        await clusters.close()
        await pool.close()
        recorder.flush()
        log_file.close()


async def _restored(last_good: LastGood, secrets: Secrets, worker: Worker) -> XdsState:
    """What is on disk, in effect; else nothing."""
    resources = last_good.load(secrets)
    if resources is None:
        return XdsState()
    answer = XdsState().restore(resources)
    if answer.error:
        log.warning("last good config is ignored: %s", answer.error)
        return XdsState()
    try:
        await worker.apply(answer.state.config)
    except ConfigRejectedError as e:
        log.warning("last good config is ignored: %s", e)
        return XdsState()
    log.info("serving the last good config, version %s", answer.state.config.version)
    return answer.state


def _claims(bootstrap: Bootstrap) -> Claims:
    """Workers of one data plane are told the same folder by their parent."""
    is_worker = bootstrap.runtime_dir is not None
    pid = os.getppid() if is_worker else os.getpid()
    family = str(bootstrap.runtime_dir) if is_worker else f"process {pid}"
    state = bootstrap.state_dir.resolve()
    who = f"data plane {bootstrap.node_id} (pid {pid}, state in {state})"
    return Claims(folder_of(Path(tempfile.gettempdir())), family, who)


def _sessions_file(bootstrap: Bootstrap) -> Path | None:
    """Gone with the data plane: what it says of prompt caches is then too old anyway."""
    return bootstrap.runtime_dir / "models.sqlite" if bootstrap.runtime_dir else None


def _control_plane(bootstrap: Bootstrap) -> ControlPlane:
    return ControlPlane(
        address=bootstrap.xds_address,
        ca=bootstrap.xds_ca,
        certificate=bootstrap.xds_cert,
        key=bootstrap.xds_key,
        token_file=bootstrap.xds_token_file,
    )


def _leases(
    bootstrap: Bootstrap, book: Book, clock: Clock, random: Random, storage: LimitsStorage
) -> Leases:
    """Who gives this process its part of limits."""
    incarnation = f"{random.getrandbits(64):016x}"
    node_id = f"{bootstrap.node_id}/{bootstrap.worker or 0}"
    if storage.redis is not None:
        # imported when it is asked for: most data planes never need it
        from dataplane.sessions.quota_redis import RedisLeases

        holder = f"{node_id}/{incarnation}"
        return RedisLeases(storage.redis.reveal(), storage.on_failure, holder, book, clock)
    return LeaseClient(
        control_plane=_control_plane(bootstrap),
        node_id=node_id,
        incarnation=incarnation,
        book=book,
        clock=clock,
        backoff=Backoff(random),
    )


async def _flush(recorder: Recorder) -> None:
    while True:
        await asyncio.sleep(FLUSH_EVERY_S)
        recorder.flush()


async def run_worker(bootstrap: Bootstrap, environ: Mapping[str, str]) -> int:
    """Serve until SIGTERM or the end of the parent, then drain; the exit code of the process."""
    assert bootstrap.worker is not None, "a parent does not come here"
    assert bootstrap.runtime_dir is not None, "a parent tells its workers"
    raise_file_limit()
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    # Ctrl-C reaches the whole group; the parent decides what it means.
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    until_parent_ends(loop, stop)
    try:
        async with running_worker(bootstrap, environ) as worker:
            facts = WorkerFacts(
                worker.report,
                worker.scrape,
                worker.clusters.each,
                worker.config_dump,
                worker.draining.set,
                worker.limits.shown,
            )
            admin = WorkerAdmin(facts, socket_path(bootstrap.runtime_dir, bootstrap.worker))
            await admin.start()
            # What a start has made stays for good: the collector need not look at it again.
            gc.collect()
            gc.freeze()
            gc.set_threshold(*GC_THRESHOLDS)
            sys.setswitchinterval(SWITCH_S)
            draining = loop.create_task(worker.drain(bootstrap.drain_timeout_s))
            await stop.wait()
            worker.draining.set()
            await draining
            await admin.close()
    except (OSError, BadRunKeyError) as e:
        log.error("%s", e)
        return USAGE_ERROR
    return 0
