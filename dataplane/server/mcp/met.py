"""Servers as clients without sessions meet them: which protocol each has, and a session with those
that want one.

The rule: two callers never share a session, nor do two that can do different things; requests of
one caller do.
"""

from collections import OrderedDict

from msgspec import Raw

from dataplane.mcp.names import Member
from dataplane.mcp.session import Peer
from dataplane.runtime.mcp import McpServer
from dataplane.server.mcp.turn import Turn, owner_of
from dataplane.upstream.mcp import meet

MOST = 1000
Key = tuple[McpServer, str, bytes]


class Met:
    """Those of a worker."""

    def __init__(self) -> None:
        self._peers: OrderedDict[Key, Peer] = OrderedDict()

    async def peer(self, turn: Turn, member: Member, asked: Raw, old: Peer | None = None) -> Peer:
        """A server as this caller meets it; `old` has expired. Raises ServerFailedError."""
        key = (member.server, _who(turn), bytes(asked))
        found = self._peers.get(key)
        if found is None or found is old:
            found = await meet(turn.wire(member), asked, sessions_first=False)
            self._peers[key] = found
            while len(self._peers) > MOST:
                self._peers.popitem(last=False)
        self._peers.move_to_end(key)
        return found


def _who(turn: Turn) -> str:
    """A caller; without a credential whoever is at an address."""
    return owner_of(turn.call) or str(turn.call.caller)
