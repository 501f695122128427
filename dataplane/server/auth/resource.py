"""Where clients of MCP learn who gives out tokens for a listener: RFC 9728, as MCP asks for it.

Rule: it says what everybody may know, so nobody has to show who they are to read it. Pure.
"""

from collections.abc import Callable
from dataclasses import replace

import msgspec

from dataplane.agents.a2a.doors import base_of
from dataplane.runtime import mcp
from dataplane.runtime.config import Listener, ListenerKind
from dataplane.runtime.messages import LocalReply, ResponseDetail

PATH = "/.well-known/oauth-protected-resource"
PATHS = (PATH + mcp.PATH, PATH)
_JSON = (("content-type", "application/json"),)
Header = Callable[[str], str | None]


def issuer_of(listener: Listener) -> str:
    """Who gives out tokens that clients of MCP may show here; empty: nobody they can ask."""
    auth = listener.auth
    speaks = listener.kind in (ListenerKind.MCP, ListenerKind.AGENT)
    if not speaks or auth is None or auth.jwt is None or auth.own_header:
        return ""
    issuer = auth.jwt.issuer
    return issuer if issuer.startswith(("https://", "http://")) else ""


def describes(listener: Listener, path: str) -> bool:
    """Whether a path is where that is told."""
    return path in PATHS and bool(issuer_of(listener))


def metadata(listener: Listener, header: Header) -> LocalReply:
    """What is told there; `header` looks up the client's."""
    told = {
        "resource": _base(listener, header) + mcp.PATH,
        "authorization_servers": [issuer_of(listener)],
        "bearer_methods_supported": ["header"],
    }
    return LocalReply(200, "", ResponseDetail.LOCAL, _JSON, msgspec.json.encode(told))


def challenged(reply: LocalReply, listener: Listener, header: Header) -> LocalReply:
    """A refusal of a client of MCP, which says where that is told."""
    if reply.status != 401 or not issuer_of(listener):
        return reply
    where = f', resource_metadata="{_base(listener, header)}{PATHS[0]}"'
    headers = tuple(
        (name, value + where if name == "www-authenticate" else value)
        for name, value in reply.headers
    )
    return replace(reply, headers=headers)


def _base(listener: Listener, header: Header) -> str:
    found = listener.public_url or base_of(header, tls=listener.tls is not None)
    return found.rstrip("/")
