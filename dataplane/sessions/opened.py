"""The store that a configuration asks for."""

from collections.abc import Callable
from pathlib import Path

from dataplane.runtime.state_storage import StateStorage, StorageKind
from dataplane.sessions.local import LocalStore
from dataplane.sessions.store import Store

FILE = "responses.db"


def opened(rules: StateStorage, folder: Path | None, wall: Callable[[], float]) -> Store | None:
    """A store that has not connected yet; None when nothing is to be kept.

    :param folder: shared by the workers of this data plane; None keeps what is local in this
        process.
    """
    match rules.kind:
        case StorageKind.NONE:
            return None
        case StorageKind.LOCAL:
            path = folder / FILE if folder is not None else None
            return LocalStore(path, wall, rules.max_entries)
        case StorageKind.REDIS:
            # imported when it is asked for: most data planes never need it
            from dataplane.sessions.redis import RedisStore

            assert rules.url is not None
            return RedisStore(rules.url.reveal())
        case StorageKind.POSTGRES:
            from dataplane.sessions.postgres import PostgresStore

            assert rules.url is not None
            return PostgresStore(rules.url.reveal())
