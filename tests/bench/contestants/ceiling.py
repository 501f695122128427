"""What Python can do at most: llhttp (httptools) and uvloop on both sides, callbacks only.

It peeks at the model, replaces the authorization header and drops hop-by-hop headers, nothing else:
no limits, no deadline, no back-pressure, no log. As a program
(`python -m tests.bench.contestants.ceiling PORT UPSTREAM_PORT`) it is that proxy.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import httptools
import msgspec
import uvloop

from tests.bench.contestants.contestant import MODEL, UPSTREAM_KEY, Place, Running, first_request
from tests.bench.processes import Program, free_port

# A response keeps its framing headers: its body bytes are passed on as they came.
HOP_BY_HOP = frozenset(b"connection keep-alive upgrade trailer proxy-authenticate".split())
NOT_FORWARDED = HOP_BY_HOP | frozenset(
    b"host authorization content-length transfer-encoding te expect proxy-authorization".split()
)


class Ceiling:
    name = "llhttp"
    rewrites_bodies = False

    @contextmanager
    def running(self, place: Place) -> Iterator[Running]:
        port = free_port()
        command = [sys.executable, "-m", __name__, port, place.upstream_port]
        with Program.start(
            command, core=place.proxy_core, log=place.folder / "ceiling.log"
        ) as program:
            program.wait_for_answer(first_request(port), timeout_s=20)
            yield Running(port, [program], [program.pid])


class Peek(msgspec.Struct, gc=False):
    model: str = ""
    stream: bool = False


peek = msgspec.json.Decoder(Peek).decode


class Routes:
    """Model -> upstream address, and the idle upstream connections."""

    def __init__(self, upstream_port: int) -> None:
        self.addresses = {MODEL: ("127.0.0.1", upstream_port)}
        self.idle: deque[Upstream] = deque()
        self.dials: set[asyncio.Task[object]] = set()
        self.head = b"POST %%b HTTP/1.1\r\nhost: 127.0.0.1:%d\r\nauthorization: Bearer %b\r\n" % (
            upstream_port,
            UPSTREAM_KEY.encode(),
        )


class Upstream(asyncio.Protocol):
    """One keep-alive connection; serves one client at a time."""

    def __init__(self, routes: Routes, client: "Client") -> None:
        self.routes = routes
        self.client: Client | None = client
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        # One parser per connection: one per request would be a reference cycle per request.
        self.parser = httptools.HttpResponseParser(self)
        self.start()

    def start(self) -> None:
        self.head: list[bytes] = []
        self.head_seen = self.done = self.keep_alive = False
        assert self.client is not None
        self.transport.write(self.client.pending)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self.client is not None and self.client.transport is not None:
            self.client.transport.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() not in HOP_BY_HOP:
            self.head.append(b"%b: %b\r\n" % (name, value))

    def on_headers_complete(self) -> None:
        self.head_seen = True

    def on_message_complete(self) -> None:
        self.done = True
        self.keep_alive = self.parser.should_keep_alive()  # only true inside this callback

    def data_received(self, data: bytes) -> None:
        head_was_seen = self.head_seen
        self.parser.feed_data(data)
        client = self.client
        if client is None or client.transport is None or not self.head_seen:
            return
        if head_was_seen:
            client.transport.write(data)
        else:
            body = data[data.find(b"\r\n\r\n") + 4 :]
            status = self.parser.get_status_code()
            client.transport.write(
                b"HTTP/1.1 %d OK\r\n%b\r\n%b" % (status, b"".join(self.head), body)
            )
        if self.done:
            self.client = None
            if self.keep_alive:
                self.routes.idle.append(self)
            else:
                self.transport.close()


class Client(asyncio.Protocol):
    """One client connection."""

    def __init__(self, routes: Routes) -> None:
        self.routes = routes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport | None = cast(asyncio.Transport, transport)
        self.parser = httptools.HttpRequestParser(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.headers: list[bytes] = []
        self.body: list[bytes] = []

    def on_url(self, url: bytes) -> None:
        self.url = url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() not in NOT_FORWARDED:
            self.headers.append(b"%b: %b\r\n" % (name, value))

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        routes = self.routes
        body = self.body[0] if len(self.body) == 1 else b"".join(self.body)
        host, port = routes.addresses[peek(body).model]
        headers = b"".join(self.headers)
        head = routes.head % self.url
        self.pending = b"%b%bcontent-length: %d\r\n\r\n%b" % (head, headers, len(body), body)
        while routes.idle:
            upstream = routes.idle.pop()
            if not upstream.closed:
                upstream.client = self
                upstream.start()
                return
        loop = asyncio.get_running_loop()
        dial = loop.create_task(loop.create_connection(lambda: Upstream(routes, self), host, port))
        routes.dials.add(cast("asyncio.Task[object]", dial))
        dial.add_done_callback(routes.dials.discard)


async def serve(port: int, upstream_port: int) -> None:
    routes = Routes(upstream_port)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Client(routes), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
