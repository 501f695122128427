"""Programs under measurement: started on a core, frozen and thawed, counted, and always stopped.

Figures come from /proc: CPU from every thread's schedstat (nanoseconds), memory from smaps_rollup
(proportional set size, so pages shared with others count once).
"""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import cast

STOP_TIMEOUT_S = 10.0
PROBE_PERIOD_S = 0.05


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def allow_descriptors(wanted: int) -> None:
    """Raises the limit of open files, for us and for what we start."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(f"bench: {wanted} open files are needed, the limit is {hard} (ulimit -Hn)")
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def pin(pid: int, core: int) -> None:
    """Moves every thread of a process to one core."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread), {core})


def cpu_ns(pids: Iterable[int]) -> int:
    """CPU time that the processes have used, all their living threads together."""
    total = 0
    for pid in pids:
        for schedstat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                total += int(schedstat.read_text().split()[0])
    return total


def pss_kb(pids: Iterable[int]) -> int:
    """Proportional set size of the processes, in kB."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


def children(pid: int) -> list[int]:
    """Direct children of a process."""
    found: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += [int(child) for child in listing.read_text().split()]
    return found


def family(pid: int) -> list[int]:
    """The process and all its descendants, parents first."""
    found = [pid]
    for member in found:
        found += children(member)
    return found


@dataclass(frozen=True, slots=True)
class Program:
    """A started command in a session of its own; leaving the `with` block stops all of it."""

    process: subprocess.Popen[str]
    log: Path

    @classmethod
    def start(
        cls,
        command: Sequence[object],
        *,
        core: int,
        log: Path,
        env: Mapping[str, str] | None = None,
    ) -> "Program":
        """Starts the command on one core; its stderr and stdout go to `log`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as out:
            process = subprocess.Popen(
                ["taskset", "--cpu-list", str(core), *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=os.environ | dict(env or {}),
                start_new_session=True,
                text=True,
            )
        return cls(process, log)

    def __enter__(self) -> "Program":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self.process.pid

    def signal(self, number: int) -> None:
        """Sends a signal to the command and every descendant."""
        for pid in family(self.pid) if self.process.poll() is None else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self) -> None:
        """Asks the command to end; kills whatever of it is left after ten seconds."""
        members = family(self.pid) if self.process.poll() is None else []
        self.signal(signal.SIGCONT)
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_TIMEOUT_S)
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                if os.getsid(pid) == self.pid:  # an id used again by a stranger is not ours to kill
                    os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def last_words(self) -> str:
        """The end of the log, for an error message."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def wait_for_answer(self, request: urllib.request.Request, timeout_s: float) -> None:
        """Waits until the request is answered with 2xx.

        Raises SystemExit with the log's end when the program ends or time is up.
        """
        deadline = time.monotonic() + timeout_s
        last: object = "no answer"
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    answer.read()
                    return
            except urllib.error.HTTPError as error:
                last = f"{error.code} {error.read(300).decode(errors='replace')}"
            except OSError as error:
                last = error
            time.sleep(PROBE_PERIOD_S)
        command = " ".join(map(str, cast("list[object]", self.process.args)))
        raise SystemExit(f"bench: {command}\ndoes not serve: {last}\n{self.last_words()}")
