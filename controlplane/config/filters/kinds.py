"""The kinds of filters there are; each has a folder of its name in dataplane/filters/."""

from collections.abc import Mapping

from controlplane.config.fields import Block
from controlplane.config.filters import (
    cache,
    headers,
    http,
    json_schema,
    log,
    mcp,
    patterns,
    pii,
    prompt,
    python,
    screening,
)
from controlplane.config.filters.kind import Kind
from controlplane.config.problem import Path

KINDS: Mapping[str, Kind] = {
    "http": http.KIND,
    "mcp": mcp.KIND,
    "headers": headers.KIND,
    "prompt": prompt.KIND,
    "patterns": patterns.KIND,
    "pii": pii.KIND,
    "log": log.KIND,
    "cache": cache.KIND,
    "screening": screening.KIND,
    "json_schema": json_schema.KIND,
    "python": python.KIND,
}


def config_root(kind: str) -> str:
    """What stands for the path of a kind's config where blocks are listed."""
    return f"config of type {kind}"


CONFIG_BLOCKS: Mapping[Path, type[Block]] = {
    (config_root(name), *path): block
    for name, kind in KINDS.items()
    for path, block in (((), kind.config), *kind.blocks.items())
}
"""Every block of every kind."""
