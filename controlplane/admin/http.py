"""The HTTP port for machines: /metrics, /healthz, /readyz. It tells nothing that needs guarding."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from controlplane.metrics import Metrics
from controlplane.ports import PortTakenError


class HttpPort:
    """An aiohttp application on one address."""

    def __init__(self, metrics: Metrics, serves: Callable[[], bool]) -> None:
        """`serves` says whether nodes get a config from us."""
        self._metrics = metrics
        self._serves = serves
        app = web.Application()
        app.router.add_get("/metrics", self._on_metrics)
        app.router.add_get("/healthz", self._on_healthz)
        app.router.add_get("/readyz", self._on_readyz)
        self._runner = web.AppRunner(app, access_log=None)
        self.address = ""

    async def start(self, address: str) -> None:
        """Bind and serve. Raises PortTakenError."""
        host, _, port = address.rpartition(":")
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host.strip("[]"), int(port)).start()
        except OSError as e:
            await self._runner.cleanup()
            raise PortTakenError(f"cannot listen on {address}: {e.strerror or e}") from e
        self.address = f"{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close the port and what is open on it."""
        await self._runner.cleanup()

    async def _on_metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=self._metrics.render(), headers={"content-type": CONTENT_TYPE_LATEST}
        )

    async def _on_healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _on_readyz(self, _request: web.Request) -> web.Response:
        if self._serves():
            return web.Response(text="ok\n")
        return web.Response(status=503, text="no config applied yet\n")
