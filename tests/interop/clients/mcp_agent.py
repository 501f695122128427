"""An agent as a tool of a server of the `mcp` package, 1.x (sessions) or 2.x (both generations).

Its first line is its URL.
"""

import socket
import sys

import uvicorn

try:
    from mcp.server.mcpserver import Context, MCPServer
except ImportError:
    from mcp.server.fastmcp import Context
    from mcp.server.fastmcp import FastMCP as MCPServer

server = MCPServer("library")


@server.tool()
async def research(question: str, ctx: Context, depth: int = 1) -> str:
    """Researches the history of anything: trains, bridges, towns."""
    if "fail" in question:
        raise ValueError("The archive is shut.")
    for at in range(depth):
        await ctx.report_progress(at + 1, depth, f"Reading book {at + 1}.")
    return f"Of {question!r} there is much to say."


@server.tool()
def shelf(number: int) -> str:
    """Says what is on a shelf."""
    return f"{number} books"


def main() -> None:
    """Serve until it is ended."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    listening = socket.create_server(("127.0.0.1", port))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp", flush=True)
    config = uvicorn.Config(server.streamable_http_app(), log_level="error")
    uvicorn.Server(config).run([listening])


if __name__ == "__main__":
    main()
