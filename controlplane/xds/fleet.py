"""The nodes that are connected, and what each acknowledged or refused.

The rule: one entry per node id. When a node connects again while its old stream still looks alive,
the newer one counts and the older one is ended.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from controlplane.xds.stream import Stream


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A connected node. `connected_at` is wall time; `end` closes its stream, saying why."""

    id: str
    group: str
    peer: str
    user_agent: str
    connected_at: float
    stream: Stream
    end: Callable[[str], None]


class Fleet:
    """Who is connected; tells watchers that something changed, not what."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._watchers: set[asyncio.Event] = set()

    def join(self, member: Member) -> None:
        """A node connected."""
        older = self._members.get(member.id)
        self._members[member.id] = member
        if older is not None:
            older.end(
                f"node {member.id} connected again from {member.peer}: two data planes with the"
                " same --node-id, or a connection that was lost"
            )
        self.changed()

    def leave(self, member: Member) -> None:
        """A stream ended; the node is gone unless a newer stream took its place."""
        if self._members.get(member.id) is member:
            del self._members[member.id]
            self.changed()

    def changed(self) -> None:
        """Wake whoever watches."""
        for watcher in self._watchers:
            watcher.set()

    def members(self) -> list[Member]:
        """Connected nodes by id."""
        return sorted(self._members.values(), key=lambda member: member.id)

    @contextmanager
    def watch(self) -> Iterator[asyncio.Event]:
        """An event, set now and at each change; the watcher clears it before it looks."""
        event = asyncio.Event()
        event.set()
        self._watchers.add(event)
        try:
            yield event
        finally:
            self._watchers.discard(event)
