"""One bound socket under aiohttp's runner: it accepts, our Front reads and answers."""

import asyncio
import socket
from typing import Any

from aiohttp import web

from dataplane.server.front import Front
from dataplane.server.serving import Serving

BACKLOG = 4096


class ListenerHost(web.Server):
    """aiohttp's server, making our protocol instead of its own (tried with 3.14:
    reference/hotpath.md, section 8).
    """

    def __init__(self, serving: Serving, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(_never)
        self.serving = serving
        """Replaced whole when the configuration changes; a request keeps the one it began with."""
        self.loop = loop
        self.wheel = serving.services.wheel
        self.outbox = serving.services.pool.outbox
        self.active = 0
        """Requests under way."""

    def __call__(self) -> Any:
        """Make the protocol of a new connection."""
        return Front(self)

    def opened(self, front: Front, transport: asyncio.Transport) -> None:
        """A client has connected."""
        self.connection_made(front, transport)  # type: ignore[arg-type]  # not a RequestHandler
        self.wheel.add(front)

    def lost(self, front: Front, exc: BaseException | None) -> None:
        """A client has gone."""
        self.connection_lost(front, exc)  # type: ignore[arg-type]  # not a RequestHandler
        self.wheel.remove(front)


class Socket:
    """A ListenerHost with the socket it listens on."""

    def __init__(self, host: ListenerHost, sock: socket.socket) -> None:
        self.host = host
        self._sock = sock
        self._runner = web.ServerRunner(host, handle_signals=False)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens: host and port as bound."""
        name = self._sock.getsockname()
        return name[0], name[1]

    async def start(self) -> None:
        """Accept from now on."""
        await self._runner.setup()
        await web.SockSite(self._runner, self._sock, backlog=BACKLOG).start()

    async def stop(self, timeout_s: float) -> None:
        """Accept nothing more, finish what runs within `timeout_s`, then cut.

        A closed listening socket resets the connections that wait in its queue, so these are
        accepted first.
        """
        waiting = self._sock.dup()
        try:
            for site in list(self._runner.sites):
                await site.stop()
            waiting.listen(0)  # as good as closed for newcomers, while the queue is emptied
            await self._accept_all(waiting)
        finally:
            waiting.close()
        self._runner._shutdown_timeout = timeout_s
        await self._runner.cleanup()

    async def _accept_all(self, waiting: socket.socket) -> None:
        waiting.setblocking(False)
        while True:
            try:
                accepted, _ = waiting.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            accepted.setblocking(False)
            await self.host.loop.connect_accepted_socket(self.host, accepted)


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
