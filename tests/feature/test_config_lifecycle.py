"""A config on its way: from an edited file to every worker, without a failed request."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientSession, web

from controlplane.config.problem import ConfigErrors
from dataplane.admin.report import WorkerReport
from dataplane.main import running_worker
from tests.support.agents import Answering, Received, Service, events, says, service
from tests.support.load import ASK, load
from tests.support.planes import Nodes, planes, processes, until_nodes, worker_bootstrap
from tests.support.plano import scenario
from tests.support.ports import free_port
from tests.support.wait import until


@dataclass(frozen=True)
class Edit:
    """A config as a few words; each field is something an operator changes."""

    services: tuple[str, ...]
    ports: tuple[int, int] = (0, 0)
    fast: str = "one"
    """What the alias leads to."""
    providers: tuple[str, ...] = ("one", "two")
    agents: tuple[str, ...] = ("weather",)
    extra: bool = False
    """A listener more."""
    timeout_s: int = 60
    key: str = ""

    def text(self) -> str:
        """As JSON, which is YAML."""
        urls = dict(zip(self.providers, self.services * 9, strict=False))
        listeners: list[dict[str, object]] = [
            {
                "type": "model",
                "name": "models",
                "port": self.ports[0],
                "timeout": f"{self.timeout_s}s",
            },
            {
                "type": "agent",
                "name": "desk",
                "port": self.ports[1],
                "agents": [{"id": one, "description": f"Knows {one}."} for one in self.agents],
            },
        ]
        if self.extra:
            listeners.append({"type": "model", "name": "extra", "port": 0})
        for one in listeners:
            one["address"] = "127.0.0.1"
            # all of it runs in one loop, and a machine that is busy is none of our changes
            one["limits"] = {"queue_timeout": "30s"}
        key = {"access_key": self.key} if self.key else {}
        return json.dumps(
            {
                "version": "v0.4.0",
                "listeners": listeners,
                "agents": [{"id": one, "url": self.services[0]} for one in self.agents],
                "model_providers": [
                    {"name": name, "model": f"openai/{name}", "base_url": f"{url}/v1", **key}
                    for name, url in urls.items()
                ],
                "model_aliases": {"fast": {"target": self.fast}},
            },
            indent=1,
        )


def edits(first: Edit, count: int) -> list[Edit]:
    """Every kind of change, over and over; each differs from the one before."""
    kinds: Sequence[dict[str, object]] = (
        {"fast": "two"},
        {"providers": ("one", "two", "three")},
        {"fast": "three", "providers": ("one", "two", "three")},
        {"agents": ("weather", "flights")},
        {"extra": True},
        {"extra": True, "providers": ("two", "one")},
        {"agents": ("flights", "weather"), "services": first.services[::-1]},
        {"timeout_s": 61, "fast": "two"},
    )
    # The timeout counts up so that no two configs in a row are equal.
    return [
        replace(first, **{"timeout_s": 62 + turn, **kinds[turn % len(kinds)]})  # type: ignore[arg-type]  # fields by name
        for turn in range(count)
    ]


@asynccontextmanager
async def upstreams() -> AsyncIterator[tuple[Service, Service]]:
    async with service(says("sun")) as one, service(says("rain")) as two:
        yield one, two


def hesitates(go_on: asyncio.Event) -> Answering:
    """Streams one event and the others when it may go on."""

    async def answer(one: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(one.request)
        first, *rest = events(["sun", "shine"])
        await response.write(first)
        await go_on.wait()
        for event in rest:
            await response.write(event)
        return response

    return answer


async def ask(url: str, model: str = "fast") -> tuple[int, str]:
    async with ClientSession() as http:
        body = {**ASK, "model": model}
        async with http.post(f"{url}/v1/chat/completions", json=body) as response:
            text = await response.text()
            if response.status != 200:
                return response.status, text
            return 200, json.loads(text)["choices"][0]["message"]["content"]


async def test_changed_alias_is_served_by_every_worker(tmp_path: Path) -> None:
    async with upstreams() as (one, two):
        edit = Edit((one.url, two.url))
        async with planes(edit.text(), tmp_path, workers=2) as p:
            assert await ask(p.url("models")) == (200, "sun")
            await p.apply(replace(edit, fast="two").text())
            for worker in range(2):
                assert await ask(p.url("models", worker)) == (200, "rain")


async def test_agent_listener_answers(tmp_path: Path) -> None:
    async with upstreams() as (one, two):
        edit = Edit((one.url, two.url))
        async with planes(edit.text(), tmp_path) as p:
            assert await ask(p.url("desk")) == (200, "sun")


async def test_bad_config_changes_nothing(tmp_path: Path) -> None:
    async with upstreams() as (one, two):
        edit = Edit((one.url, two.url))
        async with planes(edit.text(), tmp_path) as p:
            with pytest.raises(ConfigErrors):
                await p.apply(replace(edit, fast="nobody").text())
            assert await ask(p.url("models")) == (200, "sun")


async def test_refused_config_is_told_with_its_reason_and_the_old_one_serves(
    tmp_path: Path,
) -> None:
    async with upstreams() as (one, two):
        edit = Edit((one.url, two.url))
        async with planes(edit.text(), tmp_path) as p:
            admin = p.control.admin_address
            await p.control.pipeline.apply(replace(edit, key="$NO_KEY").text(), "x.yaml", "test")
            nodes = await until_nodes(admin, lambda nodes: bool(refusals(nodes)))
            assert refusals(nodes) == [
                "model provider 'one': environment variable NO_KEY is not set or empty"
            ]
            assert not nodes.nodes[0].converged
            assert await ask(p.url("models")) == (200, "sun")
            await p.apply(edit.text())
            await until_nodes(admin, lambda nodes: not refusals(nodes))


def refusals(nodes: Nodes) -> list[str]:
    """What `outrider nodes` shows as refused."""
    return [kind.nack_reason for node in nodes.nodes for kind in node.types if kind.nack_reason]


async def test_removed_listener_closes_and_a_new_one_opens(tmp_path: Path) -> None:
    async with upstreams() as (one, two):
        edit = Edit((one.url, two.url))
        async with planes(replace(edit, extra=True).text(), tmp_path) as p:
            extra = p.url("extra")
            assert await ask(extra) == (200, "sun")
            await p.apply(edit.text())
            with pytest.raises(OSError, match="Cannot connect"):
                await ask(extra)
            await p.apply(replace(edit, extra=True).text())
            assert await ask(p.url("extra")) == (200, "sun")


async def test_stream_goes_on_with_the_config_it_began_with(tmp_path: Path) -> None:
    go_on = asyncio.Event()
    async with service(hesitates(go_on)) as one, service(says("rain")) as two:
        edit = Edit((one.url, two.url))
        async with planes(edit.text(), tmp_path) as p, ClientSession() as http:
            body = {**ASK, "model": "fast", "stream": True}
            async with http.post(f"{p.url('models')}/v1/chat/completions", json=body) as response:
                await response.content.readany()
                await p.apply(replace(edit, fast="two", providers=("three", "two")).text())
                assert await ask(p.url("models")) == (200, "rain")
                go_on.set()
                assert (await response.read()).endswith(b"data: [DONE]\n\n")


async def test_changes_under_load_fail_no_request(tmp_path: Path) -> None:
    async with upstreams() as (one, two):
        first = Edit((one.url, two.url))
        async with planes(first.text(), tmp_path) as p:
            targets = [(p.url("models"), "fast"), (p.url("models"), "one"), (p.url("desk"), "x")]
            async with load(targets) as seen:
                for edit in edits(first, 12):
                    await p.apply(edit.text())
            assert seen.failures == []
            assert seen.streamed > 0


async def test_no_provider_is_sent_the_key_or_the_name_of_the_one_before(tmp_path: Path) -> None:
    """A provider that moves has another address, Host header and key: all of them at once."""
    async with upstreams() as (one, two):
        keys = {"$ONE": one, "$TWO": two}
        first, *others = [
            replace(Edit((where.url,)), providers=("one",), key=key)
            for key, where in [*keys.items()] * 5
        ]
        environ = {name[1:]: name for name in keys}
        async with (
            planes(first.text(), tmp_path, environ=environ) as p,
            load([(p.url("models"), "fast")], clients=4) as seen,
        ):
            for edit in others:
                await p.apply(edit.text())
        assert seen.failures == []
        for key, where in keys.items():
            sent = {(got.headers["authorization"], got.headers["host"]) for got in where.received}
            assert sent == {(f"Bearer {key}", where.url.removeprefix("http://"))}


async def test_worker_starts_from_disk_within_200_ms(tmp_path: Path) -> None:
    async with upstreams() as (one, two):
        edit = Edit((one.url, two.url), ports=(free_port(), free_port()))
        async with planes(edit.text(), tmp_path):
            pass
        nowhere = f"127.0.0.1:{free_port()}"
        began = time.perf_counter()
        async with running_worker(worker_bootstrap(nowhere, tmp_path), {}) as worker:
            took = time.perf_counter() - began
            assert await ask(f"http://127.0.0.1:{edit.ports[0]}") == (200, "sun")
            assert worker.report().ready
        assert took < 0.2


async def test_restarted_control_plane_resends_nothing(tmp_path: Path) -> None:
    async with upstreams() as (one, two):
        edit = Edit((one.url, two.url), ports=(free_port(), free_port()))
        async with planes(edit.text(), tmp_path):
            pass
        async with planes(edit.text(), tmp_path) as p:
            await until(lambda: p.workers[0].report().connected)
            assert p.workers[0].report().resources == 0
            assert await ask(p.url("models")) == (200, "sun")


@pytest.mark.slow
async def test_hundred_changes_under_load_fail_no_request(tmp_path: Path) -> None:
    async with upstreams() as (one, two):
        first = Edit((one.url, two.url), ports=(free_port(), free_port()))
        async with processes(first.text(), tmp_path) as p:
            targets = [(p.url("models"), "fast"), (p.url("models"), "one"), (p.url("desk"), "x")]
            async with load(targets) as seen:
                for edit in edits(first, 100):
                    await p.apply(edit.text())
            assert seen.failures == []
            assert seen.streamed > 100


async def workers_of(admin: str, http: ClientSession) -> list[WorkerReport]:
    async with http.get(f"{admin}/config_dump") as response:
        shown = msgspec.json.decode(await response.read())
    return [msgspec.convert(one, WorkerReport) for one in shown["workers"] if one is not None]


async def until_ready(admin: str, http: ClientSession, *, without: int) -> list[WorkerReport]:
    """Wait until the place of a worker that was killed is taken."""
    async with asyncio.timeout(30):
        while True:
            workers = await workers_of(admin, http)
            ready = [one for one in workers if one.ready and one.pid != without]
            if len(ready) == 2:
                return ready
            await asyncio.sleep(0.05)


@scenario(40, "better: a worker answers for itself, is replaced, and needs no control plane")
@pytest.mark.slow
async def test_traffic_outlives_the_control_plane(tmp_path: Path) -> None:
    async with upstreams() as (one, two), ClientSession() as http:
        edit = Edit((one.url, two.url), ports=(free_port(), free_port()))
        async with processes(edit.text(), tmp_path) as p:
            url = p.url("models")
            async with load([(url, "fast")]) as seen:
                await p.kill_control()
            killed, _ = await workers_of(p.admin, http)
            os.kill(killed.pid, signal.SIGKILL)
            # A worker that starts now has the disk only.
            fresh, _ = await until_ready(p.admin, http, without=killed.pid)
            assert (fresh.connections, fresh.resources) == (0, 0)
            async with load([(url, "fast")]) as seen_then:
                p.write(replace(edit, fast="two").text())
                await p.start_control()
                await p.apply(replace(edit, fast="two").text())
            assert seen.failures + seen_then.failures == []
            assert await ask(url) == (200, "rain")
            workers = await workers_of(p.admin, http)
            # Only the alias' route has changed; the worker that was not killed got all before.
            assert workers[0].resources == 1
            assert len({one.config_version for one in workers}) == 1


@pytest.mark.slow
async def test_ready_line_tells_the_newest_config_not_the_one_on_disk(tmp_path: Path) -> None:
    async with upstreams() as (one, two):
        edit = Edit((one.url, two.url), ports=(free_port(), free_port()))
        async with processes(replace(edit, extra=True).text(), tmp_path, workers=1) as p:
            assert p.url("extra")
            await p.stop_data()
            p.write(edit.text())
            await p.screen.until_said("serving revision 2")
            await p.start_data()
            with pytest.raises(KeyError):
                p.url("extra")
            assert await ask(p.url("models")) == (200, "sun")


@pytest.mark.slow
async def test_sigterm_lets_a_running_stream_finish(tmp_path: Path) -> None:
    go_on = asyncio.Event()
    async with service(hesitates(go_on)) as one, service(says("rain")) as two:
        edit = Edit((one.url, two.url), ports=(free_port(), free_port()))
        async with processes(edit.text(), tmp_path) as p, ClientSession() as http:
            url = p.url("models")
            body = {**ASK, "model": "fast", "stream": True}
            async with http.post(f"{url}/v1/chat/completions", json=body) as response:
                await response.content.readany()
                stopping = asyncio.get_running_loop().create_task(p.stop_data())
                await until_refused(url)
                go_on.set()
                assert (await response.read()).endswith(b"data: [DONE]\n\n")
            assert await stopping == 0


async def until_refused(url: str) -> None:
    """Wait until nobody listens there any more."""
    async with asyncio.timeout(10):
        while True:
            try:
                await ask(url, "two")
            except OSError:
                return
            await asyncio.sleep(0.02)


@pytest.mark.slow
async def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    async with upstreams() as (one, two), ClientSession() as http:
        edit = Edit((one.url, two.url), ports=(free_port(), free_port()))
        async with processes(edit.text(), tmp_path) as p:
            workers = [Path(f"/proc/{one.pid}") for one in await workers_of(p.admin, http)]
            parent = workers[0].joinpath("stat").read_text().rpartition(")")[2].split()[1]
            os.kill(int(parent), signal.SIGKILL)
            await until(lambda: not any(worker.exists() for worker in workers))
