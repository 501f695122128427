"""`outrider up` as a user runs it: a process that starts two planes and leaves nothing behind."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from controlplane.cli.supervise import Child
from tests.support.ports import free_port
from tests.support.screen import Screen

OUTRIDER = str(Path(sys.executable).with_name("outrider"))
CONFIG = """
version: v0.4.0
agents:
  - {id: helper, url: "http://127.0.0.1:9"}
listeners:
  - type: agent
    name: front door
    address: 127.0.0.1
    port: 0
    agents: [{id: helper, description: Helps.}]
"""
SERVING = r"agent listener front door: (http://\S+)/v1"
START_S = 60  # four Python processes on a busy machine


def write(folder: Path, text: str) -> Path:
    file = folder / "outrider.yaml"
    file.write_text(text)
    return file


@asynccontextmanager
async def up(folder: Path, text: str = CONFIG) -> AsyncIterator[tuple[Child, Screen]]:
    """`outrider up` on free ports with one worker; killed at the end if it still runs."""
    screen = Screen()
    config = str(write(folder, text))
    addresses = [
        f"--{name}-address=127.0.0.1:0" for name in ("xds", "admin", "http", "dataplane-admin")
    ]
    argv = [OUTRIDER, "up", config, "--workers=1", f"--state-dir={folder / 'state'}", *addresses]
    child = await Child.start("up", argv, screen.show)
    try:
        yield child, screen
    finally:
        await child.stop(20)


def children_of(pid: int) -> set[int]:
    """Every process below this one."""
    found: set[int] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended while we looked
        if int(fields[1]) == pid:
            child = int(stat.parent.name)
            found |= {child} | children_of(child)
    return found


async def all_gone(pids: set[int]) -> None:
    """Wait until none of the processes runs."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(20):
        for pid in pids:
            try:
                watched = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            ended = asyncio.Event()
            loop.add_reader(watched, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(watched)
                os.close(watched)


@pytest.mark.first
async def test_up_serves_then_stops_everything_on_sigterm(tmp_path: Path) -> None:
    async with up(tmp_path) as (child, screen):
        url = (await screen.until_said(SERVING, seconds=START_S))[1]
        async with ClientSession() as session, session.get(f"{url}/healthz") as response:
            assert response.status == 200
        planes = children_of(child.pid)
        assert len(planes) >= 3
        assert await child.stop(20) == 0
    await all_gone(planes)


async def test_bad_config_starts_nothing(tmp_path: Path) -> None:
    async with up(tmp_path, CONFIG.replace("[{id: helper", "[{id: nobody")) as (
        child,
        screen,
    ):
        assert await child.ended() == 1
    assert "unknown agent 'nobody'" in screen.text()
    assert "ready" not in screen.text()


NOWHERE = 'filters: [{id: mine, type: python, config: {class: "nowhere.at_all:Thing"}}]'


@pytest.mark.slow
async def test_config_that_the_data_plane_refuses_ends_it_with_the_reason(tmp_path: Path) -> None:
    async with up(tmp_path, CONFIG + NOWHERE) as (child, screen):
        async with asyncio.timeout(START_S - 5):  # not after waiting for what cannot come
            assert await child.ended() == 1
    why = "filter 'mine': nowhere.at_all:Thing cannot be made: ModuleNotFoundError"
    assert f"outrider: data refuses {tmp_path / 'outrider.yaml'}: {why}" in screen.text()
    assert "Traceback" not in screen.text()


@pytest.mark.slow
async def test_refused_config_is_not_said_to_be_served_where_the_last_good_one_is(
    tmp_path: Path,
) -> None:
    async with up(tmp_path) as (child, screen):
        await screen.until_said(SERVING, seconds=START_S)
        assert await child.stop(20) == 0
    async with up(tmp_path, CONFIG + NOWHERE) as (child, screen):
        await screen.until_said(SERVING, seconds=START_S)
        assert "it is not served: the last good config is" in screen.text()
        assert "outrider: serving" not in screen.text()
        assert await child.stop(20) == 0


@pytest.mark.slow
async def test_planes_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    async with up(tmp_path) as (child, screen):
        await screen.until_said(SERVING, seconds=START_S)
        planes = children_of(child.pid)
        os.kill(child.pid, signal.SIGKILL)
        await all_gone(planes)


@pytest.mark.slow
async def test_control_plane_that_dies_is_started_again_on_the_same_ports(tmp_path: Path) -> None:
    async with up(tmp_path) as (child, screen):
        url = (await screen.until_said(SERVING, seconds=START_S))[1]
        first = await screen.until_said(r"control \| ready (.*)")
        os.kill(_control_plane(child.pid), signal.SIGKILL)
        async with ClientSession() as session, session.get(f"{url}/healthz") as response:
            assert response.status == 200
        again = await screen.until_said(r"control \| ready (.*)", times=2, seconds=START_S)
        assert again[1] == first[1]
        assert await child.stop(20) == 0
    assert "control | ended (killed by SIGKILL), starting it again in 0.25 s" in screen.text()


def _control_plane(supervisor: int) -> int:
    for pid in children_of(supervisor):
        if b"controlplane" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            return pid
    raise AssertionError("no control plane runs")


@pytest.mark.slow
async def test_port_of_another_one_is_refused_and_says_who_has_it(tmp_path: Path) -> None:
    """They would share it, and each would get some of the clients."""
    config = CONFIG.replace("port: 0", f"port: {free_port()}")
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with up(tmp_path / "one", config) as (_, screen):
        await screen.until_said(SERVING, seconds=START_S)
        async with up(tmp_path / "two", config) as (second, other):
            async with asyncio.timeout(START_S):
                assert await second.ended() == 1
    why = other.text().rpartition("outrider: data refuses ")[2].splitlines()[0]
    assert "listener front door: cannot listen on 127.0.0.1:" in why
    assert f"state in {tmp_path / 'one' / 'state' / 'dataplane'}) listens there" in why
