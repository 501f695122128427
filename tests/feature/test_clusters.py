"""Clusters as an operator sees them, and endpoints that come and go under traffic."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientSession
from click.testing import CliRunner, Result

from controlplane.cli.main import main
from dataplane.runtime.cluster import HealthCheck
from dataplane.runtime.config import Cluster, Endpoint, RuntimeConfig
from tests.support.gateway import Gateway, gateway, model_config
from tests.support.planes import Planes, planes
from tests.support.raw_client import connected, post
from tests.support.upstream import (
    DONE,
    FakeUpstream,
    Received,
    Step,
    always,
    chunk,
    chunked_head,
    event,
    json_answer,
    upstream,
)
from tests.support.wait import until

BODY = b'{"model":"gpt","messages":[{"role":"user","content":"hi"}]}'
STREAM = b'{"model":"gpt","stream":true,"messages":[{"role":"user","content":"hi"}]}'


# -- what is seen


def fleet_config(*endpoints: str) -> str:
    return json.dumps(
        {
            "version": "v0.4.0",
            "listeners": [{"type": "model", "name": "models", "address": "127.0.0.1", "port": 0}],
            "model_providers": [
                {
                    "name": "llama",
                    "model": "vllm/llama",
                    "endpoints": [{"url": url, "zone": "a"} for url in endpoints],
                    "load_balancing": {"policy": "round_robin"},
                    "circuit_breakers": {"max_requests": 100},
                }
            ],
        }
    )


async def shell(p: Planes, *words: str) -> Result:
    """Run `outrider WORDS` beside the planes."""
    words = (*words, "--admin", p.control.admin_address)
    return await asyncio.to_thread(CliRunner().invoke, main, words)


async def ask_all_workers(p: Planes, http: ClientSession, each: int) -> None:
    body = {"model": "llama", "messages": [{"role": "user", "content": "hi"}]}
    for worker in range(len(p.workers)):
        url = f"{p.url('models', worker)}/v1/chat/completions"
        for _ in range(each):
            async with http.post(url, json=body) as response:
                assert response.status == 200


async def test_outrider_clusters_shows_what_all_workers_know(tmp_path: Path) -> None:
    async with upstream() as one, upstream() as two, ClientSession() as http:
        urls = [f"http://127.0.0.1:{fake.endpoint.port}/v1" for fake in (one, two)]
        async with planes(fleet_config(*urls), tmp_path, workers=2) as p:
            await ask_all_workers(p, http, each=4)
            shown = json.loads((await shell(p, "clusters", "--json")).stdout)
            assert (shown["workers"], shown["silent"]) == (2, [])
            (cluster,) = shown["clusters"]
            assert (cluster["name"], cluster["policy"]) == ("provider:llama", "round_robin")
            endpoints = cluster["endpoints"]
            assert [(e["zone"], e["workers"], e["answers"]) for e in endpoints] == [
                ("a", 2, "4")
            ] * 2
            table = await shell(p, "clusters", "provider:llama")
            assert "1 cluster, 2 workers" in table.stdout
            assert f"127.0.0.1:{one.endpoint.port}" in table.stdout
            by_worker = json.loads((await shell(p, "clusters", "--workers", "--json")).stdout)
            assert [one["worker"] for one in by_worker["clusters"]] == ["test/0", "test/1"]


async def test_a_cluster_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with planes(fleet_config("http://127.0.0.1:9/v1"), tmp_path) as p:
        result = await shell(p, "clusters", "provider:lama")
        assert result.exit_code == 1
        assert "no worker has a cluster 'provider:lama'" in result.stderr


async def test_metrics_tell_of_endpoints_that_are_used(tmp_path: Path) -> None:
    async with upstream() as one, upstream() as two, ClientSession() as http:
        urls = [f"http://127.0.0.1:{fake.endpoint.port}/v1" for fake in (one, two)]
        async with planes(fleet_config(*urls), tmp_path) as p:
            await ask_all_workers(p, http, each=2)
            families = {family.name: family.samples for family in p.workers[0].families()}
            answered = families["outrider_endpoint_answers_total"]
            assert {key[2]: value for key, value in answered.items()} == {
                "answered": 1.0,
                "failed": 0.0,
            }
            assert families["outrider_cluster_requests_active"] == {("provider:llama",): 0.0}


# -- what a config says takes effect


def config_of(provider: Mapping[str, object], *priorities: str) -> str:
    """One model provider, and a listener for each priority, named by it."""
    listeners = [
        {"type": "model", "name": one, "address": "127.0.0.1", "port": 0, "priority": one}
        for one in priorities or ("default",)
    ]
    providers = [{"name": "llama", "model": "vllm/llama", **provider}]
    return json.dumps({"version": "v0.4.0", "listeners": listeners, "model_providers": providers})


async def statuses(p: Planes, http: ClientSession, listener: str, times: int) -> set[int]:
    body = {"model": "llama", "messages": [{"role": "user", "content": "hi"}]}
    seen = set()
    for _ in range(times):
        async with http.post(f"{p.url(listener)}/v1/chat/completions", json=body) as response:
            seen.add(response.status)
    return seen


def at(fake: FakeUpstream, **more: object) -> dict[str, object]:
    return {"url": f"http://127.0.0.1:{fake.endpoint.port}/v1", **more}


async def test_endpoints_of_the_own_zone_are_preferred(tmp_path: Path) -> None:
    async with upstream() as near, upstream() as far, ClientSession() as http:
        text = config_of({"endpoints": [at(far, zone="b"), at(near, zone="a")]})
        async with planes(text, tmp_path, flags=["--zone", "a"]) as p:
            assert await statuses(p, http, "default", 12) == {200}
            assert (len(near.requests), len(far.requests)) == (12, 0)


async def test_the_next_level_is_asked_when_the_first_is_ill(tmp_path: Path) -> None:
    ill = always(json_answer(b"{}", "500 Internal Server Error"))
    async with upstream(ill) as first, upstream() as second, ClientSession() as http:
        text = config_of(
            {
                "endpoints": [at(first), at(second, priority=1)],
                "health_check": {"interval": "20ms", "unhealthy_threshold": 1, "path": "/up"},
            }
        )
        async with planes(text, tmp_path) as p:
            reports = p.workers[0].clusters

            def health() -> list[bool | None]:
                return [one.healthy for cluster in reports.each() for one in cluster.endpoints]

            await until(lambda: health() == [False, True])
            asked = len([one for one in first.requests if b"/v1/" in one.line])
            assert await statuses(p, http, "default", 5) == {200}
            assert len([one for one in first.requests if b"/v1/" in one.line]) == asked


async def test_important_requests_have_circuit_breakers_of_their_own(tmp_path: Path) -> None:
    async with upstream() as fake, ClientSession() as http:
        breakers = {"max_requests": 0, "high": {"max_requests": 5}}
        text = config_of({"endpoints": [at(fake)], "circuit_breakers": breakers}, "default", "high")
        async with planes(text, tmp_path) as p:
            assert await statuses(p, http, "high", 3) == {200}
            assert await statuses(p, http, "default", 3) == {503}
            shown = await shell(p, "clusters")
            assert "3 requests refused by circuit breakers (requests)" in shown.stdout


# -- names


class Names:
    """A resolver that answers what the test says."""

    def __init__(self, **known: Sequence[str]) -> None:
        self.known: dict[str, Sequence[str]] = dict(known)
        self.asked: list[str] = []

    async def lookup(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        if name not in self.known:
            raise OSError(-2, "Name or service not known")
        return self.known[name]


@asynccontextmanager
async def two_machines() -> AsyncIterator[tuple[FakeUpstream, FakeUpstream]]:
    """The same port on two addresses, as the machines behind one name have it."""
    async with upstream() as one, upstream(host="127.0.0.2", port=one.endpoint.port) as two:
        yield one, two


def named_config(port: int, every_s: float = 0.02) -> RuntimeConfig:
    return model_config(Endpoint("fleet.test", port), cluster={"dns_refresh_s": every_s})


async def ask(gate: Gateway, times: int = 1) -> None:
    async with connected(gate.port) as conn:
        for _ in range(times):
            conn.send(post(BODY))
            reply = await conn.reply()
            assert reply.status == 200, reply


async def test_every_address_of_a_name_gets_requests_under_its_name() -> None:
    names = Names(**{"fleet.test": ["127.0.0.1", "127.0.0.2"]})
    async with two_machines() as (one, two):
        config = named_config(one.endpoint.port)
        async with gateway(config, lookup=names.lookup) as gate:
            state = gate.services.clusters.of(config.clusters["c"])
            await until(lambda: len(state.endpoints) == 2)
            await ask(gate, 20)
            assert one.requests
            assert two.requests
            host = f"fleet.test:{one.endpoint.port}".encode()
            assert {r.header(b"host") for r in (*one.requests, *two.requests)} == {host}


async def test_an_address_that_is_gone_gets_no_more_and_its_connections_close() -> None:
    names = Names(**{"fleet.test": ["127.0.0.1", "127.0.0.2"]})
    async with two_machines() as (one, two):
        config = named_config(one.endpoint.port)
        async with gateway(config, lookup=names.lookup) as gate:
            state = gate.services.clusters.of(config.clusters["c"])
            await until(lambda: len(state.endpoints) == 2)
            await ask(gate, 20)
            assert two.open == 1
            names.known["fleet.test"] = ["127.0.0.1"]
            await until(lambda: two.open == 0)
            had = len(two.requests)
            await ask(gate, 10)
            assert len(two.requests) == had


async def test_a_resolver_that_fails_takes_nothing_away() -> None:
    names = Names(**{"fleet.test": ["127.0.0.1"]})
    async with two_machines() as (one, _):
        config = named_config(one.endpoint.port)
        async with gateway(config, lookup=names.lookup) as gate:
            state = gate.services.clusters.of(config.clusters["c"])
            await until(lambda: state.endpoints[0].name.startswith("127.0.0.1"))
            del names.known["fleet.test"]
            asked = len(names.asked)
            await until(lambda: len(names.asked) > asked + 2)
            assert gate.services.clusters.unresolved["fleet.test"] > 1
            await ask(gate, 3)
            assert len(one.requests) == 3


async def test_an_address_that_is_new_is_asked_for_its_health(tmp_path: Path) -> None:
    names = Names(**{"fleet.test": ["127.0.0.1"]})
    async with upstream() as one:
        config = model_config(
            Endpoint("fleet.test", one.endpoint.port),
            cluster={
                "dns_refresh_s": 0.02,
                # So seldom that only the new address itself can be the reason to ask.
                "health_check": HealthCheck(interval_s=60.0, unhealthy_threshold=1),
            },
        )
        async with gateway(config, lookup=names.lookup) as gate:
            state = gate.services.clusters.of(config.clusters["c"])
            await until(lambda: state.checks["passed"] > 0)
            names.known["fleet.test"] = ["127.0.0.1", "127.0.0.2"]  # nobody listens on the second
            await until(lambda: [one.healthy for one in state.endpoints] == [True, False])
            await ask(gate, 6)


async def test_names_of_clusters_that_nobody_needs_are_not_looked_up() -> None:
    names = Names(**{"fleet.test": ["127.0.0.1"], "idle.test": ["127.0.0.1"]})
    async with two_machines() as (one, _):
        config = named_config(one.endpoint.port)
        idle = Cluster("idle", (Endpoint("idle.test", 80),), dns_refresh_s=0.02)
        config = replace(config, clusters={**config.clusters, "idle": idle})
        async with gateway(config, lookup=names.lookup) as gate:
            gate.services.clusters.of(config.clusters["c"])
            await until(lambda: names.asked.count("fleet.test") > 2)
            assert "idle.test" not in names.asked


# -- what a new configuration takes away


@asynccontextmanager
async def streaming(gate: Gateway, fake: FakeUpstream) -> AsyncIterator[asyncio.Event]:
    """A stream that has begun at an upstream; it goes on when the event is set, and is whole."""
    go_on = asyncio.Event()

    async def script(_: Received) -> AsyncIterator[Step]:
        yield chunked_head()
        yield chunk(event("sun"))
        await go_on.wait()
        yield chunk(event("shine"))
        yield chunk(DONE) + chunk(b"")

    fake.script = script
    async with connected(gate.port) as conn:
        conn.send(post(STREAM))
        await until(lambda: bool(fake.written))
        yield go_on
        go_on.set()
        reply = await conn.reply()
        assert (reply.status, reply.whole) == (200, True)
        assert b"sun" in reply.body
        assert b"shine" in reply.body
        assert reply.body.endswith(DONE)


@pytest.mark.parametrize("removed", ["endpoint", "cluster"])
async def test_what_a_new_config_removes_finishes_what_it_has(removed: str) -> None:
    async with upstream() as old, upstream() as new, AsyncExitStack() as stack:
        before = model_config(old.endpoint)
        gate = await stack.enter_async_context(gateway(before, drain_s=5.0))
        async with streaming(gate, old):
            after = replace(before, version="2", clusters={"c": Cluster("c", (new.endpoint,))})
            if removed == "cluster":
                moved = {n: replace(p, cluster="d") for n, p in before.providers.items()}
                clusters = {"d": Cluster("d", (new.endpoint,))}
                after = replace(before, version="2", clusters=clusters, providers=moved)
            await gate.listeners.reconcile(after)
            await ask(gate, 3)
            assert len(new.requests) == 3
            assert old.open == 1
        # Its connection is not kept for a request that cannot come.
        await until(lambda: old.open == 0)
        assert len(old.requests) == 1


async def test_an_endpoint_that_comes_back_keeps_connections_again() -> None:
    async with upstream() as one, upstream() as two:
        both: Mapping[str, Cluster] = {"c": Cluster("c", (one.endpoint, two.endpoint))}
        before = model_config(one.endpoint)
        async with gateway(before) as gate:
            await ask(gate)
            assert one.open == 1
            await gate.listeners.reconcile(
                replace(before, version="2", clusters={"c": Cluster("c", (two.endpoint,))})
            )
            await until(lambda: one.open == 0)
            await gate.listeners.reconcile(replace(before, version="3", clusters=both))
            await ask(gate, 20)
            assert (one.open, two.open) == (1, 1)
