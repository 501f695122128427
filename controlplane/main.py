"""The control plane's composition root: constructs the parts, ties them together, takes them down.

The order of a start: what to serve is known before a port is open. The order of an end: nothing
new, streams end cleanly (nodes keep what they have and look for us again), then the rest.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from controlplane.admin.config import ConfigAdmin
from controlplane.admin.decision import DecisionAdmin
from controlplane.admin.fleet import FleetAdmin
from controlplane.admin.http import HttpPort
from controlplane.admin.limits import LimitAdmin
from controlplane.admin.pipeline import Pipeline
from controlplane.admin.services import Health, add_services
from controlplane.bootstrap import Bootstrap
from controlplane.clock import Clock, MonotonicClock
from controlplane.config.environment import environment
from controlplane.config.parse import decode
from controlplane.config.problem import ConfigErrors
from controlplane.config.watch import texts
from controlplane.discovery.model_metrics import ModelMetrics
from controlplane.limits.journal import NAME as JOURNAL
from controlplane.limits.journal import Journal
from controlplane.limits.ledger import Ledger
from controlplane.limits.service import LeaseService
from controlplane.log import say_ready
from controlplane.metrics import LimitSums, Metrics
from controlplane.ports import GrpcPort, PortTakenError
from controlplane.revisions.sqlite import SqliteRevisions
from controlplane.revisions.store import RevisionsError
from controlplane.security import SecurityFileError, UnsafeAddressError
from controlplane.snapshot.cache import DEFAULT_GROUP, SnapshotCache
from controlplane.snapshot.snapshot import Snapshot
from controlplane.tasks import Tasks
from controlplane.translate.compiler import compile_config
from controlplane.xds.fleet import Fleet
from controlplane.xds.reports import ReportingService
from controlplane.xds.run_keys import FILE as RUN_KEYS
from controlplane.xds.run_keys import BadRunKeyError, RunKeys, RunKeyService, SharedRunKeys
from controlplane.xds.server import AdsService

log = logging.getLogger(__name__)

# Unary calls that run when we stop get this long; streams have been ended by then.
_GRACE_S = 1.0


_TOLD = (UnsafeAddressError, SecurityFileError, PortTakenError, RevisionsError, BadRunKeyError)
"""What ends us in one line."""


class NothingToServeError(Exception):
    """The config is bad and there is no earlier revision; the problems have been logged."""


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A control plane that runs: where, and what tests and tools may look at."""

    xds_address: str
    admin_address: str
    http_address: str
    pipeline: Pipeline
    fleet: Fleet
    ledger: Ledger
    reporting: ReportingService


async def run(bootstrap: Bootstrap, environ: Mapping[str, str]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with running_control_plane(bootstrap, environ) as plane:
            say_ready(
                {
                    "xds": plane.xds_address,
                    "admin": plane.admin_address,
                    "http": plane.http_address,
                }
            )
            await stop.wait()
            log.info("stopping")
    except NothingToServeError:
        return 1
    except _TOLD as e:
        log.error("%s", e)
        return 1
    return 0


@asynccontextmanager
async def running_control_plane(
    bootstrap: Bootstrap, environ: Mapping[str, str]
) -> AsyncIterator[ControlPlane]:
    """A control plane that serves; stopped when left.

    Raises NothingToServeError, UnsafeAddressError, SecurityFileError, PortTakenError,
    RevisionsError and BadRunKeyError.
    """
    bootstrap.security.check(bootstrap.xds_address, bootstrap.admin_address)
    clock, metrics, fleet = MonotonicClock(), Metrics(), Fleet()
    ads = AdsService(fleet, clock, metrics)
    async with AsyncExitStack() as stack:
        revisions = SqliteRevisions(bootstrap.state_dir / "revisions.sqlite")
        stack.callback(revisions.close)
        cache, tasks, health = SnapshotCache(), Tasks(), Health()
        compiler = partial(_compile, bootstrap, environ)
        model_metrics = ModelMetrics(cache, bootstrap.state_dir)
        model_metrics.load()
        stack.push_async_callback(model_metrics.close)
        pipeline = Pipeline(compiler, revisions, cache, clock, metrics, model_metrics.serve)
        stack.callback(pipeline.close)
        stack.push_async_callback(tasks.close)
        known = await _first(bootstrap.config, pipeline)
        xds = GrpcPort(bootstrap.xds_address, bootstrap.security)
        stack.push_async_callback(xds.stop, _GRACE_S)
        admin = GrpcPort(bootstrap.admin_address, bootstrap.security)
        stack.push_async_callback(admin.stop, _GRACE_S)
        http = HttpPort(metrics, lambda: pipeline.in_force is not None)
        await http.start(bootstrap.http_address)
        stack.push_async_callback(http.stop)
        ledger = Ledger()
        leases = LeaseService(ledger, Journal(bootstrap.state_dir / JOURNAL, clock.wall), clock)
        leases.restore()
        metrics.limits(partial(_limit_sums, ledger, clock))
        reporting = ReportingService()
        handlers = [ads.handler(), leases.handler(), reporting.handler()]
        if bootstrap.security.keeps_secrets(bootstrap.xds_address):
            sealing = RunKeyService(_run_keys(bootstrap, clock))
            handlers.append(sealing.handler())
            stack.push_async_callback(sealing.close)
            tasks.start(sealing.tend(), "keys of runs")
        elif bootstrap.run_key_file is not None:
            log.warning(
                "keys of runs are told nobody: data planes do not show who they are, or could be"
                " overheard (--token-file, --tls-client-ca, --tls-cert)"
            )
        xds.server.add_generic_rpc_handlers(handlers)
        stack.push_async_callback(leases.close)
        stack.push_async_callback(ads.close)
        fleet_admin = FleetAdmin(fleet, cache, pipeline, reporting)
        limit_admin = LimitAdmin(ledger, clock)
        decisions = DecisionAdmin(reporting)
        config_admin = ConfigAdmin(pipeline)
        add_services(admin.server, config_admin, fleet_admin, limit_admin, decisions, health)
        stack.push_async_callback(fleet_admin.close)
        tasks.start(ads.follow(cache, DEFAULT_GROUP), "publish snapshots")
        tasks.start(leases.follow(cache, DEFAULT_GROUP), "limits of snapshots")
        tasks.start(leases.tend(), "leases")
        tasks.start(_report_health(cache, health), "report health")
        await xds.start()
        await admin.start()
        if bootstrap.config is not None:
            tasks.start(_follow(bootstrap.config, known, pipeline, clock), "watch config")
        yield ControlPlane(
            xds.address, admin.address, http.address, pipeline, fleet, ledger, reporting
        )


def _run_keys(bootstrap: Bootstrap, clock: Clock) -> RunKeys | SharedRunKeys:
    """Our own, or those of all control planes. Raises BadRunKeyError."""
    shared = bootstrap.run_key_file
    keys = (
        RunKeys(bootstrap.state_dir / RUN_KEYS, clock.wall)
        if shared is None
        else SharedRunKeys(shared, clock.wall)
    )
    keys.load()
    return keys


def _limit_sums(ledger: Ledger, clock: Clock) -> LimitSums:
    """What is out and what is owed, by limit and measure."""
    return ledger.leased(), ledger.owed(clock.now())


async def _report_health(cache: SnapshotCache, health: Health) -> None:
    """Not serving until there is a snapshot."""
    await health.set(False)
    with cache.watch(DEFAULT_GROUP) as watcher:
        await watcher.next()
    await health.set(True)


async def _first(config: Path | None, pipeline: Pipeline) -> str | None:
    """Serve the file, or else the latest revision; the text that was read, good or bad.

    Raises NothingToServeError when the file is bad and there is no revision.
    """
    text, bad = None, False
    if config is not None:
        try:
            text = decode(await asyncio.to_thread(config.read_bytes), str(config))
            await pipeline.apply(text, str(config), "file")
            return text
        except ConfigErrors as e:
            _tell(e)
        except OSError as e:
            log.error("cannot read %s: %s", config, e.strerror or e)
        bad = True
    try:
        restored = await pipeline.restore()
    except ConfigErrors as e:
        log.error("the latest revision does not compile any more")
        _tell(e)
        raise NothingToServeError from e
    if restored is None and bad:
        raise NothingToServeError
    if restored is None:
        log.info("nothing to serve yet: waiting for `outrider apply`")
    elif bad:
        log.error("%s is not served; revision %d is", config, restored.revision)
    return text


async def _follow(config: Path, known: str | None, pipeline: Pipeline, clock: Clock) -> None:
    """Apply each new text of the file; a bad one is told and changes nothing."""
    async for text in texts(config, known, clock):
        try:
            applied = await pipeline.apply(text, str(config), "file")
        except ConfigErrors as e:
            _tell(e)
            log.error("%s is not served; what was served before is", config)
        except Exception:
            # Whatever is wrong with this text, the next one must be looked at.
            log.exception("%s is not served; what was served before is", config)
        else:
            if not applied.changed:
                log.info("%s changed in form only: revision %d", config, applied.revision)


def _tell(errors: ConfigErrors) -> None:
    for problem in errors.problems:
        log.error("%s", problem)


def _compile(
    bootstrap: Bootstrap,
    environ: Mapping[str, str],
    text: str,
    file_name: str,
    previous: Snapshot | None,
) -> Snapshot:
    """Compile; with --check-secrets, in view of the variables a data plane beside us would have."""
    secrets = None
    if bootstrap.check_secrets:
        secrets = environment(environ, bootstrap.config, bootstrap.env_file)
    return compile_config(text, file_name, secrets, previous)
