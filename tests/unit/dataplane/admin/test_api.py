import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from aiohttp import ClientSession

from dataplane.admin.api import AdminApi, WorkerPort
from dataplane.admin.report import WorkerReport
from dataplane.admin.worker import WorkerAdmin, WorkerFacts
from dataplane.observe.endpoints import ClusterReport, EndpointReport
from dataplane.observe.metrics import Family


class FakeWorker:
    def __init__(self, index: int, version: str = "v1", refusal: str = "") -> None:
        self.index = index
        self.version = version
        self.refusal = refusal
        self.drained = False
        self.clusters: list[ClusterReport] = []
        self.dumps = 0

    def report(self) -> WorkerReport:
        return WorkerReport(
            worker=self.index,
            node=f"n/{self.index}",
            pid=1,
            ready=bool(self.version),
            draining=self.drained,
            config_version=self.version,
            type_versions={},
            listeners={"l": ("127.0.0.1", 10000)},
            connected=True,
            current=True,
            connections=1,
            accepted=1,
            refused=0,
            resources=1,
            refusals={"type": self.refusal} if self.refusal else {},
        )

    async def families(self) -> list[Family]:
        return [Family("outrider_requests_total", "counter", "Requests.", (), {(): 2.0})]

    def reports(self) -> list[ClusterReport]:
        return self.clusters

    async def config_dump(self) -> object:
        self.dumps += 1
        return {"of": self.version}

    def drain(self) -> None:
        self.drained = True


class Admin:
    """The parent's admin port over fake workers."""

    def __init__(self, url: str, http: ClientSession) -> None:
        self._url = url
        self._http = http

    async def get(self, path: str) -> tuple[int, str]:
        async with self._http.get(self._url + path) as response:
            return response.status, await response.text()

    async def post(self, path: str) -> str:
        async with self._http.post(self._url + path) as response:
            return await response.text()


@asynccontextmanager
async def admin_of(directory: Path, *workers: FakeWorker | None) -> AsyncIterator[Admin]:
    """:param workers: None is a worker that is not there."""
    async with AsyncExitStack() as stack:
        ports = []
        for index, worker in enumerate(workers):
            socket = directory / f"{index}.sock"
            ports.append(WorkerPort(index, socket))
            stack.push_async_callback(ports[-1].close)
            if worker is not None:
                facts = WorkerFacts(
                    worker.report,
                    worker.families,
                    worker.reports,
                    worker.config_dump,
                    worker.drain,
                    lambda: {"holders": 1},
                )
                server = WorkerAdmin(facts, socket)
                await server.start()
                stack.push_async_callback(server.close)
        api = AdminApi(ports, list)
        host, port = await api.start("127.0.0.1", 0)
        stack.push_async_callback(api.close)
        http = await stack.enter_async_context(ClientSession())
        yield Admin(f"http://{host}:{port}", http)


async def test_one_scrape_adds_up_all_workers(tmp_path: Path) -> None:
    async with admin_of(tmp_path, FakeWorker(0), FakeWorker(1)) as admin:
        status, text = await admin.get("/metrics")
    assert status == 200
    assert "outrider_requests_total 4.0" in text.splitlines()
    assert 'outrider_worker_up{worker="1"} 1.0' in text.splitlines()


async def test_scrape_shows_a_worker_that_does_not_answer(tmp_path: Path) -> None:
    async with admin_of(tmp_path, FakeWorker(0), None) as admin:
        _, text = await admin.get("/metrics")
    assert "outrider_requests_total 2.0" in text.splitlines()
    assert 'outrider_worker_up{worker="1"} 0.0' in text.splitlines()


async def test_ready_when_every_worker_is(tmp_path: Path) -> None:
    async with admin_of(tmp_path, FakeWorker(0), FakeWorker(1)) as admin:
        assert await admin.get("/readyz") == (200, '{"ready": true, "waiting": []}')
        assert (await admin.get("/healthz"))[0] == 200


async def test_not_ready_says_which_worker_and_why(tmp_path: Path) -> None:
    refusing = FakeWorker(1, version="", refusal="model provider 'p': variable KEY is not set")
    async with admin_of(tmp_path, FakeWorker(0), refusing, None) as admin:
        status, text = await admin.get("/readyz")
    assert status == 503
    assert json.loads(text)["waiting"] == [
        {"worker": 1, "why": "refused its config: model provider 'p': variable KEY is not set"},
        {"worker": 2, "why": "does not answer"},
    ]


async def test_drain_reaches_every_worker_and_ends_readiness(tmp_path: Path) -> None:
    workers = FakeWorker(0), FakeWorker(1)
    async with admin_of(tmp_path, *workers) as admin:
        assert await admin.post("/drain") == '{"draining": 2}'
        assert all(worker.drained for worker in workers)
        assert (await admin.get("/readyz"))[0] == 503


async def test_config_dump_shows_an_equal_config_once(tmp_path: Path) -> None:
    workers = FakeWorker(0), FakeWorker(1), FakeWorker(2, version="v2")
    async with admin_of(tmp_path, *workers) as admin:
        _, text = await admin.get("/config_dump")
    shown = json.loads(text)
    assert shown["configs"] == {"v1": {"of": "v1"}, "v2": {"of": "v2"}}
    assert [one["config_version"] for one in shown["workers"]] == ["v1", "v1", "v2"]
    assert [worker.dumps for worker in workers] == [1, 0, 1]


def one_cluster(active: int) -> ClusterReport:
    healthy, ejected_for_s, picked = True, 0.0, True
    numbers = (active, healthy, ejected_for_s, picked, 9, 1, 0.25, 0.0)
    one = EndpointReport("10.0.0.1:80", 1, 1.0, 0, "a", *numbers, hostname="gpu")
    return ClusterReport("agent:x", "peak_ewma", False, 2, (one,))


async def test_clusters_of_all_workers_are_one_answer(tmp_path: Path) -> None:
    workers = FakeWorker(0), FakeWorker(1)
    for worker in workers:
        worker.clusters = [one_cluster(active=2)]
    async with admin_of(tmp_path, *workers, None) as admin:
        status, text = await admin.get("/clusters")
    assert status == 200
    told = json.loads(text)
    assert told["workers"] == 2
    (cluster,) = told["clusters"]
    (endpoint,) = cluster["endpoints"]
    assert (cluster["name"], cluster["connections"]) == ("agent:x", 4)
    assert (endpoint["address"], endpoint["hostname"]) == ("10.0.0.1:80", "gpu")
    assert (endpoint["active"], endpoint["healthy"], endpoint["success_rate"]) == (4, 2, 0.9)


async def test_clusters_as_text_are_lines_like_envoys(tmp_path: Path) -> None:
    worker = FakeWorker(0)
    worker.clusters = [one_cluster(active=2)]
    async with admin_of(tmp_path, worker) as admin:
        _, text = await admin.get("/clusters?format=text")
    assert "agent:x::policy::peak_ewma" in text.splitlines()
    assert "agent:x::10.0.0.1:80::active::2" in text.splitlines()


async def test_clusters_in_another_format_are_refused(tmp_path: Path) -> None:
    async with admin_of(tmp_path, FakeWorker(0)) as admin:
        assert await admin.get("/clusters?format=xml") == (
            400,
            "format 'xml' is neither json nor text\n",
        )
