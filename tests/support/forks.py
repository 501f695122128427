"""A plugin that runs tests in several processes: `-p tests.support.forks --forks 3`.

The rule: what all need is made once. One process imports everything and collects, ten thousand
tests in 15 s of CPU; the others are forks of it and say one word of each test. With pytest-xdist
every worker does all of that by itself, and its five messages per test cost more than most tests
(5 ms): together a fifth of the suite's time.

Tests are given out in their order, a few consecutive ones of one file together, so that what a
module shares is made by few. Those of one `group` are run by one process, one after the other.
"""

import itertools
import mmap
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any

import pytest

MOST_AT_ONCE = 16
"""Tests of one file given out at once: what they share is made once for so many of them."""
LEAST_PARTS = 20
"""For each process: no more than a twentieth of the time is one left alone at the end."""
_NUMBER_BYTES = 4

Place = tuple[str, int | None, str]
Said = tuple[str, Place, list[dict[str, Any]]]
"""Of one test: its name, its place, and its reports as pytest writes them down."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--forks", type=int, default=0, help="run tests in so many processes")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Instead of pytest's own, which still refuses what could not be collected."""
    count = session.config.getoption("forks")
    if not count or session.testsfailed or session.config.option.collectonly:
        return None
    assert len(list(Path("/proc/self/task").iterdir())) == 1, (
        "forks do not have their parent's threads"
    )
    parts = in_parts(session.items, len(session.items) // (count * LEAST_PARTS))
    queue = _queue(len(parts))
    running = memoryview(mmap.mmap(-1, count * _NUMBER_BYTES)).cast("i")
    forks: dict[Connection, _Fork] = {}
    for number in range(count):
        hear, say = Pipe(duplex=False)
        _flush(session.config)
        if pid := os.fork():
            say.close()
            forks[hear] = _Fork(pid, running[number:])
            continue
        for pipe in (*forks, hear):
            pipe.close()
        _become_a_fork(session.config, say)
        _run(session, (at for part in _taken(queue) for at in parts[part]), running[number:])
        say.send(None)
        return True
    try:
        _hear(session, forks)
    except BaseException as problem:
        for fork in forks.values():
            if not isinstance(problem, KeyboardInterrupt):  # which they were sent, too
                os.kill(fork.pid, signal.SIGINT)
            os.waitpid(fork.pid, 0)
        raise
    return True


def in_parts(items: Sequence[pytest.Item], most: int) -> list[list[int]]:
    """Places of tests that are given out together, `most` of one file if that is few."""
    parts: list[list[int]] = []
    last: dict[object, list[int]] = {}
    for at, item in enumerate(items):
        group = item.get_closest_marker("group")
        key = group.args[0] if group else item.path
        part = last.get(key)
        if part is None or not (
            group or (part[-1] == at - 1 and len(part) < min(most, MOST_AT_ONCE))
        ):
            part = last[key] = []
            parts.append(part)
        part.append(at)
    return parts


def _queue(length: int) -> int:
    """A pipe with all numbers below: who reads one is the only one that does."""
    take, give = os.pipe()
    os.set_blocking(give, False)
    numbers = b"".join(n.to_bytes(_NUMBER_BYTES) for n in range(length))
    assert os.write(give, numbers) == len(numbers), "more than a pipe holds"
    os.close(give)
    return take


def _taken(queue: int) -> Iterator[int]:
    while number := os.read(queue, _NUMBER_BYTES):
        yield int.from_bytes(number)


##### in a fork


def _become_a_fork(config: pytest.Config, pipe: Connection) -> None:
    """Its output is captured apart, and its results go to whom it is a fork of."""
    plugins = config.pluginmanager
    capture: Any = plugins.get_plugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    capture.suspend_global_capture()
    reporter: Any = plugins.unregister(name="terminalreporter")
    # Failures are formatted for the terminal here.
    plugins.register(_Silent(reporter._tw), "terminalreporter")
    for name in ("lfplugin", "nfplugin"):  # they write down what ran
        plugins.unregister(name=name)
    plugins.register(_Teller(config, pipe.send))


def _run(session: pytest.Session, places: Iterator[int], running: memoryview) -> None:
    """As pytest's own loop does; a part is taken when the last test of another begins."""
    items = session.items
    for at, following in itertools.pairwise(itertools.chain(places, [-1])):
        running[0] = at
        after = items[following] if following >= 0 else None
        session.config.hook.pytest_runtest_protocol(item=items[at], nextitem=after)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)


@dataclass(eq=False)
class _Silent:
    _tw: object


@dataclass(eq=False)
class _Teller:
    _config: pytest.Config
    _send: Callable[[Said], None]
    _reports: list[dict[str, Any]] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or not report.passed or self._config.option.durations is not None:
            hook = self._config.hook.pytest_report_to_serializable
            self._reports.append(hook(config=self._config, report=report))

    def pytest_runtest_logfinish(self, nodeid: str, location: Place) -> None:
        self._send((nodeid, location, self._reports))
        self._reports = []


##### in the process that they are forks of


@dataclass
class _Fork:
    pid: int
    running: memoryview
    """Where the number of the test is that it runs."""
    ended: bool = False
    """It has run all that it took."""
    failed: bool = False
    """It has told of a failure, and will end with 1."""


def _hear(session: pytest.Session, forks: dict[Connection, _Fork]) -> None:
    """Until all have ended. One that ends otherwise than its tests tell has failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.showfspath = False  # they are in several files at once
    while forks:
        for pipe in wait(list(forks)):
            assert isinstance(pipe, Connection)
            fork = forks[pipe]
            try:
                said: Said | None = pipe.recv()
            except EOFError:
                del forks[pipe]
                pipe.close()
                _bury(session, fork)
                continue
            if said is None:
                fork.ended = True
            else:
                _tell(session.config, fork, *said)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)


def _tell(
    config: pytest.Config, fork: _Fork, name: str, place: Place, reports: list[dict[str, Any]]
) -> None:
    hook = config.hook
    hook.pytest_runtest_logstart(nodeid=name, location=place)
    for written in reports:
        report = hook.pytest_report_from_serializable(config=config, data=written)
        fork.failed |= report.failed
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=name, location=place)


def _bury(session: pytest.Session, fork: _Fork) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(fork.pid, 0)[1])
    if fork.ended and code == fork.failed:
        return
    item = session.items[fork.running[0]]
    said = f"a process ended with {code} after this test had begun in it"
    report = pytest.TestReport(item.nodeid, item.location, {}, "failed", said, "call")
    session.config.hook.pytest_runtest_logreport(report=report)


def _flush(config: pytest.Config) -> None:
    """What is in buffers would be written by each fork once more."""
    config.get_terminal_writer().flush()
    sys.stdout.flush()
    sys.stderr.flush()
