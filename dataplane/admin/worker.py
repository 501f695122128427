"""A worker's own admin port, a unix socket that only its parent opens."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from aiohttp import web

from dataplane.admin.clusters import encode_reports
from dataplane.admin.report import WorkerReport, encode_families
from dataplane.observe.endpoints import ClusterReport
from dataplane.observe.metrics import Family
from dataplane.upstream.reports import in_slices


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """Where the answers come from."""

    report: Callable[[], WorkerReport]
    families: Callable[[], Awaitable[list[Family]]]
    clusters: Callable[[], Iterable[ClusterReport]]
    config_dump: Callable[[], Awaitable[object]]
    drain: Callable[[], None]
    """Begin to drain; returns at once."""
    limits: Callable[[], object]


class WorkerAdmin:
    """Serves the facts of one worker."""

    def __init__(self, facts: WorkerFacts, socket: Path) -> None:
        self._facts = facts
        self._socket = socket
        app = web.Application()
        app.router.add_get("/report", self._report)
        app.router.add_get("/families", self._families)
        app.router.add_get("/clusters", self._clusters)
        app.router.add_get("/config_dump", self._config_dump)
        app.router.add_get("/limits", self._limits)
        app.router.add_post("/drain", self._drain)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    async def start(self) -> None:
        """Listen; a socket that an earlier process left behind is replaced."""
        self._socket.unlink(missing_ok=True)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self._socket)).start()

    async def close(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _report(self, _: web.Request) -> web.Response:
        return _json(msgspec.json.encode(self._facts.report()))

    async def _families(self, _: web.Request) -> web.Response:
        return _json(encode_families(await self._facts.families()))

    async def _clusters(self, _: web.Request) -> web.Response:
        return _json(encode_reports(await in_slices(self._facts.clusters())))

    async def _config_dump(self, _: web.Request) -> web.Response:
        return _json(msgspec.json.encode(await self._facts.config_dump()))

    async def _limits(self, _: web.Request) -> web.Response:
        return _json(msgspec.json.encode(self._facts.limits()))

    async def _drain(self, _: web.Request) -> web.Response:
        self._facts.drain()
        return _json(b"{}")


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")
