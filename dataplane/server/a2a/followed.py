"""What is asked about a task: how it is, to cancel it, to hear of it; and whether it may go on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dataplane.agents.a2a.listing import listed, page_of, told_page
from dataplane.agents.a2a.rpc import Asked, Code, Fault, Op
from dataplane.agents.a2a.telling import trimmed
from dataplane.agents.a2a.values import CANCELED, PAUSED, TERMINAL, Json, mapping, status, text
from dataplane.server.a2a.agents import A2aAgents
from dataplane.server.a2a.refusals import refused
from dataplane.server.a2a.tasks import LOOK_S, Kept, TaskBook, is_known

if TYPE_CHECKING:
    from dataplane.server.downstream import Call

WAIT_S = 5.0
"""For another worker to cancel a task."""


class TaskCalls:
    """One per worker."""

    def __init__(self, book: TaskBook, agents: A2aAgents, now: Callable[[], str]) -> None:
        """:param now: the time in RFC 3339."""
        self._book = book
        self._agents = agents
        self._now = now

    async def waiting(self, call: "Call", asked: Asked, message: Json) -> Kept | Fault | None:
        """The task that a message goes on with; None: it names none."""
        task_id = text(message.get("taskId"))
        if not task_id:
            return None
        kept = await self._book.find(call, task_id)
        if kept is None:
            return _unknown(asked, task_id)
        if _state(kept) not in PAUSED:
            said = f"Task {task_id[:64]} does not wait for a message: it is {_state(kept)}."
            return refused(asked, Code.UNSUPPORTED, said)
        named, context_id = text(message.get("contextId")), text(kept.task.get("contextId"))
        if named and named != context_id:
            said = f"Task {task_id[:64]} is not of context {named[:64]}."
            return refused(asked, Code.INVALID_PARAMS, said)
        return kept

    async def get(self, call: "Call", asked: Asked) -> Json | Fault:
        """A task as it is now."""
        running = self._book.running(call, asked.task_id)
        if running is not None and running.folded.task is not None:
            return running.folded.task
        kept = await self._book.find(call, asked.task_id)
        if kept is None:
            return _unknown(asked, asked.task_id)
        if kept.foreign and _state(kept) not in TERMINAL:
            task = await self._theirs(call, kept, Op.GET, asked.task_id)
            if task is not None:
                await self._book.keep(call, asked.task_id, replace(kept, task=task))
                return task
        return kept.task

    async def list(self, call: "Call", asked: Asked) -> Json | Fault:
        """The tasks of this caller as far as they are known here: agents are not asked."""
        wanted = asked.listing
        if not is_known(call) and not wanted.context_id:
            said = "Tasks of callers that show no credential are listed by `contextId` only."
            return refused(asked, Code.INVALID_PARAMS, said)
        lines = await self._book.listed(call, wanted.context_id)
        if lines is None:
            return refused(asked, Code.INTERNAL, "The store of tasks cannot be reached.")
        page = page_of(lines, wanted)
        tasks = []
        for task_id in page.ids:
            task = await self._known(call, task_id)
            if task is not None:
                tasks.append(trimmed(listed(task, wanted), asked.history_length))
        return told_page(page, tasks, wanted)

    async def _known(self, call: "Call", task_id: str) -> Json | None:
        running = self._book.running(call, task_id)
        if running is not None and running.folded.task is not None:
            return running.folded.task
        kept = await self._book.find(call, task_id)
        return kept.task if kept is not None else None

    async def cancel(self, call: "Call", asked: Asked) -> Json | Fault:
        """A task that nobody wants any more."""
        kept = await self._book.find(call, asked.task_id)
        if kept is None:
            return _unknown(asked, asked.task_id)
        if _state(kept) in TERMINAL:
            said = f"Task {asked.task_id[:64]} is over: {_state(kept)}."
            return refused(asked, Code.NOT_CANCELABLE, said)
        if kept.foreign:
            return await self._cancel_foreign(call, asked, kept)
        if _state(kept) in PAUSED:
            return await self._cancel_paused(call, asked, kept)
        running = self._book.running(call, asked.task_id)
        if running is not None:
            running.cancel()
        else:
            await self._book.ask_to_cancel(call, asked.task_id)
        return await self._until_over(call, asked, kept)

    async def _theirs(self, call: "Call", kept: Kept, op: Op, task_id: str) -> Json | None:
        return await self._agents.about(call, kept.agent, kept.version, op, task_id)

    async def _cancel_foreign(self, call: "Call", asked: Asked, kept: Kept) -> Json | Fault:
        task = await self._theirs(call, kept, Op.CANCEL, asked.task_id)
        if task is None:
            said = f"The agent did not cancel task {asked.task_id[:64]}."
            return refused(asked, Code.NOT_CANCELABLE, said)
        await self._book.keep(call, asked.task_id, replace(kept, task=task))
        return task

    async def _cancel_paused(self, call: "Call", asked: Asked, kept: Kept) -> Json:
        """A task of ours that nothing runs for: an agent waits, too, and is told."""
        paused = kept.paused
        if paused is not None and paused.theirs.task_id:
            theirs, agent = paused.theirs, paused.asking.agent
            await self._agents.about(call, agent, theirs.version, Op.CANCEL, theirs.task_id)
        task = kept.task | {"status": status(CANCELED, at=self._now())}
        await self._book.keep(call, asked.task_id, Kept(task, kept.agent))
        return task

    async def _until_over(self, call: "Call", asked: Asked, kept: Kept) -> Json | Fault:
        waited = 0.0
        while waited < WAIT_S:
            found = await self._book.find(call, asked.task_id) or kept
            if _state(found) in TERMINAL:
                if _state(found) == CANCELED:
                    return found.task
                said = f"Task {asked.task_id[:64]} is over: {_state(found)}."
                return refused(asked, Code.NOT_CANCELABLE, said)
            step = 0.01 if waited < 0.1 else LOOK_S / 5
            await asyncio.sleep(step)
            waited += step
        said = f"Task {asked.task_id[:64]} is not heard of any more."
        return refused(asked, Code.NOT_CANCELABLE, said)

    async def follow(self, call: "Call", asked: Asked) -> AsyncIterator[Json] | Fault:
        """The events of a task from now on."""
        kept = await self._book.find(call, asked.task_id)
        if kept is None:
            return _unknown(asked, asked.task_id)
        if _state(kept) in TERMINAL:
            said = f"Task {asked.task_id[:64]} is over: {_state(kept)}."
            return refused(asked, Code.UNSUPPORTED, said)
        return self._events(call, asked, kept)

    async def _events(self, call: "Call", asked: Asked, kept: Kept) -> AsyncIterator[Json]:
        running = self._book.running(call, asked.task_id)
        if running is not None:
            async for event in running.follow():
                yield event
            return
        yield {"task": kept.task}
        while True:
            await asyncio.sleep(LOOK_S)
            found = await self.get(call, asked)
            if isinstance(found, Fault):
                return
            if found != kept.task:
                kept = replace(kept, task=found)
                yield {"task": found}
            if _state(kept) in TERMINAL | PAUSED:
                return


def _state(kept: Kept) -> str:
    return text(mapping(kept.task.get("status")).get("state"))


def _unknown(asked: Asked, task_id: str) -> Fault:
    return refused(asked, Code.NO_TASK, f"There is no task {task_id[:64]}.")
