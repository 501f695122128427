"""Where log filters write to: a file of JSON lines, or an HTTP service.

Rule: no exchange waits for a sink. What does not fit into the queue, or cannot be delivered, is
dropped and counted.
"""

import asyncio
import logging
import os
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

from dataplane.runtime.effects import CallFailed
from dataplane.runtime.messages import HttpReply, Request
from dataplane.tasks import Tasks

MAX_WAITING_BYTES = 16 << 20
"""Of entries that wait for one sink, in each worker."""
MAX_BATCH_BYTES = 1 << 20
RETRIES = 2
RETRY_S = 0.5

log = logging.getLogger(__name__)
Count = Counter[tuple[str, str]]
"""By filter and outcome ("written", "dropped", "failed")."""


class Target(Protocol):
    """Takes lines. Raises OSError when it cannot."""

    async def write(self, lines: bytes) -> None:
        """All of them, or none."""


class FileTarget:
    """Appends to a file, whole lines at a time, in a thread."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def write(self, lines: bytes) -> None:
        """See Target. The file is opened each time, so that it may be rotated."""
        await asyncio.to_thread(self._append, lines)

    def _append(self, lines: bytes) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        fd = os.open(self._path, flags, 0o600)
        try:
            while lines:
                lines = lines[os.write(fd, lines) :]
        finally:
            os.close(fd)


Post = Callable[[Request], Awaitable[HttpReply | CallFailed]]


class HttpTarget:
    """POSTs lines to a service as application/x-ndjson."""

    def __init__(
        self, path: str, post: Callable[[Request], Awaitable[HttpReply | CallFailed]]
    ) -> None:
        self._path = path
        self._post = post

    async def write(self, lines: bytes) -> None:
        """See Target."""
        headers = (("content-type", "application/x-ndjson"),)
        reply = await self._post(Request("POST", self._path or "/", headers, lines))
        if isinstance(reply, CallFailed):
            raise OSError(reply.message)
        if not 200 <= reply.status < 300:
            raise OSError(f"it answered {reply.status}")


class Sink:
    """One sink: a bounded queue, and whoever empties it."""

    def __init__(
        self, name: str, target: Target, wall: Callable[[], float], tasks: Tasks, counts: Count
    ) -> None:
        self._name = name
        self._target = target
        self._wall = wall
        self._tasks = tasks
        self._counts = counts
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._failing = False

    def put(self, entry: bytes) -> None:
        """Add an entry, a JSON object; it gets its time here."""
        if self._bytes + len(entry) > MAX_WAITING_BYTES:
            self._counts[self._name, "dropped"] += 1
            return
        time = datetime.fromtimestamp(self._wall(), UTC).isoformat(timespec="milliseconds")
        line = b'{"time":"%b",%b\n' % (time.replace("+00:00", "Z").encode(), entry[1:])
        self._waiting.append(line)
        self._bytes += len(line)
        if self._writer is None:
            self._writer = self._tasks.start(self._write(), f"sink {self._name}")

    async def flush(self) -> None:
        """Wait until what is here has been written, or dropped."""
        while self._writer is not None:
            await asyncio.wait([self._writer])

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, size = [], 0
                while self._waiting and size < MAX_BATCH_BYTES:
                    line = self._waiting.popleft()
                    batch.append(line)
                    size += len(line)
                done = await self._delivered(b"".join(batch))
                self._bytes -= size
                self._counts[self._name, "written" if done else "failed"] += len(batch)
        finally:
            self._writer = None

    async def _delivered(self, lines: bytes) -> bool:
        for attempt in range(RETRIES + 1):
            try:
                await self._target.write(lines)
            except OSError as problem:
                if not self._failing:
                    self._failing = True
                    log.warning("the sink of filter %r cannot be written: %s", self._name, problem)
                if attempt < RETRIES:
                    await asyncio.sleep(RETRY_S)
            else:
                self._failing = False
                return True
        return False
