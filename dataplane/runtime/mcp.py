"""MCP servers as the operator says them. Values only."""

from dataclasses import dataclass

from dataplane.runtime.secret import Secret

PATH = "/mcp"
"""Where listeners of ours speak MCP."""


@dataclass(frozen=True, slots=True)
class McpServer:
    """A server that speaks MCP over streamable HTTP."""

    id: str
    cluster: str
    path: str = PATH
    headers: tuple[tuple[str, Secret], ...] = ()
    """Added to every request."""
    passthrough_auth: bool = False
    """Whether the client's own credential is sent."""
    allow: tuple[str, ...] = ()
    """Patterns with `*` of tools, by the names the server has for them; none: all are offered."""
    deny: tuple[str, ...] = ()
    timeout_s: float = 10.0
    """Of lists and handshakes."""


@dataclass(frozen=True, slots=True)
class McpMember:
    """One server of a listener."""

    server: str
    prefix: str = ""
    """Before the names of its tools and prompts."""
