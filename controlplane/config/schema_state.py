"""What an operator writes about keeping responses."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from controlplane.config.fields import Block, SecretText


class StateStorage(Block):
    """Where responses of the Responses API are kept for providers that keep none themselves."""

    type: Literal["memory", "postgres", "redis", "none"]
    """`memory`: in each data plane, until it ends. `postgres`, `redis`: shared by all data planes.
    `none`: nowhere. Without this block it is `memory`."""
    connection_string: SecretText | None = None
    """`postgresql://USER:$PASSWORD@HOST:5432/DATABASE` or `redis://:$PASSWORD@HOST:6379/0`."""
    ttl_seconds: Annotated[int, Field(ge=1, le=366 * 86_400)] = 86_400
    """How long a response is kept, in seconds."""
    max_entries: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    """`memory`: the newest so many responses are kept in each data plane."""
    max_entry_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = 4 << 20
    """Conversations that are larger than this are not kept, in bytes."""
    tenant_header: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    """A request header that says whose a response is; without it the client's credential does."""
