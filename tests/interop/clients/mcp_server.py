"""A server of the `mcp` package, which speaks both generations; its first line is its URL."""

import socket

import uvicorn
from mcp.server.mcpserver import MCPServer

server = MCPServer("dual")


@server.tool()
def echo(text: str) -> str:
    """Says it again."""
    return text


@server.resource("x://a")
def resource() -> str:
    """A text."""
    return "of a"


def main() -> None:
    """Serve until stdin ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp", flush=True)
    config = uvicorn.Config(server.streamable_http_app(), log_level="error")
    uvicorn.Server(config).run([listening])


if __name__ == "__main__":
    main()
