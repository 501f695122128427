"""A store in PostgreSQL, shared by every data plane that names it. It makes its own table."""

import asyncio

import asyncpg

from dataplane.sessions.store import MAX_LINES, StoreError

ANSWER_S = 5.0
MAX_CONNECTIONS = 4
"""Of each worker."""
SWEEP_EVERY = 500
"""Puts between two removals of what has expired; reads never see it."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS outrider_sessions (
    key TEXT PRIMARY KEY,
    value BYTEA NOT NULL,
    expires TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS outrider_sessions_expires ON outrider_sessions (expires);
CREATE TABLE IF NOT EXISTS outrider_lines (
    book TEXT NOT NULL,
    name TEXT NOT NULL,
    line BYTEA NOT NULL,
    expires TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (book, name)
);
CREATE INDEX IF NOT EXISTS outrider_lines_expires ON outrider_lines (expires);
CREATE INDEX IF NOT EXISTS outrider_lines_of_book ON outrider_lines (book, expires);
"""
_LOCK = 0x6F757472  # "outr": workers that start together make the table one after the other
_GET = "SELECT value FROM outrider_sessions WHERE key = $1 AND expires > now()"
_PUT = """
INSERT INTO outrider_sessions (key, value, expires)
VALUES ($1, $2, now() + $3 * interval '1 second')
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, expires = EXCLUDED.expires
"""
_DELETE = "DELETE FROM outrider_sessions WHERE key = $1 AND expires > now() RETURNING key"
_SWEEP = """
DELETE FROM outrider_sessions WHERE expires <= now();
DELETE FROM outrider_lines WHERE expires <= now();
"""
_NOTE = """
INSERT INTO outrider_lines (book, name, line, expires)
VALUES ($1, $2, $3, now() + $4 * interval '1 second')
ON CONFLICT (book, name) DO UPDATE SET line = EXCLUDED.line, expires = EXCLUDED.expires
"""
_SHORTEN = """
DELETE FROM outrider_lines WHERE book = $1 AND name IN (
    SELECT name FROM outrider_lines WHERE book = $1 ORDER BY expires DESC OFFSET $2
)
"""
_LINES = "SELECT line FROM outrider_lines WHERE book = $1 AND expires > now()"
_PROBLEMS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class PostgresStore:
    """Implements Books. Connects when first asked, and again after a failure."""

    def __init__(self, url: str) -> None:
        """:param url: postgresql://user:password@host:port/database?sslmode=require"""
        self._url = url
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self._puts = 0

    async def get(self, key: str) -> bytes | None:
        """See Store."""
        try:
            value: bytes | None = await (await self._open()).fetchval(_GET, key)
        except _PROBLEMS as problem:
            raise _failed(problem) from problem
        return value

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """See Store."""
        try:
            pool = await self._open()
            await pool.execute(_PUT, key, value, ttl_s)
            await self._sweep(pool)
        except _PROBLEMS as problem:
            raise _failed(problem) from problem

    async def delete(self, key: str) -> bool:
        """See Store."""
        try:
            return await (await self._open()).fetchval(_DELETE, key) is not None
        except _PROBLEMS as problem:
            raise _failed(problem) from problem

    async def note(self, book: str, name: str, line: bytes, ttl_s: float) -> None:
        """See Books."""
        try:
            pool = await self._open()
            await pool.execute(_NOTE, book, name, line, ttl_s)
            await pool.execute(_SHORTEN, book, MAX_LINES)
            await self._sweep(pool)
        except _PROBLEMS as problem:
            raise _failed(problem) from problem

    async def lines(self, book: str) -> list[bytes]:
        """See Books."""
        try:
            rows = await (await self._open()).fetch(_LINES, book)
        except _PROBLEMS as problem:
            raise _failed(problem) from problem
        return [row["line"] for row in rows]

    async def _sweep(self, pool: asyncpg.Pool) -> None:
        self._puts += 1
        if self._puts % SWEEP_EVERY == 0:
            await pool.execute(_SWEEP)

    async def close(self) -> None:
        """See Store."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def _open(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                pool = await asyncpg.create_pool(
                    self._url,
                    min_size=0,
                    max_size=MAX_CONNECTIONS,
                    timeout=ANSWER_S,
                    command_timeout=ANSWER_S,
                )
                try:
                    async with pool.acquire() as connection, connection.transaction():
                        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
                        await connection.execute(_SCHEMA)
                except BaseException:
                    await pool.close()
                    raise
                self._pool = pool
            return self._pool


def _failed(problem: BaseException) -> StoreError:
    # PostgreSQL's own words may repeat the URL and its password.
    return StoreError(f"PostgreSQL failed: {type(problem).__name__}")
