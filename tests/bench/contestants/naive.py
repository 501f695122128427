"""The proxy one writes first with aiohttp: a server, a ClientSession, uvloop, a copy loop.

As a program (`python -m tests.bench.contestants.naive PORT UPSTREAM_PORT`) it is that proxy.
"""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import uvloop
from aiohttp import ClientSession, TCPConnector, web

from tests.bench.contestants.contestant import UPSTREAM_KEY, Place, Running, first_request
from tests.bench.processes import Program, free_port

NOT_FORWARDED = {
    "host",
    "authorization",
    "connection",
    "content-length",
    "transfer-encoding",
    "keep-alive",
}
MAX_BODY = 16 << 20


class Naive:
    name = "aiohttp"
    rewrites_bodies = False

    @contextmanager
    def running(self, place: Place) -> Iterator[Running]:
        port = free_port()
        command = [sys.executable, "-m", __name__, port, place.upstream_port]
        with Program.start(
            command, core=place.proxy_core, log=place.folder / "naive.log"
        ) as program:
            program.wait_for_answer(first_request(port), timeout_s=20)
            yield Running(port, [program], [program.pid])


class Proxy:
    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._session: ClientSession

    async def session(self, _: web.Application) -> AsyncIterator[None]:
        async with ClientSession(connector=TCPConnector(limit=0), auto_decompress=False) as session:
            self._session = session
            yield

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {k: v for k, v in request.headers.items() if k.lower() not in NOT_FORWARDED}
        headers["authorization"] = f"Bearer {UPSTREAM_KEY}"
        url = self._upstream + request.path_qs
        async with self._session.request(
            request.method, url, data=body, headers=headers
        ) as upstream:
            kept = {k: v for k, v in upstream.headers.items() if k.lower() not in NOT_FORWARDED}
            if upstream.content_length is not None:
                return web.Response(
                    status=upstream.status, body=await upstream.read(), headers=kept
                )
            response = web.StreamResponse(status=upstream.status, headers=kept)
            await response.prepare(request)
            async for chunk in upstream.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response


def main(port: int, upstream_port: int) -> None:
    proxy = Proxy(f"http://127.0.0.1:{upstream_port}")
    app = web.Application(client_max_size=MAX_BODY)
    app.cleanup_ctx.append(proxy.session)
    app.router.add_route("*", "/{path:.*}", proxy.handle)
    web.run_app(
        app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop()
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
