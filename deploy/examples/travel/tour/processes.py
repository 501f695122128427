"""What the demo starts, and that it stops all of it again, whatever happens."""

import asyncio
import contextlib
import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from controlplane.cli.supervise import Child, StoppedEarlyError

TRAVEL = Path(__file__).parent.parent
START_WITHIN_S = 90.0  # a cold disk and a busy machine; it is about 3 s otherwise
STOP_WITHIN_S = 45.0  # more than the drain of `outrider up`

PORTS = {
    12000: "model listener",
    12001: "agent listener",
    12010: "weather agent",
    12011: "flights agent",
    12020: "model",
    18000: "control plane, xDS",
    18001: "control plane, admin",
    18002: "control plane, metrics",
    19000: "data plane, admin",
}


class CannotStartError(Exception):
    """Something that the demo needs is not there; the text is for the user."""


@dataclass(frozen=True, slots=True)
class Program:
    """A child of the demo and the page that answers 200 when it serves."""

    name: str
    argv: tuple[str, ...]
    ready_url: str


def programs(config: Path, state: Path, workers: int) -> list[Program]:
    """The agents, the model and Outrider itself, in the order in which they are started."""
    outrider = Path(sys.executable).with_name("outrider")
    up = (str(outrider), "up", str(config), "--workers", str(workers), "--state-dir", str(state))
    return [
        _script("weather", "agents/weather.py", "http://127.0.0.1:12010/healthz"),
        _script("flights", "agents/flights.py", "http://127.0.0.1:12011/healthz"),
        _script("model", "model.py", "http://127.0.0.1:12020/health"),
        Program("outrider", up, "http://127.0.0.1:19000/readyz"),
    ]


def _script(name: str, path: str, ready_url: str) -> Program:
    return Program(name, (sys.executable, str(TRAVEL / path)), ready_url)


@contextlib.asynccontextmanager
async def running(wanted: Sequence[Program], log_file: Path) -> AsyncIterator[list[Child]]:
    """Everything started and serving inside, everything stopped after; output goes to the file."""
    _ports_are_free()
    children: list[Child] = []
    with log_file.open("w", encoding="utf-8") as log:

        def show(name: str, line: str, _is_error: bool) -> None:
            log.write(f"{name:<8} {line}\n")
            log.flush()

        try:
            for program in wanted:
                child = await Child.start(program.name, program.argv, show)
                children.append(child)
            for program, child in zip(wanted, children, strict=True):
                try:
                    await _serves(program, child)
                except CannotStartError as error:
                    raise CannotStartError(f"{error}\n{_end_of(log_file)}") from None
            yield children
        finally:
            # Outrider first: it drains while what is behind it still answers.
            for child in reversed(children):
                await child.stop(STOP_WITHIN_S)


def _ports_are_free() -> None:
    taken = [f"  {port} ({what})" for port, what in PORTS.items() if not _free(port)]
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
    """Cores this process may use; the demo starts one worker for each, but at least two."""
    return max(2, len(os.sched_getaffinity(0)))
