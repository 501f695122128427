"""An agent listener as an MCP server: its agents are tools, and so is whoever decides among them.

The rule: a tool's answer is what the agent has said, or an error that is one (`isError`); half an
answer is an error with what was said.
"""

from collections.abc import Sequence
from typing import Any

from dataplane.mcp import stateless
from dataplane.mcp.merge import ABOUT
from dataplane.mcp.message import Members, members, text
from dataplane.mcp.session import agreed
from dataplane.mcp.versions import SUPPORTED

ASK = "ask"
"""The tool that lets the router choose; an agent of that name keeps it."""
ASK_ABOUT = "Asks whoever can answer among: "
SCHEMA = {
    "type": "object",
    "properties": {"message": {"type": "string", "description": "What to ask, in plain words."}},
    "required": ["message"],
    "additionalProperties": False,
}
CAPABILITIES: dict[str, Any] = {"tools": {}}
Agents = Sequence[tuple[str, str]]
"""Ids and descriptions."""


def tools(agents: Agents) -> dict[str, Any]:
    """What is listed."""
    listed = [_tool(name, about) for name, about in agents]
    if len(agents) > 1 and ASK not in dict(agents):
        listed.append(_tool(ASK, ASK_ABOUT + ", ".join(name for name, _ in agents) + "."))
    return {"tools": listed}


def _tool(name: str, about: str) -> dict[str, Any]:
    return {"name": name, "description": about, "inputSchema": SCHEMA}


def initialized(asked: Members) -> dict[str, Any]:
    """The answer to `initialize`."""
    return {
        "protocolVersion": agreed(text(asked.get("protocolVersion"))),
        "capabilities": CAPABILITIES,
        "serverInfo": ABOUT,
    }


def described() -> dict[str, Any]:
    """The answer to `server/discover`."""
    made = {"capabilities": CAPABILITIES, "supportedVersions": list(SUPPORTED)}
    return stateless.completed(stateless.DISCOVER, made, ABOUT)


def asked_for(params: Members) -> str:
    """What a call asks; empty: nothing."""
    return text(members(params.get("arguments")).get("message"))


def chat(model: str, message: str) -> dict[str, Any]:
    """The request that agents get, answered as it is made."""
    said = [{"role": "user", "content": message}]
    return {"model": model, "messages": said, "stream": True}


def said(words: str, problem: str = "") -> dict[str, Any]:
    """The result of a call."""
    content = [{"type": "text", "text": one} for one in (words, problem) if one]
    made: dict[str, Any] = {"content": content or [{"type": "text", "text": ""}]}
    return {**made, "isError": True} if problem else made
