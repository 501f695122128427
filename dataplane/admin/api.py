"""The admin port of a data plane: one answer for all its workers.

It is served by the parent process, so a scrape costs a worker a few numbers and never a rendering.
No secret is ever in an answer; still, who may read the config may learn a lot: loopback unless the
operator says otherwise.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, UnixConnector, web

from dataplane.admin.clusters import as_text, decode_reports, merged
from dataplane.admin.merge import merge
from dataplane.admin.render import render
from dataplane.admin.report import WorkerReport, decode_families, decode_report
from dataplane.observe.endpoints import ClusterReport
from dataplane.observe.metrics import Family

ANSWER_S = 2.0
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
INDEX = b"""\
GET  /metrics      all workers, for Prometheus
GET  /healthz      200 while the process runs
GET  /readyz       200 when every worker has a config and its listeners are bound
GET  /clusters     how the endpoints are doing; ?format=text for grep
GET  /config_dump  what each worker has accepted, without secrets
GET  /limits       what each worker holds of limits, those with least left first
POST /drain        accept nothing new, finish what runs
"""


class WorkerPort:
    """The parent's end of one worker's unix socket."""

    def __init__(self, index: int, socket: Path) -> None:
        self.index = index
        self._session = ClientSession(
            connector=UnixConnector(str(socket)), timeout=ClientTimeout(total=ANSWER_S)
        )

    async def ask(self, method: str, path: str) -> bytes | None:
        """A worker's answer; None when it is not there or does not answer in time."""
        try:
            async with self._session.request(method, f"http://worker{path}") as response:
                return await response.read() if response.status == 200 else None
        except (ClientError, OSError, TimeoutError):
            return None

    async def report(self) -> WorkerReport | None:
        """How the worker is doing; None when it does not say."""
        answer = await self.ask("GET", "/report")
        try:
            return None if answer is None else decode_report(answer)
        except msgspec.MsgspecError:
            return None

    async def families(self) -> list[Family] | None:
        """The worker's metrics; None when it does not say."""
        answer = await self.ask("GET", "/families")
        try:
            return None if answer is None else decode_families(answer)
        except msgspec.MsgspecError:
            return None

    async def clusters(self) -> list[ClusterReport] | None:
        """How the worker's clusters are doing; None when it does not say."""
        answer = await self.ask("GET", "/clusters")
        try:
            return None if answer is None else decode_reports(answer)
        except msgspec.MsgspecError:
            return None

    async def close(self) -> None:
        """Let go of the socket."""
        await self._session.close()


class AdminApi:
    """The HTTP side of it."""

    def __init__(self, ports: Sequence[WorkerPort], own: Callable[[], list[Family]]) -> None:
        """:param own: metrics of the parent itself."""
        self._ports = ports
        self._own = own
        app = web.Application()
        app.router.add_get("/", self._index)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/clusters", self._clusters)
        app.router.add_get("/config_dump", self._config_dump)
        app.router.add_get("/limits", self._limits)
        app.router.add_post("/drain", self._drain)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; the address that is really bound. Raises OSError."""
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        address = self._runner.addresses[0]
        return str(address[0]), int(address[1])

    async def close(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def reports(self) -> list[WorkerReport | None]:
        """How each worker is doing, by index."""
        return await asyncio.gather(*(port.report() for port in self._ports))

    async def _index(self, _: web.Request) -> web.Response:
        return web.Response(body=INDEX, content_type="text/plain")

    async def _metrics(self, _: web.Request) -> web.Response:
        answers = await asyncio.gather(*(port.families() for port in self._ports))
        up: dict[tuple[str, ...], float] = {
            (str(p.index),): float(a is not None) for p, a in zip(self._ports, answers, strict=True)
        }
        families = merge(answer for answer in answers if answer is not None)
        about = "Whether a worker answered this scrape."
        families.append(Family("outrider_worker_up", "gauge", about, ("worker",), up))
        body = render([*families, *self._own()])
        return web.Response(body=body, headers={"content-type": METRICS_TYPE})

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _readyz(self, _: web.Request) -> web.Response:
        reports = await self.reports()
        waiting = [
            {"worker": port.index, "why": why}
            for port, report in zip(self._ports, reports, strict=True)
            if (why := why_not_ready(report))
        ]
        return web.json_response(
            {"ready": not waiting, "waiting": waiting}, status=503 if waiting else 200
        )

    async def _clusters(self, request: web.Request) -> web.Response:
        """Of all workers together; those that do not answer are missing, and counted so."""
        answers = await asyncio.gather(*(port.clusters() for port in self._ports))
        present = [answer for answer in answers if answer is not None]
        statuses = merged(present)
        match request.query.get("format", "json"):
            case "text":
                text = "".join(f"{line}\n" for line in as_text(statuses))
                return web.Response(text=text, content_type="text/plain")
            case "json":
                body = {"workers": len(present), "clusters": statuses}
                return web.Response(body=msgspec.json.encode(body), content_type="application/json")
            case other:
                return web.Response(status=400, text=f"format {other!r} is neither json nor text\n")

    async def _config_dump(self, _: web.Request) -> web.Response:
        """Workers on one version have one content: it is fetched and shown once."""
        reports = await self.reports()
        configs: dict[str, msgspec.Raw] = {}
        for port, report in zip(self._ports, reports, strict=True):
            version = "" if report is None else report.config_version
            if version and version not in configs:
                answer = await port.ask("GET", "/config_dump")
                if answer is not None:
                    configs[version] = msgspec.Raw(answer)
        body = msgspec.json.encode({"workers": reports, "configs": configs})
        return web.Response(body=body, content_type="application/json")

    async def _limits(self, _: web.Request) -> web.Response:
        answers = await asyncio.gather(*(port.ask("GET", "/limits") for port in self._ports))
        shown = [None if answer is None else msgspec.Raw(answer) for answer in answers]
        return web.Response(
            body=msgspec.json.encode({"workers": shown}), content_type="application/json"
        )

    async def _drain(self, _: web.Request) -> web.Response:
        answers = await asyncio.gather(*(port.ask("POST", "/drain") for port in self._ports))
        return web.json_response({"draining": sum(answer is not None for answer in answers)})


def why_not_ready(report: WorkerReport | None) -> str:
    """Empty when the worker is ready."""
    if report is None:
        return "does not answer"
    if report.draining:
        return "is draining"
    if report.ready:
        return ""
    if report.refusals:
        return "refused its config: " + "; ".join(report.refusals.values())
    return "has no config yet" if report.connected else "has no config and no control plane"
