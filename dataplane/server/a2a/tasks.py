"""The tasks of A2A clients: those that run here, and what is kept of all.

Rule: a task is found by whose it is and its id, never by its id alone.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from dataplane.agents.a2a.listing import Line, line_of
from dataplane.agents.a2a.talk import Paused
from dataplane.agents.a2a.telling import Folded
from dataplane.agents.a2a.values import Json
from dataplane.server.a2a.agents import KEPT_S, tenant_of
from dataplane.server.perform import Memory
from dataplane.sessions.store import key_of

if TYPE_CHECKING:
    from dataplane.server.downstream import Call

LOOK_S = 0.5
"""How often a worker looks whether another one was told to cancel a task of its own."""
_CANCEL_S = 600.0


class Kept(msgspec.Struct):
    """What is kept of a task."""

    task: Json
    agent: str = ""
    """Who answered it."""
    foreign: bool = False
    """Whether it is the agent's own task: the agent knows better how it is."""
    version: str = ""
    """Of who answered it, where it has several."""
    paused: Paused | None = None
    """Where its run has stopped, while it waits for the client."""


_KEPT = msgspec.json.Decoder(Kept)
_LINE = msgspec.json.Decoder(Line)


@dataclass(slots=True, eq=False)
class Running:
    """A task that runs in this worker."""

    work: "asyncio.Task[None] | None" = None
    cancelled: bool = False
    folded: Folded = field(default_factory=Folded)
    """What has been told so far."""
    events: list[Json] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, event: Json) -> None:
        """One more event."""
        self.events.append(event)
        self.folded.feed(event)
        news, self.news = self.news, asyncio.Event()
        news.set()

    def end(self) -> None:
        """No more."""
        self.done.set()
        self.news.set()

    def cancel(self) -> None:
        """Have it stop."""
        self.cancelled = True
        if self.work is not None:
            self.work.cancel()

    async def follow(self) -> AsyncIterator[Json]:
        """The task as it is, and its events as they come."""
        at = len(self.events)
        task = self.folded.task
        if task is not None:
            yield {"task": task}
        while True:
            news = self.news
            while at < len(self.events):
                at += 1
                yield self.events[at - 1]
            if self.done.is_set():
                return
            await news.wait()


class TaskBook:
    """One per worker.

    Tasks are listed by whose they are; those of nobody in particular by their contexts, since who
    can name a context is in it (see A2aListener) and nobody else is.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._running: dict[str, Running] = {}

    def running(self, call: "Call", task_id: str) -> Running | None:
        """A task that runs here."""
        return self._running.get(_key(call, task_id))

    async def begin(self, call: "Call", task_id: str, running: Running, kept: Kept) -> None:
        """A task runs from now on."""
        self._running[_key(call, task_id)] = running
        await self._put(call, task_id, kept)

    async def end(self, call: "Call", task_id: str, kept: Kept) -> None:
        """It runs no more."""
        await self._put(call, task_id, kept)
        self._running.pop(_key(call, task_id), None)

    async def find(self, call: "Call", task_id: str) -> Kept | None:
        """What is kept of a task of this caller."""
        found = await self._memory.recall(_key(call, task_id))
        if found is None:
            return None
        try:
            return _KEPT.decode(found)
        except msgspec.MsgspecError:
            return None

    async def keep(self, call: "Call", task_id: str, kept: Kept) -> None:
        """It is so now."""
        await self._put(call, task_id, kept)

    async def listed(self, call: "Call", context_id: str) -> list[Line] | None:
        """What there is to list for this caller; None: nobody can tell."""
        found = await self._memory.lines(_list_key(call, context_id))
        if found is None:
            return None
        lines = {line.id: line for line in map(_line, found) if line is not None}
        for id_ in lines:  # of those that run here more is known
            running = self.running(call, id_)
            if running is not None and running.folded.task is not None:
                lines[id_] = line_of(running.folded.task)
        return list(lines.values())

    async def ask_to_cancel(self, call: "Call", task_id: str) -> None:
        """For the worker that it runs in."""
        key = _key(call, task_id, "cancel")
        await self._memory.remember(key, b"1", _CANCEL_S)

    async def watch(self, call: "Call", task_id: str, running: Running) -> None:
        """Cancel a task of ours when another worker was told to."""
        while not running.done.is_set():
            await asyncio.sleep(LOOK_S)
            if await self._memory.recall(_key(call, task_id, "cancel")):
                running.cancel()
                return

    async def _put(self, call: "Call", task_id: str, kept: Kept) -> None:
        await self._memory.remember(_key(call, task_id), msgspec.json.encode(kept), KEPT_S)
        line = line_of(kept.task | {"id": task_id})
        book = _list_key(call, line.context_id)
        await self._memory.note(book, task_id, msgspec.json.encode(line), KEPT_S)


def is_known(call: "Call") -> bool:
    """Whether a caller says who it is, in one way or another."""
    return bool(call.tenant(""))


def _list_key(call: "Call", context_id: str) -> str:
    return key_of("a2a-tasks", tenant_of(call), "" if is_known(call) else context_id)


def _line(data: bytes) -> Line | None:
    try:
        return _LINE.decode(data)
    except msgspec.MsgspecError:
        return None


def _key(call: "Call", task_id: str, what: str = "task") -> str:
    return key_of(f"a2a-{what}", tenant_of(call), task_id)
