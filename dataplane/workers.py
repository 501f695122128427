"""The parent process: starts one worker per core, keeps them running, speaks for them.

It carries no traffic and stays small. A worker that dies is started again; a signal drains them
all; workers notice the end of their stdin, so none outlives a parent that was killed.
"""

import asyncio
import contextlib
import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

from dataplane.admin.api import AdminApi, WorkerPort
from dataplane.admin.report import WorkerReport
from dataplane.bootstrap import Bootstrap, socket_path
from dataplane.clock import Clock, MonotonicClock
from dataplane.log import address_text, say_ready, say_refused
from dataplane.observe.metrics import Family
from dataplane.resilience.backoff import Backoff

log = logging.getLogger(__name__)

KILL_AFTER_DRAIN_S = 5.0
LIVED_S = 10.0
"""A worker that ran this long is started again soon; one that keeps dying waits ever longer."""
ASK_EVERY_S = 0.05
CATCH_UP_S = 1.0
"""How long `ready` waits for the control plane when what is served came from disk."""
USAGE_ERROR = 2


class UnusableBootstrapError(Exception):
    """A worker refused its flags; starting it again would not help."""


class WorkerProcess:
    """One worker, started again whenever it ends, until it is stopped."""

    def __init__(self, index: int, argv: Sequence[str], clock: Clock, backoff: Backoff) -> None:
        self.index = index
        self.restarts = 0
        self._argv = argv
        self._clock = clock
        self._backoff = backoff
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    @property
    def running(self) -> bool:
        """Whether the process is there now."""
        return self._process is not None and self._process.returncode is None

    async def keep(self) -> None:
        """Run it until `stop`. Raises UnusableBootstrapError."""
        while not self._stopping.is_set():
            started = self._clock.now()
            self._process = await asyncio.create_subprocess_exec(
                *self._argv, stdin=asyncio.subprocess.PIPE
            )
            if self._stopping.is_set():
                self._signal(signal.SIGTERM)
            code = await self._process.wait()
            if self._stopping.is_set():
                return
            if code == USAGE_ERROR:
                raise UnusableBootstrapError
            if self._clock.now() - started > LIVED_S:
                self._backoff.succeeded()
            wait = self._backoff.next()
            self.restarts += 1
            log.error("worker %d %s; starting it again in %.1f s", self.index, ended(code), wait)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._stopping.wait()

    def stop(self) -> None:
        """Ask it to drain and end."""
        self._stopping.set()
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._stopping.set()
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)


def ended(code: int) -> str:
    """How a process ended, for people."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit {code}"


class Workers:
    """All workers of this data plane and the admin port in front of them."""

    def __init__(self, bootstrap: Bootstrap, argv: Sequence[str], runtime_dir: Path) -> None:
        self._bootstrap = bootstrap
        self._clock = MonotonicClock()
        random = Random()
        # -P: a folder named dataplane where the command was typed must not be taken for ours.
        command = [
            sys.executable,
            "-P",
            "-m",
            "dataplane",
            *argv,
            "--runtime-dir",
            str(runtime_dir),
        ]
        indexes = range(bootstrap.workers)
        self._processes = [
            WorkerProcess(i, [*command, "--worker", str(i)], self._clock, Backoff(random))
            for i in indexes
        ]
        self._ports = [WorkerPort(i, socket_path(runtime_dir, i)) for i in indexes]
        self._admin = AdminApi(self._ports, self._families)
        self._signals = 0

    async def run(self) -> int:
        """Until a signal, then drain; the exit code of the process."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        try:
            bound = await self._admin.start(self._bootstrap.admin_host, self._bootstrap.admin_port)
        except OSError as e:
            host, port = self._bootstrap.admin_host, self._bootstrap.admin_port
            log.error("admin address %s: %s", address_text(host, port), e.strerror or e)
            return USAGE_ERROR
        log.info("%d workers, admin on http://%s", len(self._processes), address_text(*bound))
        announcing = loop.create_task(self._announce(bound))
        keeping = [loop.create_task(process.keep()) for process in self._processes]
        try:
            return await self._until_stopped(keeping)
        finally:
            announcing.cancel()
            await asyncio.gather(announcing, return_exceptions=True)

    async def _until_stopped(self, keeping: Sequence["asyncio.Task[None]"]) -> int:
        done, _ = await asyncio.wait(keeping, return_when=asyncio.FIRST_EXCEPTION)
        failures = [failure for task in done if (failure := task.exception()) is not None]
        for process in self._processes:
            process.kill()
        await asyncio.gather(*keeping, return_exceptions=True)
        for failure in failures:
            if not isinstance(failure, UnusableBootstrapError):
                raise failure
        return USAGE_ERROR if failures else 0

    async def close(self) -> None:
        """Let go of ports and sockets."""
        await self._admin.close()
        for port in self._ports:
            await port.close()

    def _on_signal(self) -> None:
        """The first one drains, the second one does not wait."""
        self._signals += 1
        if self._signals > 1:
            self._kill()
            return
        log.info("draining, for %g s at most", self._bootstrap.drain_timeout_s)
        for process in self._processes:
            process.stop()
        patience = self._bootstrap.drain_timeout_s + KILL_AFTER_DRAIN_S
        asyncio.get_running_loop().call_later(patience, self._kill)

    def _kill(self) -> None:
        for process in self._processes:
            process.kill()

    async def _announce(self, admin: tuple[str, int]) -> None:
        """Say `ready` once, when every worker serves."""
        reports = await self._when_ready()
        facts: dict[str, object] = {
            "node": self._bootstrap.node_id,
            "group": self._bootstrap.group,
            "workers": len(self._processes),
            "admin": address_text(*admin),
            "xds": self._bootstrap.xds_address,
        }
        if any(report.refusals for report in reports):
            facts["config"] = "last-good"
        for name, address in reports[0].listeners.items():
            facts[f"listener.{name}"] = address_text(*address)
        say_ready(facts)

    async def _when_ready(self) -> list[WorkerReport]:
        """Every worker serves; what came from disk gets a moment to be brought up to date."""
        since: float | None = None
        refused = ""
        while True:
            reports = await self._admin.reports()
            if (why := _refusal(reports)) and why != refused:
                refused = why
                say_refused(why)
            ready = [report for report in reports if report is not None and report.ready]
            if len(ready) == len(reports):
                now = self._clock.now()
                since = now if since is None else since
                if all(report.current for report in ready) or now - since > CATCH_UP_S:
                    return ready
            await asyncio.sleep(ASK_EVERY_S)

    def _families(self) -> list[Family]:
        restarts: dict[tuple[str, ...], float] = {
            (str(process.index),): float(process.restarts) for process in self._processes
        }
        about = "Times a worker process ended by itself and was started again."
        return [Family("outrider_worker_restarts_total", "counter", about, ("worker",), restarts)]


def _refusal(reports: Sequence[WorkerReport | None]) -> str:
    """Why nothing is served: what a worker refuses that has no config. Empty: not so."""
    for report in reports:
        if report is not None and not report.ready and report.refusals:
            return "; ".join(report.refusals.values())
    return ""


async def run_workers(bootstrap: Bootstrap, argv: Sequence[str]) -> int:
    """Run a data plane with its workers; the exit code of the process."""
    runtime_dir = Path(tempfile.mkdtemp(prefix="outrider-"))
    try:
        workers = Workers(bootstrap, argv, runtime_dir)
        try:
            return await workers.run()
        finally:
            await workers.close()
    finally:
        shutil.rmtree(runtime_dir, ignore_errors=True)
