"""`python -m controlplane` as a process: what it prints, how it ends."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from controlplane.cli.supervise import parse_ready
from controlplane.snapshot.resource import ResourceType
from tests.support.control import BAD, CONFIG
from tests.support.delta import delta_client

Process = asyncio.subprocess.Process


@asynccontextmanager
async def process(tmp_path: Path, *words: str) -> AsyncIterator[Process]:
    ports = [f"--{name}-address=127.0.0.1:0" for name in ("xds", "admin", "http")]
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "controlplane", *ports, "--state-dir", str(tmp_path / "s")),
        *words,
        stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("OUTRIDER_")},
    )
    try:
        async with asyncio.timeout(30):
            yield started
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


async def ready(started: Process) -> dict[str, str]:
    assert started.stderr is not None
    async for line in started.stderr:
        if (addresses := parse_ready(line.decode())) is not None:
            return addresses
    pytest.fail("it ended before it was ready")


async def test_sigterm_ends_it_with_its_streams(tmp_path: Path) -> None:
    file = tmp_path / "outrider.yaml"
    file.write_text(CONFIG)
    async with process(tmp_path, "--config", str(file)) as started:
        addresses = await ready(started)
        assert addresses.keys() == {"xds", "admin", "http"}
        assert os.sched_getscheduler(started.pid) == os.SCHED_BATCH
        async with delta_client(addresses["xds"]) as client:
            await client.subscribe(ResourceType.LISTENER)
            await client.take()
            started.send_signal(signal.SIGTERM)
            with pytest.raises(EOFError):
                await client.read()
        assert await started.wait() == 0


async def test_a_bad_config_and_nothing_else_to_serve_ends_it(tmp_path: Path) -> None:
    file = tmp_path / "outrider.yaml"
    file.write_text(BAD + "bogus: 1\n")
    async with process(tmp_path, "--config", str(file)) as started:
        _, told = await started.communicate()
    assert started.returncode == 1
    assert f"{file}:2: listners: unknown key" in told.decode()
    assert f"{file}:12: bogus: unknown key" in told.decode()
    assert "Traceback" not in told.decode()


async def test_a_secret_that_is_none_ends_it_with_one_line(tmp_path: Path) -> None:
    token, key = tmp_path / "token", tmp_path / "key"
    token.write_text("a-token-of-the-fleet")
    key.write_text("short")
    flags = ("--token-file", str(token), "--run-key-file", str(key))
    async with process(tmp_path, *flags) as started:
        _, told = await started.communicate()
    assert started.returncode == 1
    assert "has less than 16 bytes" in told.decode().splitlines()[-1]
    assert "Traceback" not in told.decode()


async def test_an_open_address_ends_it_with_one_line(tmp_path: Path) -> None:
    async with process(tmp_path, "--xds-address", "0.0.0.0:0") as started:
        _, told = await started.communicate()
    assert started.returncode == 1
    assert told.decode().count("\n") == 1
    assert "--token-file or --tls-client-ca" in told.decode()
