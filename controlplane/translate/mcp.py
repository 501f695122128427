"""MCP servers -> clusters and MCP server resources; which of them a listener offers."""

from collections.abc import Iterator

from outriderpb.v1 import listener_pb2, mcp_pb2, model_pb2

from controlplane.config import schema
from controlplane.config.rules.mcp import prefix_of
from controlplane.config.values import duration_ms
from controlplane.snapshot.resource import Named, ResourceType
from controlplane.translate.clusters import addresses, cluster
from controlplane.translate.secrets import secret


def mcp_servers(config: schema.Config) -> Iterator[Named]:
    """Every MCP server, with the cluster it is reached at."""
    for server in config.mcp_servers:
        name, places = f"mcp:{server.id}", addresses(server.url, server.endpoints)
        yield from cluster(config, name, server, places)
        message = mcp_pb2.McpServer(
            id=server.id,
            cluster=name,
            path=places[0].url.path or "/",
            headers=[
                model_pb2.Header(name=header, value=secret(text))
                for header, text in server.headers.items()
            ],
            passthrough_auth=server.passthrough_auth,
            allow_tools=server.tools.allow,
            deny_tools=server.tools.deny,
            timeout_ms=duration_ms(server.timeout),
        )
        yield Named(ResourceType.MCP_SERVER, server.id, message)


def members(config: schema.Config, listener: schema.Listener) -> list[listener_pb2.McpMember]:
    """The servers of a listener, each with the prefix it has there."""
    known = {server.id: server for server in config.mcp_servers}
    count = len(listener.mcp_servers)
    return [
        listener_pb2.McpMember(server=name, prefix=prefix_of(known[name], count))
        for name in listener.mcp_servers
    ]
