"""Children are real, small Python programs: signals and pipes are what this module is about."""

import asyncio
import os
import signal
import sys

import pytest

from controlplane.cli.supervise import (
    Backoff,
    Child,
    Kept,
    NotReadyError,
    RefusedError,
    StoppedEarlyError,
    describe_exit,
    parse_ready,
)
from controlplane.clock import MonotonicClock
from tests.support.screen import Screen

SAY_READY = "import sys; print('ready xds=127.0.0.1:1 admin=[::1]:2', file=sys.stderr, flush=True);"
SLEEP = "import time; time.sleep(60)"


async def start(code: str, screen: Screen | None = None) -> Child:
    return await Child.start("child", [sys.executable, "-c", code], (screen or Screen()).show)


async def gone(pid: int) -> None:
    """Wait until a process that is not our child has ended."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(watched, ended.set)
    try:
        async with asyncio.timeout(5):
            await ended.wait()
    finally:
        loop.remove_reader(watched)
        os.close(watched)


@pytest.mark.parametrize(
    ("line", "addresses"),
    [
        pytest.param("ready a=1 b=[::1]:2", {"a": "1", "b": "[::1]:2"}, id="bare"),
        pytest.param("12:00 INFO main ready xds=x:1", {"xds": "x:1"}, id="after a log prefix"),
        pytest.param("not ready yet", None, id="no addresses"),
        pytest.param("already a=1", None, id="another word"),
        pytest.param("ready a=1 and more", None, id="a sentence"),
    ],
)
def test_ready_line_gives_addresses(line: str, addresses: dict[str, str] | None) -> None:
    assert parse_ready(line) == addresses


def test_backoff_doubles_up_to_its_longest() -> None:
    delays = [Backoff(first_s=0.25, longest_s=10).delay(n) for n in (1, 2, 3, 10, 5000)]
    assert delays == [0.25, 0.5, 1.0, 10, 10]


def test_exit_is_described_for_people() -> None:
    assert [describe_exit(3), describe_exit(-9)] == ["exit 3", "killed by SIGKILL"]


async def test_ready_child_tells_its_addresses_and_stops_when_asked() -> None:
    child = await start(SAY_READY + SLEEP)
    assert await child.ready(10) == {"xds": "127.0.0.1:1", "admin": "[::1]:2"}
    assert await child.stop(10) == -signal.SIGTERM


async def test_lines_are_passed_on_with_their_stream_even_long_and_unended_ones() -> None:
    screen = Screen()
    code = "import sys; print('x' * 300_000); sys.stderr.write('one\\ntwo'); sys.exit(4)"
    child = await start(code, screen)
    assert await child.ended() == 4
    assert set(screen.lines) == {
        ("child", "x" * 300_000, False),
        ("child", "one", True),
        ("child", "two", True),
    }


async def test_child_that_ends_early_is_not_waited_for() -> None:
    child = await start("raise SystemExit(7)")
    with pytest.raises(StoppedEarlyError, match=r"child ended before it was ready \(exit 7\)"):
        await child.ready(10)


async def test_child_that_refuses_its_config_is_not_waited_for() -> None:
    child = await start("import sys; print('refused: no', file=sys.stderr, flush=True);" + SLEEP)
    with pytest.raises(RefusedError, match="no"):
        await child.ready(10)
    await child.stop(10)


async def test_child_that_says_nothing_is_not_ready() -> None:
    child = await start(SLEEP)
    with pytest.raises(NotReadyError, match=r"not ready within 0\.05 s"):
        await child.ready(0.05)
    await child.stop(10)


async def test_child_that_ignores_the_signal_is_killed_after_its_grace() -> None:
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SAY_READY + SLEEP
    child = await start(code)
    await child.ready(10)
    assert await child.stop(0.05) == -signal.SIGKILL


async def test_grandchildren_do_not_outlive_the_child() -> None:
    screen = Screen()
    code = (
        "import subprocess, sys, os;"
        f"p = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]);"
        "print(p.pid, flush=True); os._exit(1)"
    )
    child = await start(code, screen)
    async with asyncio.timeout(10):
        assert await child.ended() == 1
    await gone(int(screen.lines[0][1]))


async def test_child_dies_when_we_die_without_a_word() -> None:
    code = (
        "import asyncio, os, sys\n"
        "from controlplane.cli.supervise import Child\n"
        "async def main():\n"
        f"    await Child.start('c', [sys.executable, '-c', {SAY_READY + SLEEP!r}], print)\n"
        "    child = await Child.start('c', [sys.executable, '-c', "
        "'import os, time; print(os.getpid(), flush=True); time.sleep(60)'], show)\n"
        "    await child.ended()\n"
        "def show(name, line, is_error):\n"
        "    print(line, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await parent.communicate()
    assert parent.returncode == -signal.SIGKILL
    await gone(int(out.split()[-1]))


async def test_kept_program_is_started_again() -> None:
    screen = Screen()
    code = SAY_READY + "print('run', flush=True); sys.exit(3)"
    kept = Kept("plane", lambda: [sys.executable, "-c", code], screen.show, MonotonicClock(), 5)
    await kept.start(10)
    keeping = asyncio.ensure_future(kept.keep())
    await screen.until_said("^run$", times=2)
    keeping.cancel()
    await kept.stop()
    assert ("plane", "ended (exit 3), starting it again in 0.25 s", True) in screen.lines
