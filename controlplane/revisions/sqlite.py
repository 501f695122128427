"""Revisions in one SQLite file: the default, which needs no other program.

The rule: `append` returns only when the revision is on the disk (WAL with synchronous=FULL), and a
crash at any point leaves the revisions before it readable.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controlplane.revisions.store import Revision, RevisionsError

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE revisions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    config TEXT NOT NULL,
    file_name TEXT NOT NULL,
    author TEXT NOT NULL,
    snapshot_version TEXT NOT NULL,
    applied_at REAL NOT NULL
) STRICT
"""
_COLUMNS = "number, config, file_name, author, snapshot_version, applied_at"
_BUSY_TIMEOUT_S = 5.0  # another process, such as a backup, may hold the file for a moment


class SqliteRevisions:
    """See Revisions. May be called from several threads; calls wait for each other."""

    def __init__(self, path: Path) -> None:
        """Open or make the file and its folder. Raises RevisionsError."""
        self._path = path
        self._lock = threading.Lock()
        try:
            # Configs are not secret, but they say where everything is.
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as e:
            raise RevisionsError(f"revisions in {path}: {e.strerror or e}") from e
        with self._told():
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
        try:
            self._prepare()
        except RevisionsError:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        with self._told():
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            with self._transaction():
                (have,) = self._connection.execute("PRAGMA user_version").fetchone()
                if have == 0:
                    self._connection.execute(_SCHEMA)
                    self._connection.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")
        if have > _SCHEMA_VERSION:
            what = f"was written by a newer Outrider (format {have}, this one knows 1)"
            raise RevisionsError(f"revisions in {self._path}: {what}")

    def append(
        self, config: str, file_name: str, author: str, snapshot_version: str, applied_at: float
    ) -> Revision:
        """See Revisions."""
        values = (config, file_name, author, snapshot_version, applied_at)
        with self._lock, self._told(), self._transaction():
            newest = self._one("ORDER BY number DESC LIMIT 1")
            if newest is not None and (newest.config, newest.snapshot_version) == (
                config,
                snapshot_version,
            ):
                return newest
            cursor = self._connection.execute(
                f"INSERT INTO revisions ({_COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?)", values
            )
            return Revision(cursor.lastrowid or 0, *values)

    def latest(self) -> Revision | None:
        """See Revisions."""
        with self._lock, self._told():
            return self._one("ORDER BY number DESC LIMIT 1")

    def get(self, number: int) -> Revision | None:
        """See Revisions."""
        if not 0 < number < 1 << 63:
            return None
        with self._lock, self._told():
            return self._one("WHERE number = ?", number)

    def history(self, limit: int) -> tuple[Revision, ...]:
        """See Revisions."""
        query = f"SELECT {_COLUMNS} FROM revisions ORDER BY number DESC LIMIT ?"
        with self._lock, self._told():
            return tuple(Revision(*row) for row in self._connection.execute(query, (limit,)))

    def close(self) -> None:
        """Give the file back; nothing is lost without it."""
        with self._lock:
            self._connection.close()

    def _one(self, rest: str, *values: int) -> Revision | None:
        query = f"SELECT {_COLUMNS} FROM revisions {rest}"
        row = self._connection.execute(query, values).fetchone()
        return None if row is None else Revision(*row)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        # IMMEDIATE: two control planes that start on one file make its table once.
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What SQLite says, with the file it is about."""
        try:
            yield
        except sqlite3.Error as e:
            raise RevisionsError(f"revisions in {self._path}: {e}") from e
