"""The other workers of this data plane, for what one of them waits for and a client brings to
another.

Each worker listens on a unix socket in the data plane's runtime folder; a connection is one word of
what it is about, a body, and what comes back, in frames. Rule: nobody depends on it. A neighbour
that is not there has nothing to say, and whoever asked goes on as if it knew nothing.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from dataplane.tasks import Tasks

log = logging.getLogger(__name__)

MAX_FRAME_BYTES = 32 << 20
"""As much as the largest answers that are read whole, and their envelope."""
TELL_S = 5.0
"""How long a neighbour has to hear something."""
_SIZE_BYTES = 4

Say = Callable[[bytes], Awaitable[None]]
Hear = Callable[[bytes, Say], Awaitable[None]]
"""Takes what a neighbour says, and may say something back; cancelled when the neighbour leaves."""


class Neighbours:
    """One per worker; those of one data plane share a folder."""

    def __init__(self, index: int, count: int, folder: Path | None) -> None:
        """:param folder: None: there are no others."""
        self.index = index
        self._count = count if folder is not None else 1
        self._folder = folder
        self._hears: dict[str, Hear] = {}
        self._server: asyncio.Server | None = None
        self._tasks = Tasks()

    def on(self, word: str, hear: Hear) -> None:
        """Who hears what is said with this word."""
        self._hears[word] = hear

    async def start(self) -> None:
        """Listen; a socket that an earlier process left behind is replaced."""
        if self._folder is None:
            return
        at = _socket(self._folder, self.index)
        at.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._connected, at)

    async def close(self) -> None:
        """Hear nothing more."""
        if self._server is not None:
            self._server.close()
        await self._tasks.close()

    async def tell(self, worker: int, word: str, body: bytes) -> list[bytes]:
        """Say something to one of them; what it says back, which is nothing if it is not there."""
        said: list[bytes] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(TELL_S), self.opened(worker, word, body) as coming:
                said += [frame async for frame in coming]
        return said

    async def tell_all(self, word: str, body: bytes) -> None:
        """Say something to all of them."""
        others = (worker for worker in range(self._count) if worker != self.index)
        await asyncio.gather(*(self.tell(worker, word, body) for worker in others))

    @asynccontextmanager
    async def opened(
        self, worker: int, word: str, body: bytes
    ) -> AsyncGenerator[AsyncIterator[bytes], None]:
        """The same, with what comes back as it comes; to leave tells the neighbour to stop."""
        if self._folder is None or not 0 <= worker < self._count or worker == self.index:
            yield _nothing()
            return
        try:
            connected = await asyncio.open_unix_connection(_socket(self._folder, worker))
        except OSError:
            yield _nothing()
            return
        reader, writer = connected
        try:
            _write(writer, word.encode())
            _write(writer, body)
            yield _frames(reader)
        finally:
            writer.close()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.start(self._heard(reader, writer), "neighbour")

    async def _heard(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(frame: bytes) -> None:
            _write(writer, frame)
            await writer.drain()

        try:
            word = await _frame(reader)
            body = await _frame(reader)
            hear = self._hears.get((word or b"").decode("latin-1"))
            if hear is None or body is None:
                return
            hearing = asyncio.ensure_future(hear(body, say))
            left = asyncio.ensure_future(reader.read(1))
            try:
                await asyncio.wait([hearing, left], return_when=asyncio.FIRST_COMPLETED)
                if hearing.done():
                    hearing.result()
            finally:
                hearing.cancel()
                left.cancel()
                await asyncio.gather(hearing, left, return_exceptions=True)
        except OSError as problem:
            log.debug("a neighbour has left: %s", problem)
        finally:
            writer.close()


def marked(worker: int, token: str) -> str:
    """A token that says which worker knows it."""
    return f"{worker}-{token}"


def worker_of(token: str) -> int:
    """Which worker knows a token; -1: nobody does."""
    found = token.partition("-")[0]
    return int(found) if found.isdecimal() and len(found) < 6 else -1


def _socket(folder: Path, worker: int) -> Path:
    return folder / f"neighbour-{worker}.sock"


def _write(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(len(frame).to_bytes(_SIZE_BYTES) + frame)


async def _frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next one; None: there is none, or no whole one."""
    try:
        size = int.from_bytes(await reader.readexactly(_SIZE_BYTES))
        return await reader.readexactly(size) if size <= MAX_FRAME_BYTES else None
    except (asyncio.IncompleteReadError, OSError):
        return None


async def _frames(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while (frame := await _frame(reader)) is not None:
        yield frame


async def _nothing() -> AsyncIterator[bytes]:
    frames: tuple[bytes, ...] = ()
    for frame in frames:
        yield frame
