"""One bound socket under aiohttp's runner: it accepts, our Front reads and answers."""

import asyncio
import logging
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from dataplane.server.active_listener import ActiveListener
from dataplane.server.auth.certificates import Certificates
from dataplane.server.claims import Claim
from dataplane.server.front import Front
from dataplane.server.gate import Gate
from dataplane.server.serving import Serving
from dataplane.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

BACKLOG = 4096
ACCEPTED_A_TURN = 512
"""Besides the one that uvloop accepts, by ourselves: 20 ms of work."""
REFRESH_S = 5.0
"""How often files of certificates are looked at."""


class ListenerHost(web.Server):
    """aiohttp's server, making our protocol instead of its own (tried with 3.14:
    reference/hotpath.md, section 8).
    """

    def __init__(
        self,
        serving: Serving,
        loop: asyncio.AbstractEventLoop,
        gate: Gate,
        certificates: Certificates | None = None,
    ) -> None:
        super().__init__(_never)
        self.listener = ActiveListener(serving, loop, gate, certificates, self._opened, self._lost)
        self.on_opened: Callable[[], None] | None = None
        """Told of each new connection."""

    @property
    def serving(self) -> Serving:
        """What new requests are answered by."""
        return self.listener.serving

    @property
    def active(self) -> int:
        """Requests under way."""
        return self.listener.active

    @property
    def certificates(self) -> Certificates | None:
        """Of TLS."""
        return self.listener.certificates

    def __call__(self) -> Any:
        """Make the protocol of a new connection."""
        return Front(self.listener)

    def serve(self, serving: Serving) -> None:
        """Go on with a new configuration; who showed a certificate is looked at anew."""
        self.listener.serving = serving
        if self.certificates is not None:
            for front in self.connections:
                cast(Front, front).recognise()

    def _opened(self, front: Front, transport: asyncio.Transport) -> None:
        """A client has connected."""
        self.connection_made(front, transport)  # type: ignore[arg-type]  # not a RequestHandler
        self.listener.wheel.add(front)
        if self.on_opened is not None:
            self.on_opened()

    def _lost(self, front: Front, exc: BaseException | None) -> None:
        """A client has gone."""
        self.connection_lost(front, exc)  # type: ignore[arg-type]  # not a RequestHandler
        self.listener.wheel.remove(front)


class Socket:
    """A ListenerHost with the socket it listens on.

    uvloop accepts one connection in each turn of its loop, however many wait. Under load a turn
    takes tens of milliseconds, and whoever is new, a probe maybe, would wait for minutes behind a
    thousand others; so after each one we accept those that wait, too.
    """

    def __init__(self, host: ListenerHost, sock: socket.socket, claim: Claim) -> None:
        self.host = host
        self._claim = claim
        self._sock = sock
        self._runner = web.ServerRunner(host, handle_signals=False)
        self._tasks = Tasks()
        self._newcomers = Tasks()
        self._will_accept = False

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens: host and port as bound."""
        name = self._sock.getsockname()
        return name[0], name[1]

    async def start(self) -> None:
        """Accept from now on."""
        await self._runner.setup()
        certificates = self.host.certificates
        context = certificates.context if certificates is not None else None
        await web.SockSite(self._runner, self._sock, ssl_context=context, backlog=BACKLOG).start()
        if certificates is not None:
            self._tasks.start(_refresh(certificates), "certificates")
        self.host.on_opened = self._accept_soon

    async def stop(self, timeout_s: float) -> None:
        """Accept nothing more, finish what runs within `timeout_s`, then cut.

        A closed listening socket resets the connections that wait in its queue, so these are
        accepted first.
        """
        waiting = self._sock.dup()
        self.host.on_opened = None
        await self._tasks.close()
        try:
            for site in list(self._runner.sites):
                await site.stop()
            waiting.listen(0)  # as good as closed for newcomers, while the queue is emptied
            await self._accept_all(waiting)
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._newcomers.drained()
            await self._newcomers.close()
        finally:
            waiting.close()
            self._claim.release()
        self._runner._shutdown_timeout = timeout_s
        await self._runner.cleanup()

    async def _accept_all(self, waiting: socket.socket) -> None:
        waiting.setblocking(False)
        while (accepted := _accept(waiting)) is not None:
            await self._take(accepted)

    async def _take(self, accepted: socket.socket) -> None:
        certificates = self.host.certificates
        context = certificates.context if certificates is not None else None
        try:
            await self.host.listener.loop.connect_accepted_socket(self.host, accepted, ssl=context)
        except OSError as problem:  # its handshake failed
            log.info("a client that waited has gone: %s", problem)

    def _accept_soon(self) -> None:
        """Somebody is new: there may be more."""
        if not self._will_accept:
            self._will_accept = True
            self.host.listener.loop.call_soon(self._accept_some)

    def _accept_some(self) -> None:
        self._will_accept = False
        for _ in range(ACCEPTED_A_TURN):
            if self.host.on_opened is None or (accepted := _accept(self._sock)) is None:
                return
            self._newcomers.start(self._take(accepted), "accept")


def _accept(listening: socket.socket) -> socket.socket | None:
    """A connection that waits; None: there is none, or it cannot be had now."""
    try:
        accepted, _ = listening.accept()
    except OSError:  # (with too many open files, uvloop's own attempt says so)
        return None
    accepted.setblocking(False)
    return accepted


async def _refresh(certificates: Certificates) -> None:
    while True:
        await asyncio.sleep(REFRESH_S)
        certificates.refresh()


async def bind(address: str, port: int) -> socket.socket:
    """A listening socket that other workers may bind too. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, kind, protocol, _, where = found[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setblocking(False)
        sock.bind(where)
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


async def _never(request: web.BaseRequest) -> web.StreamResponse:
    """aiohttp's own handler: never reached, our Front answers."""
    raise AssertionError
