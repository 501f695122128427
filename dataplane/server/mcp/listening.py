"""The GET stream: what servers say by themselves, of all of them in one.

The rule: a client's stream lasts as long as the client wants it. A server whose stream ends is
listened to again where it stood; one that comes back later joins in.
"""

import asyncio
from contextlib import suppress

from dataplane.mcp import tokens
from dataplane.mcp.events import Event, message_event
from dataplane.mcp.message import notification
from dataplane.mcp.names import Member
from dataplane.mcp.stateless import ACKNOWLEDGED
from dataplane.runtime.messages import Headers, ResponseDetail
from dataplane.server.mcp.asking import seen
from dataplane.server.mcp.peers import Peers
from dataplane.server.mcp.turn import Turn
from dataplane.upstream.mcp import ServerFailedError

LAST_EVENT = "last-event-id"
AGAIN_S = 1.0
"""Before a server whose stream has ended is listened to again; doubled while it fails."""
LONGEST_S = 30.0
ALIVE_S = 15.0
"""A comment goes out when nothing else did for so long: proxies cut what is silent."""
ALIVE = b": keep-alive\n\n"
HELD = 100
"""Events that wait for a slow client."""
CHANGES = ("tools", "prompts", "resources")


class Listening:
    """Carries what servers say by themselves."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def run(self, turn: Turn) -> None:
        """Answer a GET."""
        turn.downstream.last()
        last = turn.call.request.header(LAST_EVENT)
        only = turn.roster.only
        if only is not None and not _is_told(turn, only):
            await self._from(turn, only, last)
            return
        found = tokens.split(last, turn.roster.ids) if last is not None else None
        member = turn.roster.of(found[0]) if found is not None else None
        if found is not None and member is not None:
            await self._from(turn, member, found[1].decode())
            return
        turn.start()
        await self._all(turn)

    async def _from(self, turn: Turn, member: Member, last: str | None) -> None:
        """One server's stream, from where it stood."""
        more: Headers = ((LAST_EVENT, last),) if last is not None else ()
        try:
            async with self._peers.opened(turn, member, b"", "GET", more) as answer:
                if not answer.is_stream or answer.status != 200:
                    body = await answer.whole()
                    turn.reply(answer.status, body, ResponseDetail.VIA_UPSTREAM)
                    return
                turn.start()
                async for event in answer.events():
                    if hidden(event):
                        continue
                    shown, _ = seen(turn, member, event, None)
                    await turn.downstream.write(shown.encoded())
        except ServerFailedError as problem:
            if not turn.began:
                turn.failed(None, problem)
                return
            turn.call.record.detail = problem.detail
        turn.downstream.finish()

    async def _all(self, turn: Turn) -> None:
        live = turn.live
        assert live is not None
        queue: asyncio.Queue[Event] = asyncio.Queue(HELD)
        async with asyncio.TaskGroup() as group:
            followed = turn.roster.members
            tasks = [group.create_task(self._kept_up(turn, one, queue)) for one in followed]
            while True:
                event: Event | None = None
                with suppress(TimeoutError):
                    async with asyncio.timeout(ALIVE_S):
                        event = await queue.get()
                if event is None and live.ended:
                    break
                await turn.downstream.write(event.encoded() if event is not None else ALIVE)
            for task in tasks:
                task.cancel()
        turn.downstream.finish()

    async def _kept_up(self, turn: Turn, member: Member, queue: asyncio.Queue[Event]) -> None:
        """One server, listened to anew when the client wants to hear something else of it."""
        live = turn.live
        assert live is not None
        while not live.ended:
            wanted = live.session.uris
            following = asyncio.ensure_future(self._follow(turn, member, queue))
            try:
                while not live.ended and (
                    live.session.uris == wanted or not _is_told(turn, member)
                ):
                    changed = asyncio.ensure_future(live.changed.wait())
                    await asyncio.wait((following, changed), return_when=asyncio.FIRST_COMPLETED)
                    changed.cancel()
                    if following.done():
                        following.result()
                        return
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)

    async def _follow(self, turn: Turn, member: Member, queue: asyncio.Queue[Event]) -> None:
        """One server among several, as long as it says anything there."""
        live = turn.live
        assert live is not None
        last: bytes | None = None
        wait_s = AGAIN_S
        was_there = member.id in live.session.peers
        while True:
            more: Headers = ((LAST_EVENT, last.decode("latin-1")),) if last is not None else ()
            try:
                async with self._peers.opened(turn, member, b"", "GET", more) as answer:
                    if not was_there:
                        was_there = True
                        for what in CHANGES:
                            told = notification(f"notifications/{what}/list_changed")
                            await queue.put(message_event(told))
                    if answer.status != 200 or not answer.is_stream:
                        return  # it has no such stream
                    async for event in answer.events():
                        wait_s = AGAIN_S
                        if hidden(event):
                            continue
                        last = event.id if event.id is not None else last
                        await queue.put(seen(turn, member, event, None)[0])
            except ServerFailedError:
                wait_s = min(wait_s * 2, LONGEST_S)
            await asyncio.sleep(wait_s)


def _is_told(turn: Turn, member: Member) -> bool:
    """Whether a server keeps no sessions, and so is told with each request what is wanted of it."""
    live = turn.live
    peer = live.session.peers.get(member.id) if live is not None else None
    return peer is not None and not peer.keeps_sessions


def hidden(event: Event) -> bool:
    """Whether it only means something to whoever has subscribed without a session."""
    return ACKNOWLEDGED.encode() in event.data
