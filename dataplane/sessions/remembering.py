"""The store of sessions that the configuration asks for; a store that fails is a store that has
forgotten.

Rule: no request waits for a store longer than the store's own limits, and none fails for it.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from dataplane.runtime.choosing import SessionRules
from dataplane.sessions.local import LocalStore
from dataplane.sessions.store import Books, StoreError

log = logging.getLogger(__name__)


class Remembering:
    """Implements Memory (server/perform.py). One per worker."""

    def __init__(self, path: Path | None, wall: Callable[[], float]) -> None:
        """:param path: where sessions are kept that the workers of this machine share; None: in
        this process.
        """
        self._path = path
        self._wall = wall
        self._rules = SessionRules()
        self._store: Books | None = None
        self._failing = False
        self.failures = 0

    async def configure(self, rules: SessionRules) -> None:
        """Go on with these rules; sessions of another store are not carried over."""
        same = _where(rules) == _where(self._rules)
        self._rules = rules
        if not same:
            await self.close()

    async def recall(self, key: str) -> bytes | None:
        """What is kept there, as far as anybody knows."""
        try:
            found = await self._open().get(key)
        except StoreError as problem:
            self._failed(problem)
            return None
        self._works()
        return found

    async def remember(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep it if that is possible."""
        try:
            await self._open().put(key, value, ttl_s)
        except StoreError as problem:
            self._failed(problem)
        else:
            self._works()

    async def note(self, book: str, name: str, line: bytes, ttl_s: float) -> None:
        """Write a line into a book if that is possible."""
        try:
            await self._open().note(book, name, line, ttl_s)
        except StoreError as problem:
            self._failed(problem)
        else:
            self._works()

    async def lines(self, book: str) -> list[bytes] | None:
        """What a book says; None: nobody can tell."""
        try:
            found = await self._open().lines(book)
        except StoreError as problem:
            self._failed(problem)
            return None
        self._works()
        return found

    async def close(self) -> None:
        """Let connections and threads go; what comes after opens them again."""
        store, self._store = self._store, None
        if store is not None:
            await store.close()

    def _open(self) -> Books:
        """Opened when the first session needs it: most have none. Raises StoreError."""
        if self._store is None:
            redis, postgres = self._rules.redis, self._rules.postgres
            if postgres is not None:
                # imported when it is asked for: most data planes never need it
                from dataplane.sessions.postgres import PostgresStore

                self._store = PostgresStore(postgres.reveal())
            elif redis is None:
                self._store = LocalStore(self._path, self._wall, self._rules.max_entries)
            else:
                # redis-py brings 10 MB of modules along, OpenTelemetry's among them.
                from dataplane.sessions.redis import RedisStore

                try:
                    self._store = RedisStore(redis.reveal())
                except ValueError as problem:
                    raise StoreError("the URL of Redis is none") from problem
        return self._store

    def _failed(self, problem: StoreError) -> None:
        self.failures += 1
        if not self._failing:
            self._failing = True
            log.warning("sessions are forgotten: %s", problem)

    def _works(self) -> None:
        if self._failing:
            self._failing = False
            log.info("sessions are remembered again")


def _where(rules: SessionRules) -> tuple[object, ...]:
    """What makes a store another one."""
    return rules.redis, rules.postgres, rules.max_entries
