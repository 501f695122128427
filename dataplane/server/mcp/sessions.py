"""Sessions of MCP clients: kept in the store that all workers share, and used from here.

The rule: a session is its caller's. For everybody else, and after it was ended, there is none; a
store that forgets is a session that has expired, and clients begin another one.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b

from dataplane.mcp.session import TTL_S, Session, decoded
from dataplane.server.neighbours import Neighbours, Say
from dataplane.server.perform import Memory

MAX_LIVE = 10_000
"""Sessions at hand in a worker; others are looked up."""
_CHANGED = "mcp session"
KEEP_AFTER_S = 600.0
"""A session that is in use is kept anew so often."""


class Live:
    """A session as this worker knows it."""

    __slots__ = ("changed", "ended", "id", "kept_at", "locks", "session", "uris")

    def __init__(self, name: str, session: Session) -> None:
        self.id = name
        self.session = session
        self.ended = False
        """Its client wants it no more; what still runs for it begins nothing new."""
        self.changed = asyncio.Event()
        """Set when `session` is another one, in place of which there is a new event then."""
        self.kept_at = 0.0
        self.locks: dict[str, asyncio.Lock] = {}
        """By server: who opens it anew."""
        self.uris: dict[str, str] = {}
        """Resources that have been read: whose they are."""

    def become(self, session: Session) -> None:
        """The session has changed, here or in another worker."""
        self.session = session
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def lock(self, server: str) -> asyncio.Lock:
        """Held while a server's side is opened."""
        return self.locks.setdefault(server, asyncio.Lock())


class Sessions:
    """Of one worker."""

    def __init__(
        self,
        memory: Memory,
        now: Callable[[], float],
        token: Callable[[], str],
        neighbours: Neighbours,
    ) -> None:
        """:param token: a word that nobody can guess."""
        self._memory = memory
        self._neighbours = neighbours
        self._now = now
        self._token = token
        self._live: OrderedDict[str, Live] = OrderedDict()
        neighbours.on(_CHANGED, self._heard)

    async def begin(self, session: Session) -> Live:
        """A new one."""
        live = Live(self._token(), session)
        await self.keep(live)
        return live

    async def find(self, name: str, owner: str) -> Live | None:
        """The session of this name, if it is this caller's."""
        live = self._live.get(name)
        if live is None:
            session = await self.stored(name)
            if session is None:
                return None
            live = self._at_hand(Live(name, session))
            live.kept_at = self._now()
        if live.session.owner != owner:
            return None
        self._live.move_to_end(name)
        if self._now() > live.kept_at + KEEP_AFTER_S:
            await self.keep(live)
        return live

    async def stored(self, name: str) -> Session | None:
        """What all workers know of it."""
        kept = await self._memory.recall(_key(name))
        return decoded(kept) if kept else None

    async def change(self, live: Live, session: Session) -> None:
        """It has changed, and other workers go on with what it is now."""
        live.become(session)
        await self.keep(live)
        await self._neighbours.tell_all(_CHANGED, live.id.encode())

    async def keep(self, live: Live) -> None:
        """It is kept for as long as it may be from now on."""
        if live.ended:
            return
        self._at_hand(live)
        live.kept_at = self._now()
        await self._memory.remember(_key(live.id), live.session.encoded(), TTL_S)

    async def end(self, live: Live) -> None:
        """Nobody has it any more."""
        self._end(live)
        await self._memory.remember(_key(live.id), b"", 1.0)
        await self._neighbours.tell_all(_CHANGED, live.id.encode())

    def _end(self, live: Live) -> None:
        live.ended = True
        live.become(live.session)
        self._live.pop(live.id, None)

    async def _heard(self, body: bytes, _: Say) -> None:
        """Another worker has changed a session, or ended it."""
        live = self._live.get(body.decode("utf-8", "replace"))
        if live is None:
            return
        session = await self.stored(live.id)
        if session is None:
            self._end(live)
        else:
            live.become(session)

    def _at_hand(self, live: Live) -> Live:
        self._live[live.id] = live
        while len(self._live) > MAX_LIVE:
            self._live.popitem(last=False)
        return live


def _key(name: str) -> str:
    """A store never holds what opens a session."""
    return "mcp:" + blake2b(name.encode("utf-8", "replace"), digest_size=20).hexdigest()
