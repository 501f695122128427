"""What an operator writes about MCP servers: where they are, what of them is offered, as whom.

See `controlplane.config.schema` for the rule of every key and docstring here.
"""

from typing import Annotated, Any

from pydantic import Field, Strict, StringConstraints

from controlplane.config.fields import Block, Duration, Id, SecretText, Url
from controlplane.config.schema_clusters import ClusterKeys, Endpoints

PREFIX = r"^[A-Za-z0-9_.-]{0,32}$"  # what names of tools may hold (MCP 2025-11-25, "Tool Names")
TOOL = r"^[A-Za-z0-9_./-]{1,128}$"
PATTERN = r"^[A-Za-z0-9_./*-]{1,128}$"
ORIGIN = r"^(\*|[a-z][a-z0-9+.-]*://[^/\s]+)$"

Patterns = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=PATTERN)], ...],
    Strict(False),
    Field(max_length=1000),
]
Origins = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=ORIGIN)], ...],
    Strict(False),
    Field(max_length=100),
]


ToolName = Annotated[str, StringConstraints(pattern=TOOL)]
ToolArguments = Annotated[dict[str, Any], Field(max_length=100)]


class ToolRules(Block):
    """Which tools of a server clients see and may call; the others do not exist for them."""

    allow: Patterns = ()
    """Names as the server has them, `*` stands for anything; without it all are offered."""
    deny: Patterns = ()
    """Names that are never offered, whatever `allow` says."""


class McpServer(ClusterKeys):
    """An MCP server (streamable HTTP, protocol 2024-11-05 to 2026-07-28) behind MCP listeners."""

    id: Id
    """What listeners call it. Unique among MCP servers."""
    url: Url | None = None
    """Its whole URL, such as `http://127.0.0.1:8000/mcp`. Give this or `endpoints`."""
    endpoints: Endpoints | None = None
    """In place of `url`: several equal addresses, URLs that differ in host and port only, or
    mappings of `url`, `weight`, `priority` and `zone`."""
    prefix: Annotated[str, StringConstraints(pattern=PREFIX)] | None = None
    """Put before the names of its tools and prompts. Default: none in a listener with one server,
    else the id and `_`. One server of a listener may have the empty prefix."""
    headers: dict[str, SecretText] = Field(default_factory=dict, max_length=100)
    """Headers added to every request; values may hold `$VAR` or be `file:/path`."""
    passthrough_auth: bool = False
    """Send the client's own `authorization` header; without it clients' credentials stay here."""
    tools: ToolRules = ToolRules()
    """Which of its tools are offered."""
    timeout: Duration = "10s"
    """How long lists and handshakes wait for it before they do without; calls of tools have the
    listener's `timeout`."""
