"""A request under way at a server, for a client that gets its answer in another way than it comes.

The rule: a server that asks for something waits, and so does its stream, until the client brings
the answer with another request; nobody else can. A flow that nobody comes back for is cancelled.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from msgspec import Raw

from dataplane.mcp import message as rpc
from dataplane.mcp.message import Message
from dataplane.runtime.messages import Headers, ResponseDetail
from dataplane.tasks import Tasks
from dataplane.upstream.mcp import ServerFailedError, Wire, failed

GONE = 404
WAITS_S = 600.0
"""For a client to come back: people are asked things."""


@dataclass(slots=True)
class Flow:
    """One request to a server that keeps sessions."""

    wire: Wire
    more: Headers
    """Of everything that is said in the session."""
    id: bytes
    """What the request is called there."""
    owner: str
    about: Any
    """The server's own words about itself."""
    came: "asyncio.Queue[Message | ServerFailedError]" = field(
        default_factory=lambda: asyncio.Queue(100)
    )
    """What the server has said."""
    asked: Message | None = None
    """What it waits for."""
    task: "asyncio.Task[None] | None" = None

    async def run(self, body: bytes) -> None:
        """Read what comes, to the response."""
        try:
            async with self.wire.opened("POST", body, self.more) as answer:
                if answer.status == GONE:
                    gone = ResponseDetail.SESSION_NOT_FOUND
                    await self.came.put(failed(self.wire.server.id, "its session is over", gone))
                    return
                async for event in answer.events():
                    message = rpc.read(event.data) if event.is_message else None
                    if isinstance(message, Message):
                        await self.came.put(message)
                        if not message.method:
                            return
            told = f"it answered {answer.status} and no more"
            await self.came.put(
                failed(self.wire.server.id, told, ResponseDetail.UPSTREAM_TRUNCATED)
            )
        except ServerFailedError as problem:
            await self.came.put(problem)

    async def answer(self, result: Raw) -> None:
        """What the client says to what was asked. Raises ServerFailedError."""
        assert self.asked is not None
        await self.wire.tell(rpc.result(self.asked.id, result), self.more)
        self.asked = None

    async def cancel(self) -> None:
        """Nobody wants it any more."""
        if self.task is not None and not self.task.done():
            self.task.cancel()
            params = {"requestId": Raw(self.id), "reason": "the client has left"}
            try:
                await self.wire.tell(rpc.notification("notifications/cancelled", params), self.more)
            except ServerFailedError:
                return


class Flows:
    """Those of a worker that wait for their clients."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token
        self._parked: dict[str, tuple[Flow, asyncio.TimerHandle]] = {}
        self._tasks = Tasks()
        self._count = 0

    def begin(
        self, wire: Wire, more: Headers, owner: str, about: Any, body: Callable[[bytes], bytes]
    ) -> Flow:
        """Send a request; `body` makes it with the id that it gets."""
        self._count += 1
        id_ = b'"outrider-%d"' % self._count
        flow = Flow(wire, more, id_, owner, about)
        flow.task = self._tasks.start(flow.run(body(id_)), "mcp flow")
        return flow

    def park(self, flow: Flow) -> str:
        """It waits for its client; what the client has to show."""
        state = self._token()
        loop = asyncio.get_running_loop()
        self._parked[state] = flow, loop.call_later(WAITS_S, self._forget, state)
        return state

    def take(self, state: str, owner: str) -> Flow | None:
        """The client is back; None: there is nothing of its."""
        found = self._parked.get(state)
        if found is None or found[0].owner != owner:
            return None
        del self._parked[state]
        found[1].cancel()
        return found[0]

    def cancel(self, flow: Flow) -> None:
        """Its client has left."""
        self._tasks.start(flow.cancel(), "mcp cancel")

    async def close(self) -> None:
        """End all of them."""
        for _, timer in self._parked.values():
            timer.cancel()
        self._parked.clear()
        await self._tasks.close()

    def _forget(self, state: str) -> None:
        flow, _ = self._parked.pop(state)
        self.cancel(flow)
