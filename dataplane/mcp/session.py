"""What is known of a client's session, in a form that any worker can take up."""

import msgspec
from msgspec import Raw

FIRST = "2024-11-05"
LATEST = "2025-11-25"
VERSIONS = (FIRST, "2025-03-26", "2025-06-18", LATEST)
"""Of the protocol with sessions, oldest first."""
TTL_S = 24 * 3600.0
"""Since it was used last."""


class Peer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A server's side of a session."""

    version: str
    """Of the protocol, as agreed."""
    session: str = ""
    """What the server calls it; empty: it keeps none."""
    told: Raw = msgspec.field(default_factory=lambda: Raw(b"{}"))
    """Its whole answer to `initialize`, or to `server/discover`."""
    endpoint: str = ""
    """Which of its addresses has the session; empty: any of them answers."""

    @property
    def keeps_sessions(self) -> bool:
        """Whether it is of the older generation."""
        return self.version in VERSIONS


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """A client's session: whose it is, and its servers."""

    owner: str
    """Nobody else may use it (server/mcp/callers.py)."""
    version: str
    asked: Raw
    """The client's params of `initialize`: what servers are told when theirs is opened anew."""
    peers: dict[str, Peer] = {}
    """By server; those that were not there are not in it."""
    level: str = ""
    """The level of logging that the client has set."""
    uris: tuple[str, ...] = ()
    """What it has subscribed to at servers that keep no sessions."""

    def with_peer(self, server: str, peer: Peer) -> "Session":
        """A server's side is new, or newer."""
        return msgspec.structs.replace(self, peers={**self.peers, server: peer})

    def encoded(self) -> bytes:
        """For a store."""
        return msgspec.json.encode(self)


def decoded(kept: bytes) -> Session | None:
    """Of a store; None: it is none of ours."""
    try:
        return msgspec.json.decode(kept, type=Session)
    except msgspec.DecodeError:
        return None


def agreed(asked: str) -> str:
    """The version that a client gets which asks for one."""
    return asked if asked in VERSIONS else LATEST
