"""Where sessions and responses are kept: bytes by key, for a time.

The rule: a key says whose it is. Keys are made by `key_of`, tenant first, so that nobody reads what
another tenant has put there.
"""

import hashlib
from typing import Protocol

MAX_LINES = 1000
"""Of a book: who reads it reads all of it, 100 bytes a line as tasks have them."""


class StoreError(Exception):
    """The store cannot be reached or refuses; the text says which store and why."""


class Store(Protocol):
    """Bytes by key. All methods raise StoreError."""

    async def get(self, key: str) -> bytes | None:
        """What was put there and has not expired."""

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep for `ttl_s` seconds from now, in place of what was there."""

    async def delete(self, key: str) -> bool:
        """Whether there was something."""

    async def close(self) -> None:
        """Nothing is asked any more."""


class Books(Store, Protocol):
    """A store that also keeps lists: books of lines, for what is looked for without its key."""

    async def note(self, book: str, name: str, line: bytes, ttl_s: float) -> None:
        """Write a line for `ttl_s` seconds, in place of what the book says of `name`. Of a book the
        MAX_LINES lines are kept that expire last. Raises StoreError.
        """

    async def lines(self, book: str) -> list[bytes]:
        """What a book says, in no order. Raises StoreError."""


def key_of(kind: str, tenant: str, name: str) -> str:
    """A key: "response:1f2e...:resp_123". The tenant is hashed: it may be a credential."""
    owner = hashlib.blake2b(tenant.encode(), digest_size=16).hexdigest() if tenant else "-"
    return f"{kind}:{owner}:{name}"
