"""Data planes of several machines take each other's tickets: the control plane has the key."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc.aio
import pytest
from aiohttp import ClientSession

from controlplane.bootstrap import Bootstrap
from controlplane.main import ControlPlane, running_control_plane
from controlplane.security import Security
from controlplane.xds.run_keys import FILE, LIVES_S, RunKeys, RunKeyService
from dataplane.main import running_worker
from dataplane.worker import Worker
from dataplane.xds.run_keys import HandedKeys
from tests.support.agents import says, service
from tests.support.planes import ANY_PORT, worker_bootstrap
from tests.support.wait import until

CONFIG = """\
version: v0.4.0
agents:
  - {{id: writer, url: "{writer}"}}
listeners:
  - type: agent
    name: desk
    address: 127.0.0.1
    port: 0
    agents: [{{id: writer, description: Writes.}}]
"""
TOKEN = "a-token-of-the-fleet"


@asynccontextmanager
async def machine(
    control: ControlPlane, directory: Path, name: str, *flags: str
) -> AsyncIterator[Worker]:
    """A data plane with a state folder of its own."""
    bootstrap = worker_bootstrap(control.xds_address, directory / name, 0, flags)
    async with running_worker(bootstrap, {}) as worker:
        await until(lambda: bool(worker.listeners.bound()), 20)
        yield worker


@asynccontextmanager
async def control_plane(
    directory: Path, security: Security, key: Path | None = None, name: str = "control"
) -> AsyncIterator[ControlPlane]:
    at = Bootstrap(
        xds_address=ANY_PORT,
        admin_address=ANY_PORT,
        http_address=ANY_PORT,
        state_dir=directory / name,
        security=security,
        run_key_file=key,
    )
    async with running_control_plane(at, {}) as control:
        yield control


async def outcome(http: ClientSession, worker: Worker, ticket: str) -> dict[str, float]:
    """What a worker makes of a ticket."""
    host, port = worker.listeners.bound()["desk"]
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    url = f"http://{host}:{port}/v1/chat/completions"
    headers = {"x-outrider-run": ticket} if ticket else {}
    async with http.post(url, json=body, headers=headers) as answer:
        assert answer.status == 200
    families = {one.name: one.samples for one in worker.families()}
    told = families["outrider_run_headers_total"].items()
    return {word: count for (word,), count in told if isinstance(count, float)}


@pytest.mark.parametrize("authenticated", [True, False], ids=["token", "nobody knows who"])
async def test_ticket_of_one_machine_is_good_on_another(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, authenticated: bool
) -> None:
    caplog.set_level("DEBUG")
    token = tmp_path / "token"
    token.write_text(TOKEN)
    security = Security(token_file=token) if authenticated else Security()
    flags = ("--xds-token-file", str(token)) if authenticated else ()
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(service(says("Done.")))
        control = await stack.enter_async_context(control_plane(tmp_path, security))
        await control.pipeline.apply(CONFIG.format(writer=writer.url), "outrider.yaml", "test")
        first = await stack.enter_async_context(machine(control, tmp_path, "one", *flags))
        second = await stack.enter_async_context(machine(control, tmp_path, "two", *flags))
        http = await stack.enter_async_context(ClientSession())
        if authenticated:
            await until(lambda: caplog.text.count("a key of the control plane") == 2)
        await outcome(http, first, "")
        ticket = writer.received[0].headers["x-outrider-run"]
        found = await outcome(http, second, ticket)
        assert found == ({"joined": 1.0} if authenticated else {"unknown": 1.0})
        file = tmp_path / "control" / FILE
        assert file.exists() is authenticated
        if authenticated:
            assert file.stat().st_mode & 0o777 == 0o600
            (key,) = [base64.b64decode(one["key"]) for one in json.loads(file.read_bytes())]
            for shown in (key.hex(), base64.b64encode(key).decode(), repr(key)):
                assert shown not in caplog.text


async def test_ticket_of_one_control_planes_fleet_is_good_in_anothers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    token, key = tmp_path / "token", tmp_path / "key"
    token.write_text(TOKEN)
    key.write_text("a secret of all control planes\n")
    flags = ("--xds-token-file", str(token))
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(service(says("Done.")))
        fleet = []
        for name in ("one", "two"):
            at = control_plane(tmp_path, Security(token_file=token), key, f"control-{name}")
            control = await stack.enter_async_context(at)
            await control.pipeline.apply(CONFIG.format(writer=writer.url), "o.yaml", "test")
            fleet.append(await stack.enter_async_context(machine(control, tmp_path, name, *flags)))
        await until(lambda: caplog.text.count("a key of the control plane") == 2)
        http = await stack.enter_async_context(ClientSession())
        await outcome(http, fleet[0], "")
        ticket = writer.received[0].headers["x-outrider-run"]
        assert await outcome(http, fleet[1], ticket) == {"joined": 1.0}


async def test_new_key_reaches_who_is_there_with_the_one_before_it(tmp_path: Path) -> None:
    wall = [1_790_000_000.0]
    keys = RunKeys(tmp_path / FILE, lambda: wall[0])
    keys.load()
    sealing = RunKeyService(keys)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([sealing.handler()])
    port = server.add_insecure_port(ANY_PORT)
    await server.start()
    told: list[tuple[bytes, ...]] = []
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        following = asyncio.ensure_future(HandedKeys("n/0", "", told.append).run(channel, ()))
        await until(lambda: len(told) == 1)
        wall[0] += LIVES_S
        keys.replace_old()
        await until(lambda: len(told) == 2)
        following.cancel()
        await asyncio.wait([following])
    await sealing.close()
    await server.stop(None)
    assert len(told[0]) == 1
    assert told[1][1:] == told[0]
    assert told[1] == keys.current()
