"""`type: cache`."""

from typing import Annotated, Literal

from pydantic import Field

from controlplane.config.fields import Block, SecretText
from controlplane.config.filters.kind import Kind


class CacheConfig(Block):
    """Answers what was answered before: equal requests get the same answer, streams too."""

    mode: Literal["exact", "semantic"] = "exact"
    """`semantic`: the user's last message may also be one that asks the same in nearly the same
    words; all else must be equal. Data planes need the extra `router`."""
    threshold: Annotated[float, Field(ge=0.8, le=1.0)] = 0.9
    """`semantic`: how near the messages must be, as the cosine of what the embedded encoder makes
    of them."""
    ttl_seconds: Annotated[int, Field(ge=1, le=366 * 86_400)] = 3600
    """How long an answer is given again, in seconds."""
    scope: Literal["tenant", "shared"] = "tenant"
    """`tenant`: whose request it is counts (tenant, else caller, else credential). `shared`:
    everybody gets everybody's answers."""
    store: Literal["memory", "redis"] = "memory"
    """`memory`: in each worker. `redis`: shared by all data planes."""
    connection_string: SecretText | None = None
    """`redis`: where it is, `redis://:$PASSWORD@HOST:6379/0`."""
    max_bytes: Annotated[int, Field(ge=1 << 20, le=1 << 36)] = 64 << 20
    """`memory`: how much each worker holds; what was not used for longest goes first."""
    max_entry_bytes: Annotated[int, Field(ge=1024, le=64 << 20)] = 1 << 20
    """Longer answers are not kept."""


KIND = Kind(CacheConfig)
