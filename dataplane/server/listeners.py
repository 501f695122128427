"""The ports of this worker, made to match a RuntimeConfig.

The rule: all or nothing. What is new is bound first; when a port cannot be had, nothing has
changed. Then every listener is swapped at once, and what is gone stops accepting and finishes what
runs. A listener whose address, port and TLS stay keeps its socket and its connections, whatever
else about it changes, its name included.
"""

import asyncio
from collections.abc import Hashable, Iterator
from typing import cast

from dataplane.observe import standing
from dataplane.runtime.config import Listener, RuntimeConfig
from dataplane.server.auth.certificates import Certificates, UnusableFilesError
from dataplane.server.claims import Claim, ClaimedError, Claims
from dataplane.server.front import Front
from dataplane.server.gate import Gate
from dataplane.server.host import ListenerHost, Socket, bind
from dataplane.server.serving import Services, Serving

HANDOVER_S = 3.0
"""For the workers of a data plane that was killed to see that and to accept nothing more: the one
that takes its place may be there before."""
LOOK_AGAIN_S = 0.1


class ListenFailedError(Exception):
    """A port could not be bound; nothing was changed."""


class Listeners:
    """Owns the listening sockets and the clients' connections."""

    def __init__(self, services: Services, claims: Claims) -> None:
        self._services = services
        self._claims = claims
        self._open: dict[str, tuple[Listener, Socket]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._lock = asyncio.Lock()
        self._draining = False
        self._gate = gate = Gate(services.clock.now, services.recorder)
        services.wheel.on_tick = gate.look
        gate.observe(services.metrics)
        services.metrics.gauge(
            "outrider_active_requests",
            "Requests under way.",
            ("listener",),
            lambda: {(name,): float(sock.host.active) for name, (_, sock) in self._open.items()},
        )
        services.metrics.gauge(
            "outrider_downstream_connections",
            "Open connections of clients.",
            ("listener",),
            lambda: {
                (name,): float(len(sock.host.connections)) for name, (_, sock) in self._open.items()
            },
        )
        services.metrics.gauge(
            "outrider_upstream_connections",
            "Open connections to model providers.",
            (),
            lambda: {(): float(services.pool.open_connections)},
        )

        standing.lend(services.metrics, services.standings)
        services.callers.watch(self._callers)

    def _callers(self) -> Iterator[Hashable]:
        for _, sock in self._open.values():
            for front in sock.host.connections:  # (aiohttp thinks that they are its own)
                if (caller := cast(Front, front).caller) is not None:
                    yield caller

    async def reconcile(self, config: RuntimeConfig) -> None:
        """Serve this configuration from now on. Raises ListenFailedError with nothing changed."""
        async with self._lock:
            if self._draining:
                return
            await self._reconcile(config)

    def bound(self) -> dict[str, tuple[str, int]]:
        """Where each listener really listens, by name."""
        return {name: sock.address for name, (_, sock) in self._open.items()}

    async def drain(self, timeout_s: float) -> None:
        """Accept nothing more, finish what runs, cut what runs longer."""
        async with self._lock:
            self._draining = True
            for _, sock in self._open.values():
                self._leave(sock, timeout_s)
            self._open = {}
        while self._leaving:
            await asyncio.wait(list(self._leaving))

    async def _reconcile(self, config: RuntimeConfig) -> None:
        kept, missing = self._match(config)
        fresh: dict[str, Socket] = {}
        try:
            for listener in missing:
                fresh[listener.name] = await self._start(config, listener)
        except UnusableFilesError as problem:
            for sock in fresh.values():
                await sock.stop(0.0)
            raise ListenFailedError(f"listener {listener.name}: {problem}") from problem
        except (OSError, ClaimedError) as problem:
            for sock in fresh.values():
                await sock.stop(0.0)
            raise ListenFailedError(
                f"listener {listener.name}: cannot listen on "
                f"{listener.address}:{listener.port}: {_said(problem)}"
            ) from problem
        gone = [sock for _, sock in self._open.values() if sock not in kept.values()]
        opened: dict[str, tuple[Listener, Socket]] = {}
        for name, listener in config.listeners.items():
            sock = kept.get(name) or fresh[name]
            if name in kept:
                host = sock.host
                host.serve(Serving(self._services, config, listener, host.serving))
            opened[name] = (listener, sock)
        before, self._open = self._open, opened
        self._services.standings.keep(config.clusters)
        self._services.clusters.apply(config.clusters)
        for listener, sock in before.values():
            if sock in gone:
                self._leave(sock, listener.timeout_s)

    def _match(self, config: RuntimeConfig) -> tuple[dict[str, Socket], list[Listener]]:
        """Which sockets go on under which name, and which listeners need one."""
        by_place = {
            (listener.address, listener.port, listener.tls): sock
            for listener, sock in self._open.values()
        }
        kept: dict[str, Socket] = {}
        missing: list[Listener] = []
        for name, listener in config.listeners.items():
            if listener.port == 0:
                before, sock = self._open.get(name, (None, None))
                wanted = (listener.address, 0, listener.tls)
                same = before and (before.address, before.port, before.tls) == wanted
                found = sock if same else None
            else:
                found = by_place.get((listener.address, listener.port, listener.tls))
            if found is None:
                missing.append(listener)
            else:
                kept[name] = found
        return kept, missing

    async def _start(self, config: RuntimeConfig, listener: Listener) -> Socket:
        certificates = Certificates(listener.tls) if listener.tls is not None else None
        serving = Serving(self._services, config, listener)
        claim = await self._claim(listener)
        try:
            bound = await bind(listener.address, listener.port)
            host = ListenerHost(serving, asyncio.get_running_loop(), self._gate, certificates)
            sock = Socket(host, bound, claim)
            await sock.start()
        except BaseException:
            claim.release()
            raise
        return sock

    async def _claim(self, listener: Listener) -> Claim:
        """Of a port that nobody has, or that its owner gives back soon. Raises ClaimedError."""
        now = self._services.clock.now
        until = now() + HANDOVER_S
        while True:
            try:
                return self._claims.take(listener.address, listener.port)
            except ClaimedError:
                if now() >= until:
                    raise
            await asyncio.sleep(LOOK_AGAIN_S)

    def _leave(self, sock: Socket, timeout_s: float) -> None:
        task = asyncio.ensure_future(sock.stop(timeout_s))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


def _said(problem: Exception) -> str:
    return (isinstance(problem, OSError) and problem.strerror) or str(problem)
