import asyncio
import sys

import pytest

from dataplane.clock import MonotonicClock
from dataplane.resilience.backoff import Backoff
from dataplane.workers import UnusableBootstrapError, WorkerProcess, ended
from tests.support.wait import until

SLEEPS = "import time; time.sleep(60)"
IGNORES_SIGTERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
)


class AtOnce:
    def uniform(self, a: float, b: float) -> float:
        return 0.0


class Never:
    def uniform(self, a: float, b: float) -> float:
        return 60.0


def worker(code: str, chance: AtOnce | Never) -> WorkerProcess:
    return WorkerProcess(0, [sys.executable, "-c", code], MonotonicClock(), Backoff(chance))


async def test_worker_that_dies_is_started_again(caplog: pytest.LogCaptureFixture) -> None:
    process = worker("raise SystemExit(7)", AtOnce())
    keeping = asyncio.get_running_loop().create_task(process.keep())
    await until(lambda: process.restarts >= 2)
    process.stop()
    await keeping
    assert "worker 0 ended with exit 7; starting it again" in caplog.text


async def test_stop_ends_the_worker_and_does_not_start_it_again() -> None:
    process = worker(SLEEPS, AtOnce())
    keeping = asyncio.get_running_loop().create_task(process.keep())
    await until(lambda: process.running)
    process.stop()
    async with asyncio.timeout(5):
        await keeping
    assert process.restarts == 0


async def test_stop_does_not_wait_for_the_next_start() -> None:
    process = worker("raise SystemExit(1)", Never())
    keeping = asyncio.get_running_loop().create_task(process.keep())
    await until(lambda: process.restarts == 1)
    process.stop()
    async with asyncio.timeout(5):
        await keeping


async def test_kill_ends_a_worker_that_does_not_listen() -> None:
    process = worker(IGNORES_SIGTERM, AtOnce())
    keeping = asyncio.get_running_loop().create_task(process.keep())
    await until(lambda: process.running)
    process.stop()
    process.kill()
    async with asyncio.timeout(5):
        await keeping


async def test_worker_that_refuses_its_flags_is_not_started_again() -> None:
    with pytest.raises(UnusableBootstrapError):
        await worker("raise SystemExit(2)", AtOnce()).keep()


@pytest.mark.parametrize(
    ("code", "text"),
    [(-9, "was ended by SIGKILL"), (3, "ended with exit 3")],
    ids=["signal", "exit"],
)
def test_end_is_told_in_words(code: int, text: str) -> None:
    assert ended(code) == text
