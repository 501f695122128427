"""Which server a name leads to, and what clients call what servers have.

The rule: one name, one server, by the configuration alone. A prefix says whose a name is; what has
none of them is of the server without a prefix. What a server has under a name that would lead to
another one is not offered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from dataplane.runtime.mcp import McpServer


@dataclass(frozen=True, slots=True)
class Member:
    """A server of a listener."""

    server: McpServer
    prefix: str = ""

    @property
    def id(self) -> str:
        """The server's."""
        return self.server.id

    def offers(self, tool: str) -> bool:
        """Whether clients may know of a tool, by the server's name for it."""
        server = self.server
        if any(fnmatchcase(tool, pattern) for pattern in server.deny):
            return False
        return not server.allow or any(fnmatchcase(tool, pattern) for pattern in server.allow)


@dataclass(frozen=True, slots=True)
class Roster:
    """The servers of a listener, in the operator's order."""

    members: tuple[Member, ...]

    @property
    def only(self) -> Member | None:
        """The one server, which needs no marks on what it hands out."""
        return self.members[0] if len(self.members) == 1 else None

    @property
    def ids(self) -> Sequence[str]:
        """Of all."""
        return [member.id for member in self.members]

    def of(self, server: str) -> Member | None:
        """The member with this id."""
        return next((member for member in self.members if member.id == server), None)

    def leads(self, name: str) -> tuple[Member, str] | None:
        """Whose a name is and what it is called there."""
        bare: Member | None = None
        for member in self.members:
            if not member.prefix:
                bare = member
            elif name.startswith(member.prefix) and len(name) > len(member.prefix):
                return member, name[len(member.prefix) :]
        return (bare, name) if bare is not None else None

    def shown(self, member: Member, name: str) -> str | None:
        """What clients call it; None: it would lead elsewhere."""
        told = member.prefix + name
        led = self.leads(told)
        return told if led is not None and led[0] is member else None
