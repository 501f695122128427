"""Child processes that cannot be lost: started, listened to, started again, stopped.

The rule: no child outlives us. It stops when we ask, is killed when it does not, and the kernel
tells it when we die without a word.
"""

import asyncio
import contextlib
import ctypes
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from controlplane.clock import Clock

Show = Callable[[str, str, bool], None]
"""What to do with a line of a child: its name, the line, and whether it came on stderr."""

_REFUSED: Final = re.compile(r"^refused: (.+)$")
_READY: Final = re.compile(r"\bready((?: +[\w.-]+=\S+)+)\s*$")
_PR_SET_PDEATHSIG: Final = 1


def parse_ready(line: str) -> dict[str, str] | None:
    """The addresses in a plane's "ready key=value ..." line; None for every other line."""
    found = _READY.search(line)
    if found is None:
        return None
    return dict(pair.split("=", 1) for pair in found.group(1).split())


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before a child is started again."""

    first_s: float = 0.25
    longest_s: float = 10.0
    forgiven_after_s: float = 30.0
    """A child that ran this long is started again at once, whatever came before."""

    def delay(self, failures: int) -> float:
        """Seconds to wait after this many short lives in a row (at least one)."""
        return min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 20))


class StoppedEarlyError(Exception):
    """A child ended before it was ready; its own output says why."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(f"{name} ended before it was ready ({describe_exit(code)})")


class NotReadyError(Exception):
    """A child runs and does not say that it is ready."""


class RefusedError(Exception):
    """A child runs and has nothing to do: it refused its first config, for this reason."""


def describe_exit(code: int) -> str:
    """An exit code for people: "exit 1", "killed by SIGKILL"."""
    return f"exit {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


class Child(asyncio.SubprocessProtocol):
    """One run of one program, with its output passed on line by line."""

    def __init__(self, name: str, show: Show) -> None:
        loop = asyncio.get_running_loop()
        self.name = name
        self._show = show
        self._rest = {1: b"", 2: b""}
        self._ready: asyncio.Future[Mapping[str, str]] = loop.create_future()
        self._end: asyncio.Future[int] = loop.create_future()
        self._transport: asyncio.SubprocessTransport

    @classmethod
    async def start(cls, name: str, argv: Sequence[str], show: Show) -> "Child":
        """Start a program in a session of its own, so that Ctrl-C reaches us alone."""
        _, child = await asyncio.get_running_loop().subprocess_exec(
            lambda: cls(name, show),
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with(os.getpid()),
        )
        return child

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._transport.get_pid()

    async def ready(self, timeout_s: float) -> Mapping[str, str]:
        """Wait for the child's "ready" line.

        Raises StoppedEarlyError, RefusedError and NotReadyError.
        """
        either: set[asyncio.Future[Any]] = {self._ready, self._end}
        done, _ = await asyncio.wait(either, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if self._end in done:
            raise StoppedEarlyError(self.name, self._end.result())
        if self._ready in done:
            return self._ready.result()
        raise NotReadyError(f"{self.name} was not ready within {timeout_s:g} s")

    async def ended(self) -> int:
        """Wait until the process is gone and its last line was shown; its exit code."""
        return await asyncio.shield(self._end)

    async def stop(self, grace_s: float) -> int:
        """Ask it to stop; kill it after the grace time. Safe to call on a child that is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._transport.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_s):
                return await self.ended()
        except TimeoutError:
            self.kill()
            return await self.ended()

    def kill(self) -> None:
        """End it and everything it started, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._transport.get_pid(), signal.SIGKILL)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.SubprocessProtocol."""
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Output of the child, in pieces that know no lines."""
        *lines, self._rest[fd] = (self._rest[fd] + data).split(b"\n")
        for line in lines:
            self._line(line, fd)

    def process_exited(self) -> None:
        """The program is gone; what it left running goes too, so that the pipes close."""
        self.kill()

    def connection_lost(self, exc: Exception | None) -> None:
        """The program is gone and its output has ended."""
        for fd, rest in self._rest.items():
            if rest:
                self._line(rest, fd)
        code = self._transport.get_returncode()
        assert code is not None
        self._transport.close()
        self._end.set_result(code)

    def _line(self, line: bytes, fd: int) -> None:
        text = line.decode(errors="replace").rstrip("\r")
        if not self._ready.done():
            if (addresses := parse_ready(text)) is not None:
                self._ready.set_result(addresses)
            elif (refusal := _REFUSED.match(text)) is not None:
                self._ready.set_exception(RefusedError(refusal[1]))
                return  # who waits says it in better words
        self._show(self.name, text, fd == 2)


class Kept:
    """A program that should always run: the first start is ours to wait for, later ones happen."""

    def __init__(
        self, name: str, argv: Callable[[], Sequence[str]], show: Show, clock: Clock, grace_s: float
    ) -> None:
        self.name = name
        self._argv = argv
        self._show = show
        self._clock = clock
        self._grace_s = grace_s
        self._backoff = Backoff()
        self._child: Child | None = None

    async def start(self, timeout_s: float) -> Mapping[str, str]:
        """Start it and wait until it is ready; its addresses. Raises as Child.ready does."""
        self._child = await Child.start(self.name, self._argv(), self._show)
        return await self._child.ready(timeout_s)

    async def keep(self) -> None:
        """Start it again whenever it ends, until cancelled."""
        failures = 0
        while True:
            assert self._child is not None
            began = self._clock.now()
            code = await self._child.ended()
            lived = self._clock.now() - began
            failures = 1 if lived >= self._backoff.forgiven_after_s else failures + 1
            delay = self._backoff.delay(failures)
            report = f"ended ({describe_exit(code)}), starting it again in {delay:g} s"
            self._show(self.name, report, True)
            await asyncio.sleep(delay)
            self._child = await Child.start(self.name, self._argv(), self._show)

    async def stop(self) -> None:
        """End it, if it runs."""
        if self._child is not None:
            await self._child.stop(self._grace_s)

    def kill(self) -> None:
        """End it without waiting for what it does."""
        if self._child is not None:
            self._child.kill()


def _die_with(parent: int) -> Callable[[], None] | None:
    """For the moment between fork and exec: ask the kernel for SIGTERM when our parent dies."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def arrange() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != parent:
            os._exit(1)

    return arrange
