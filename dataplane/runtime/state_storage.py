"""Where responses of the Responses API are kept for providers that keep none themselves."""

from dataclasses import dataclass
from enum import Enum

from dataplane.runtime.secret import Secret


class StorageKind(Enum):
    """What keeps them. The values are the words of the config."""

    LOCAL = "memory"
    """This data plane, until it ends; all its workers share it."""
    REDIS = "redis"
    POSTGRES = "postgres"
    NONE = "none"
    """Nobody: `store` has no effect and `previous_response_id` is never found."""


@dataclass(frozen=True, slots=True)
class StateStorage:
    """The rules of a store."""

    kind: StorageKind = StorageKind.LOCAL
    url: Secret | None = None
    """Redis and PostgreSQL."""
    ttl_s: float = 24 * 3600.0
    """From the last time a response was created or continued."""
    max_entries: int = 10_000
    """Local: the newest so many are kept."""
    max_entry_bytes: int = 4 * 1024 * 1024
    """Larger conversations are not kept."""
    tenant_header: str = ""
    """Lower case; its value says whose a response is. Empty: the client's credential does."""
