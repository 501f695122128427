"""MCP servers on the wire -> runtime values."""

from outriderpb.v1 import listener_pb2, mcp_pb2

from dataplane.runtime.mcp import McpMember, McpServer
from dataplane.xds.fields import BadFieldError, given, header_name, same, seconds, secret
from dataplane.xds.secrets import SecretReader


def mcp_server(name: str, m: mcp_pb2.McpServer, secrets: SecretReader) -> McpServer:
    """One server. Raises BadFieldError and SecretUnavailableError."""
    same(name, m.id, "id")
    if not m.path.startswith("/") or not m.path.isascii() or not m.path.isprintable():
        raise BadFieldError(f"{m.path!r} is not a path")
    return McpServer(
        id=name,
        cluster=given(m.cluster, "cluster"),
        path=m.path,
        headers=tuple((header_name(h.name), secret(h.value, secrets)) for h in m.headers),
        passthrough_auth=m.passthrough_auth,
        allow=tuple(m.allow_tools),
        deny=tuple(m.deny_tools),
        timeout_s=seconds(m.timeout_ms, 10.0),
    )


def members(m: listener_pb2.Listener) -> tuple[McpMember, ...]:
    """The servers of a listener. Raises BadFieldError."""
    return tuple(McpMember(given(one.server, "MCP server"), one.prefix) for one in m.mcp_servers)
