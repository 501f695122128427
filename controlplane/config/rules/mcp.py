"""MCP servers and the listeners that offer them: every name of a tool leads to one server."""

from controlplane.config import schema
from controlplane.config.problem import Path
from controlplane.config.rules import addresses, credentials
from controlplane.config.rules.findings import Findings, suggest
from controlplane.config.schema_mcp import McpServer

NOT_HERE = (
    *("agents", "min_confidence", "input_filters", "output_filters", "retry", "max_retries"),
    "priority",
)


def check(config: schema.Config, findings: Findings) -> None:
    """Everything under `mcp_servers`."""
    seen: dict[str, Path] = {}
    for index, server in enumerate(config.mcp_servers):
        path: Path = ("mcp_servers", index)
        findings.once(seen, server.id, (*path, "id"), "MCP server")
        absent = server.url is None and server.endpoints is None
        if absent and not findings.blamed((*path, "endpoints")):
            hint = "the server's whole URL: http://host:port/mcp"
            findings.add((*path, "url"), "is missing", hint)
        addresses.check(findings, path, ("url", server.url), server.endpoints)
        credentials.check_headers(server.headers, (*path, "headers"), findings, "remove it")
        for name in server.headers:
            if name.lower().startswith("mcp-") or name.lower() == "accept":
                at = (*path, "headers", name)
                findings.add(at, f"header {name!r} is written by Outrider", "remove it")
        written = next((name for name in server.headers if name.lower() == "authorization"), None)
        if server.passthrough_auth and written is not None:
            what = "is written over the client's, which passthrough_auth sends"
            findings.add((*path, "headers", written), what, "keep one of the two")


def listener(
    config: schema.Config, listener: schema.Listener, path: Path, findings: Findings
) -> None:
    """One MCP listener."""
    for key in NOT_HERE:
        if key in listener.model_fields_set:
            hint = "remove it"
            findings.add((*path, key), "means nothing in an MCP listener", hint)
    if not listener.mcp_servers and not findings.blamed((*path, "mcp_servers")):
        hint = "list ids of the top-level 'mcp_servers'"
        findings.add((*path, "mcp_servers"), "an MCP listener needs MCP servers", hint)
    known = {server.id: server for server in config.mcp_servers}
    members: list[McpServer] = []
    for index, name in enumerate(listener.mcp_servers):
        at = (*path, "mcp_servers", index)
        if name not in known:
            hint = suggest(name, known, "mcp_servers")
            findings.add(at, f"unknown MCP server {name!r}", hint)
        elif name in listener.mcp_servers[:index]:
            findings.add(at, f"MCP server {name!r} is here twice")
        else:
            members.append(known[name])
            _clash(members, len(listener.mcp_servers), at, findings)


def prefix_of(server: McpServer, count: int) -> str:
    """What is put before the names of a server in a listener with so many servers."""
    if server.prefix is not None:
        return server.prefix
    return "" if count == 1 else f"{server.id}_"


def _clash(members: list[McpServer], count: int, path: Path, findings: Findings) -> None:
    """The newest member's prefix must tell its names from the others'."""
    mine = prefix_of(members[-1], count)
    for other in members[:-1]:
        theirs = prefix_of(other, count)
        if mine == theirs:
            which = f"the prefix {mine!r}" if mine else "no prefix"
            hint = "give one of them another 'prefix'"
            findings.add(path, f"MCP server {other.id!r} has {which} too", hint)
            return
        if mine and theirs and (mine.startswith(theirs) or theirs.startswith(mine)):
            hint = "names that begin with the longer one could be of either"
            what = f"the prefixes {theirs!r} of {other.id!r} and {mine!r} cannot be told apart"
            findings.add(path, what, hint)
            return
