"""A request under way at a server, for a client that gets its answer in another way than it comes.

The rule: a server that asks for something waits, and so does its stream, until the client brings
the answer with another request; nobody else can. A flow that nobody comes back for is cancelled.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from msgspec import Raw

from dataplane.mcp import message as rpc
from dataplane.mcp.message import Message, encode
from dataplane.runtime.messages import Headers, ResponseDetail
from dataplane.server.mcp.elsewhere import (
    RESUME,
    RESUMPTION,
    Came,
    Elsewhere,
    Resumption,
    of_failure,
)
from dataplane.server.neighbours import Neighbours, Say, marked, worker_of
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

    async def heard(self) -> Message | ServerFailedError:
        """What the server says next."""
        return await self.came.get()

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

    def __init__(self, token: Callable[[], str], neighbours: Neighbours) -> None:
        self._token = token
        self._neighbours = neighbours
        neighbours.on(RESUME, self._resumed)
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

    def park(self, flow: "Flow | Elsewhere") -> str:
        """It waits for its client; what the client has to show."""
        if isinstance(flow, Elsewhere):
            return flow.state
        state = marked(self._neighbours.index, self._token())
        loop = asyncio.get_running_loop()
        self._parked[state] = flow, loop.call_later(WAITS_S, self._forget, state)
        return state

    @asynccontextmanager
    async def resumed(
        self, state: str, owner: str, given: Raw
    ) -> "AsyncGenerator[Flow | Elsewhere | None, None]":
        """The client is back, with what was asked for; it may be heard inside. None: there is
        nothing of its, in no worker. Raises ServerFailedError.
        """
        worker = worker_of(state)
        if worker != self._neighbours.index:
            body = encode(Resumption(state, owner, given))
            async with self._neighbours.opened(worker, RESUME, body) as frames:
                yield await Elsewhere.met(frames)
            return
        flow = self._take(state, owner)
        if flow is not None:
            try:
                await flow.answer(given)
            except ServerFailedError:
                self.cancel(flow)
                raise
        yield flow

    async def _resumed(self, body: bytes, say: Say) -> None:
        """A client has come back to another worker, which hears what comes of it."""
        asked = RESUMPTION.decode(body)
        flow = self._take(asked.state, asked.owner)
        if flow is None:
            return
        try:
            await say(encode(flow.about))
            try:
                await flow.answer(asked.given)
            except ServerFailedError as problem:
                await say(encode(of_failure(problem)))
                raise
            while True:
                came = await flow.heard()
                if isinstance(came, ServerFailedError):
                    await say(encode(of_failure(came)))
                    return
                if came.is_request:
                    flow.asked = came
                    await say(encode(Came(Raw(came.body), state=self.park(flow))))
                    return
                await say(encode(Came(Raw(came.body))))
                if not came.method:
                    return
        except BaseException:
            self.cancel(flow)
            raise

    def _take(self, state: str, owner: str) -> Flow | None:
        """The client is back; None: there is nothing of its."""
        found = self._parked.get(state)
        if found is None or found[0].owner != owner:
            return None
        del self._parked[state]
        found[1].cancel()
        return found[0]

    def cancel(self, flow: "Flow | Elsewhere") -> None:
        """Its client has left."""
        if isinstance(flow, Elsewhere):
            return  # (to hear no more of it is what cancels it there)
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
