"""`subscriptions/listen`: what servers of both generations say by themselves, for a client without
a session.

The rule: a client hears what it has asked for and nothing else, and of which subscription it is.
"""

import asyncio
from contextlib import suppress

from dataplane.mcp import message as rpc
from dataplane.mcp import stateless
from dataplane.mcp.events import message_event
from dataplane.mcp.message import Members, Message, members, read, value
from dataplane.mcp.names import Member
from dataplane.server.mcp.listening import AGAIN_S, ALIVE, ALIVE_S, HELD, LONGEST_S
from dataplane.server.mcp.met import Met
from dataplane.server.mcp.turn import Turn
from dataplane.upstream.mcp import ServerFailedError, of_session


class Subscribed:
    """Carries subscriptions."""

    def __init__(self, met: Met) -> None:
        self._met = met

    async def run(self, turn: Turn, message: Message) -> None:
        """Answer `subscriptions/listen`, as long as the client listens."""
        turn.downstream.last()
        wanted = members(message.params.get("notifications"))
        subscription = message.id or b"null"
        queue: asyncio.Queue[bytes] = asyncio.Queue(HELD)
        turn.start()
        honoured = {name: value(raw) for name, raw in wanted.items()}
        told = stateless.tagged(stateless.ACKNOWLEDGED, {"notifications": honoured}, subscription)
        await turn.downstream.write(message_event(told).encoded())
        async with asyncio.TaskGroup() as group:
            for member in turn.roster.members:
                group.create_task(self._follow(turn, member, message, wanted, queue))
            while True:
                data: bytes | None = None
                with suppress(TimeoutError):
                    async with asyncio.timeout(ALIVE_S):
                        data = await queue.get()
                event = message_event(data).encoded() if data is not None else ALIVE
                await turn.downstream.write(event)

    async def _follow(
        self,
        turn: Turn,
        member: Member,
        message: Message,
        wanted: Members,
        queue: "asyncio.Queue[bytes]",
    ) -> None:
        """One server, again and again."""
        asked = stateless.initialization(members(message.params.get("_meta")))
        wait_s = AGAIN_S
        while True:
            try:
                peer = await self._met.peer(turn, member, asked)
                wire = turn.wire(member).of(peer)
                if peer.keeps_sessions:
                    more = of_session(peer)
                    for uri in value(wanted.get("resourceSubscriptions")) or ():
                        body = rpc.request(b'"subscribe"', "resources/subscribe", {"uri": uri})
                        await wire.ask(body, more)
                    opened = wire.opened("GET", b"", more)
                else:
                    more = stateless.headers(message)
                    opened = wire.opened("POST", message.body, more)
                async with opened as answer:
                    if answer.status == 404:
                        await self._met.peer(turn, member, asked, peer)
                        continue
                    if answer.status != 200 or not answer.is_stream:
                        return  # it has nothing to say by itself
                    async for event in answer.events():
                        wait_s = AGAIN_S
                        said = read(event.data) if event.is_message else None
                        if isinstance(said, Message) and said.method:
                            heard = stateless.heard(wanted, said, message.id or b"null")
                            if heard is not None:
                                await queue.put(heard)
            except ServerFailedError:
                wait_s = min(wait_s * 2, LONGEST_S)
            await asyncio.sleep(wait_s)
