"""Calls of clients with sessions that run here, for who cancels one, in whatever worker.

The rule: a call that its client has cancelled ends at once, and is told so where it was asked.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import msgspec

from dataplane.mcp.message import Code, Message, Refused, error
from dataplane.runtime.messages import ResponseDetail
from dataplane.server.mcp.turn import Turn
from dataplane.server.neighbours import Neighbours, Say

CANCELLED = Refused(Code.INTERNAL_ERROR, "The client has cancelled this.")
_WORD = "mcp cancelled"


class _Which(msgspec.Struct):
    """A call."""

    session: str
    id: bytes


_WHICH = msgspec.msgpack.Decoder(_Which)


class Running:
    """Those of one worker."""

    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours
        self._tasks: dict[tuple[str, bytes], asyncio.Task[None]] = {}
        neighbours.on(_WORD, self._heard)

    async def ran(self, turn: Turn, message: Message, work: Coroutine[Any, Any, None]) -> bool:
        """Carry out a call; whether it has come to its end, and was not cancelled by its client.

        Raises what `work` does.
        """
        task = asyncio.ensure_future(work)
        key = (turn.live.id, message.id or b"") if turn.live is not None else None
        if key is not None:
            self._tasks[key] = task
        try:
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()
                return True
            await turn.end(error(message.id, CANCELLED), ResponseDetail.DOWNSTREAM_GONE)
            return False
        finally:
            task.cancel()
            if key is not None and self._tasks.get(key) is task:
                del self._tasks[key]

    async def cancel(self, session: str, id_: bytes) -> None:
        """A client wants no answer to a call of its session any more, wherever it runs."""
        if not self._cancel(session, id_):
            which = msgspec.msgpack.encode(_Which(session, id_))
            await self._neighbours.tell_all(_WORD, which)

    def _cancel(self, session: str, id_: bytes) -> bool:
        task = self._tasks.get((session, id_))
        if task is not None:
            task.cancel()
        return task is not None

    async def _heard(self, body: bytes, _: Say) -> None:
        which = _WHICH.decode(body)
        self._cancel(which.session, which.id)
