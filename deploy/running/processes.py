"""What an example starts, and that it stops all of it again, whatever happens."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controlplane.cli.supervise import Child, StoppedEarlyError

START_WITHIN_S = 90.0  # a cold disk and a busy machine; it is about 3 s otherwise
STOP_WITHIN_S = 45.0  # more than the drain of `outrider up`

PLANES = {
    18000: "control plane, xDS",
    18001: "control plane, admin",
    18002: "control plane, metrics",
    19000: "data plane, admin",
}
"""Ports of `outrider up`."""
OUTRIDER_READY = "http://127.0.0.1:19000/readyz"


class CannotStartError(Exception):
    """Something that the example needs is not there; the text is for the user."""


@dataclass(frozen=True, slots=True)
class Program:
    """A child of the example and the page that answers 200 when it serves."""

    name: str
    argv: tuple[str, ...]
    ready_url: str
    environ: Mapping[str, str] = field(default_factory=dict)
    """Variables beside those that we have."""

    @property
    def command(self) -> tuple[str, ...]:
        """What is run."""
        set_first = (f"{key}={value}" for key, value in self.environ.items())
        return ("/usr/bin/env", *set_first, *self.argv) if self.environ else self.argv


def run_until_stopped(work: Coroutine[Any, Any, int]) -> int | None:
    """What the work returns; None when SIGINT, SIGTERM or SIGHUP has ended it.

    They cancel it, so that everything is stopped in order.
    """

    async def stoppable() -> int | None:
        loop = asyncio.get_running_loop()
        task = loop.create_task(work)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, task.cancel)
        try:
            return await task
        except asyncio.CancelledError:
            return None

    return asyncio.run(stoppable())


def outrider(config: Path, state: Path, *flags: str) -> Program:
    """Both planes, as `outrider up` starts them."""
    command = str(Path(sys.executable).with_name("outrider"))
    argv = (command, "up", str(config), "--state-dir", str(state), *flags)
    return Program("outrider", argv, OUTRIDER_READY)


@contextlib.asynccontextmanager
async def running(
    wanted: Sequence[Program], ports: Mapping[int, str], log_file: Path
) -> AsyncIterator[list[Child]]:
    """Everything started and serving inside, everything stopped after; output goes to the file.

    :param ports: those that must be free, and what for.
    """
    _are_free(ports)
    children: list[Child] = []
    with log_file.open("w", encoding="utf-8") as log:

        def show(name: str, line: str, _is_error: bool) -> None:
            log.write(f"{name:<10} {line}\n")
            log.flush()

        try:
            for program in wanted:
                child = await Child.start(program.name, program.command, show)
                children.append(child)
            for program, child in zip(wanted, children, strict=True):
                try:
                    await _serves(program, child)
                except CannotStartError as error:
                    raise CannotStartError(f"{error}\n{_end_of(log_file)}") from None
            yield children
        finally:
            # The last one first: Outrider drains while what is behind it still answers.
            for child in reversed(children):
                await child.stop(STOP_WITHIN_S)


def _are_free(ports: Mapping[int, str]) -> None:
    taken = [f"  {port} ({what})" for port, what in ports.items() if not _free(port)]
    if taken:
        listed = "\n".join(taken)
        raise CannotStartError(
            f"these ports of 127.0.0.1 are in use; stop what uses them:\n{listed}"
        )


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _end_of(log_file: Path) -> str:
    lines = log_file.read_text(encoding="utf-8").splitlines()[-15:]
    return "\n".join([f"the end of {log_file}:", *(f"  {line}" for line in lines)])


async def _serves(program: Program, child: Child) -> None:
    """Wait until the program answers, or say that it never will."""
    ended = asyncio.ensure_future(child.ended())
    try:
        async with asyncio.timeout(START_WITHIN_S):
            while not await asyncio.to_thread(_answers, program.ready_url):
                await asyncio.wait({ended}, timeout=0.1)
                if ended.done():
                    raise CannotStartError(str(StoppedEarlyError(program.name, ended.result())))
    except TimeoutError:
        problem = f"{program.name} did not answer {program.ready_url} in {START_WITHIN_S:g} s"
        raise CannotStartError(problem) from None
    finally:
        ended.cancel()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def cores() -> int:
    """Cores this process may use; examples start one worker for each, but at least two."""
    return max(2, len(os.sched_getaffinity(0)))
