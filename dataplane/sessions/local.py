"""A store on this machine: an SQLite file that all workers of one data plane share, gone when it
ends.

A dictionary in each worker would be simpler, and a client whose next request comes to another
worker would find nothing.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from dataplane.sessions.store import MAX_LINES, StoreError

T = TypeVar("T")

MAX_ENTRIES = 10_000
BUSY_S = 5.0
"""How long one worker waits for another's write."""

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY, value BLOB NOT NULL, expires REAL NOT NULL, put INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_expiry ON entries (expires);
CREATE INDEX IF NOT EXISTS by_age ON entries (put);
CREATE TABLE IF NOT EXISTS lines (
    book TEXT, name TEXT, line BLOB NOT NULL, expires REAL NOT NULL, PRIMARY KEY (book, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS lines_by_expiry ON lines (expires);
CREATE INDEX IF NOT EXISTS lines_of_book ON lines (book, expires);
COMMIT;
"""
_PUT = (
    "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, (SELECT IFNULL(MAX(put), 0) + 1 FROM entries))"
)
_SHORTEN = """
DELETE FROM lines WHERE book = ?1 AND name IN (
    SELECT name FROM lines WHERE book = ?1 ORDER BY expires DESC LIMIT -1 OFFSET ?2
)
"""
_OLDEST = "DELETE FROM entries WHERE put <= (SELECT MAX(put) FROM entries) - ?"


class LocalStore:
    """Implements Books. Its database is used in one thread of its own, never on the loop."""

    def __init__(
        self, path: Path | None, wall: Callable[[], float], max_entries: int = MAX_ENTRIES
    ) -> None:
        """:param path: the file; None keeps everything in this process.
        :param wall: seconds of a clock that all workers share.
        :param max_entries: at most so many puts back are kept; the oldest go first.
        """
        self._path = path
        self._wall = wall
        self._max_entries = max_entries
        self._thread = ThreadPoolExecutor(1, "sessions")
        self._database: sqlite3.Connection | None = None

    async def get(self, key: str) -> bytes | None:
        """See Store."""
        return await self._run(lambda: self._get(key))

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """See Store."""
        await self._run(lambda: self._put(key, value, ttl_s))

    async def delete(self, key: str) -> bool:
        """See Store."""
        return await self._run(lambda: self._delete(key))

    async def note(self, book: str, name: str, line: bytes, ttl_s: float) -> None:
        """See Books."""
        await self._run(lambda: self._note(book, name, line, ttl_s))

    async def lines(self, book: str) -> list[bytes]:
        """See Books."""
        return await self._run(lambda: self._lines(book))

    async def close(self) -> None:
        """See Store."""
        await self._run(self._close)
        self._thread.shutdown()

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as problem:
            raise StoreError(f"the local store failed: {problem}") from problem

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            name = ":memory:" if self._path is None else str(self._path)
            database = sqlite3.connect(name, timeout=BUSY_S, isolation_level=None)
            # what a crash may lose would be gone with us anyway
            database.execute("PRAGMA journal_mode=MEMORY")
            database.execute("PRAGMA synchronous=OFF")
            database.executescript(_SCHEMA)
            self._database = database
        return self._database

    def _get(self, key: str) -> bytes | None:
        query = "SELECT value FROM entries WHERE key = ? AND expires > ?"
        row = self._open().execute(query, (key, self._wall())).fetchone()
        return bytes(row[0]) if row is not None else None

    def _put(self, key: str, value: bytes, ttl_s: float) -> None:
        now = self._wall()
        with self._writing() as database:
            database.execute(_PUT, (key, value, now + ttl_s))
            database.execute("DELETE FROM entries WHERE expires <= ?", (now,))
            database.execute(_OLDEST, (self._max_entries,))

    def _note(self, book: str, name: str, line: bytes, ttl_s: float) -> None:
        now = self._wall()
        values = (book, name, line, now + ttl_s)
        with self._writing() as database:
            database.execute("INSERT OR REPLACE INTO lines VALUES (?, ?, ?, ?)", values)
            database.execute("DELETE FROM lines WHERE expires <= ?", (now,))
            database.execute(_SHORTEN, (book, MAX_LINES))

    def _lines(self, book: str) -> list[bytes]:
        query = "SELECT line FROM lines WHERE book = ? AND expires > ?"
        return [bytes(row[0]) for row in self._open().execute(query, (book, self._wall()))]

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing."""
        database = self._open()
        database.execute("BEGIN IMMEDIATE")
        try:
            yield database
        except BaseException:
            database.execute("ROLLBACK")
            raise
        database.execute("COMMIT")

    def _delete(self, key: str) -> bool:
        command = "DELETE FROM entries WHERE key = ? AND expires > ?"
        return self._open().execute(command, (key, self._wall())).rowcount > 0

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None
