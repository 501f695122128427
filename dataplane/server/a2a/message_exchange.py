"""One message of a client that speaks A2A, and its answer, which is a task (or the agent's own).

Rule: what is told of a task is kept before its end is told, so whoever asks next hears the same.
"""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from dataplane.agents.a2a.rpc import Asked, Code, Fault, Op, fault_body, result
from dataplane.agents.a2a.talk import Talk, chat_body
from dataplane.agents.a2a.telling import Telling, trimmed
from dataplane.agents.a2a.values import Json, message, text
from dataplane.agents.progress import COMMENTS, EVENTS, NEVER
from dataplane.runtime.headers import AFFINITY
from dataplane.runtime.messages import Headers, LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import CHAT_PATH
from dataplane.server.a2a.answer import TaskAnswer
from dataplane.server.a2a.tasks import Kept, Running
from dataplane.server.downstream import Call, Downstream, DownstreamGoneError
from dataplane.server.surface import CHAT_ASK
from dataplane.tasks import Tasks

if TYPE_CHECKING:
    from dataplane.server.a2a.listener import A2aListener

JSON: Headers = (("content-type", "application/json"),)
STREAM: Headers = (("content-type", "text/event-stream"), ("cache-control", "no-cache"))
PATIENCE_S = 0.2
"""For an agent to say that it has begun a task, before we begin one in its place."""


class MessageExchange:
    """One message and its answer."""

    def __init__(
        self, listener: "A2aListener", call: Call, talk: Talk, downstream: Downstream
    ) -> None:
        self._listener = listener
        body = chat_body(talk)
        headers = call.request.headers
        if call.request.header(AFFINITY) is None:  # a context is a conversation
            headers = (*headers, (AFFINITY, talk.session))
        chat = Request("POST", CHAT_PATH, headers, body)
        self._call = call
        self._chat = replace(
            call,
            ask=CHAT_ASK,
            request=chat,
            a2a=talk,
            progress=_progress(call, talk),
            resumes=talk.paused.asking if talk.paused is not None else None,
        )
        self._talk = talk
        self._asked = talk.asked
        self._downstream = downstream
        self._streams = talk.asked.op is Op.STREAM
        self._started = False
        self._running = Running()
        self._begun = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        told = talk.message
        asked = message("user", text(told.get("messageId")), told.get("parts") or [])
        telling = Telling(
            told | asked,
            talk.context_id,
            listener.new_id,
            listener.now,
            talk.task,
            lambda: bool(call.record.asks),
        )
        self._answer = TaskAnswer(self._chat, telling, self._tell)

    async def run(self) -> None:
        """To the end; cancelled when the client leaves."""
        await self._work()
        await self._finish()

    async def run_on(self, tasks: Tasks) -> None:
        """To the first word of a task, which then goes on without the client."""
        self._streams = False
        work = tasks.start(self._work_within(), name="A2A task")
        begun = tasks.start(self._begun.wait(), name="A2A task begins")
        try:
            both = (work, begun)
            await asyncio.wait(both, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and not self._begun.is_set():
                events = self._answer.telling.begin()
                for event in events:  # all of it first: what is kept as the task begins is true
                    self._answer.folded.feed(event)
                for event in events:
                    await self._tell(event)
        except asyncio.CancelledError:
            work.cancel()
            raise
        finally:
            begun.cancel()
        if work.done():
            await self._finish()
        else:
            self._reply_result()

    async def _work_within(self) -> None:
        seconds = self._call.listener.timeout_s
        try:
            async with asyncio.timeout(seconds):
                await self._work()
        except TimeoutError:
            pass  # told by the task's state

    async def _work(self) -> None:
        """Have it answered, in a task of its own so that it can be cancelled by others."""
        running, listener = self._running, self._listener
        running.work = work = listener.tasks.start(
            listener.ask(self._chat, self._answer), name="A2A answer"
        )
        try:
            try:
                await work
            except (asyncio.CancelledError, DownstreamGoneError):
                work.cancel()
                await asyncio.wait((work,))
                if not self._answer.stopped:
                    self._answer.settle(self._answer.telling.cancel())
                    if not running.cancelled:
                        await self._keep()
                        raise
            await self._answer.close()
            await self._keep()
        finally:
            for event in self._answer.due:
                running.tell(event)
            running.end()
            if self._watch is not None:
                self._watch.cancel()

    async def _keep(self) -> None:
        answer = self._answer
        task = answer.folded.task
        if task is not None:
            kept = self._kept(task)
            await self._listener.book.end(self._chat, answer.telling.task_id, kept)
        if answer.telling.error is None:
            await self._listener.remember(self._chat, self._talk, answer)

    def _kept(self, task: Json) -> Kept:
        record = self._call.record
        agents = record.agents
        last = agents[-1] if agents else ""
        labels = (one.partition("@") for one in reversed(record.versions))
        version = next((version for id_, _, version in labels if id_ == last), "")
        paused = self._talk.outcome.paused
        return Kept(task, last, self._answer.telling.is_raw, version, paused)

    async def _tell(self, event: Json) -> None:
        """An event that does not end the task."""
        telling = self._answer.telling
        if not self._begun.is_set() and telling.task_id:
            task = self._answer.folded.task
            if task is not None:
                begin = self._listener.book.begin
                await begin(self._chat, telling.task_id, self._running, self._kept(task))
                watch = self._listener.book.watch(self._chat, telling.task_id, self._running)
                self._watch = self._listener.tasks.start(watch, name="A2A cancels")
            self._begun.set()
        self._running.tell(event)
        if self._streams:
            self._start()
            await self._downstream.write(written(self._asked, event))

    def _start(self) -> None:
        if not self._started:
            self._started = True
            self._downstream.start(200, (*_ours(self._answer.headers), *STREAM))

    async def _finish(self) -> None:
        answer = self._answer
        if answer.telling.error is not None:
            self._fail(answer.telling.error)
        elif self._streams:
            self._start()
            last = b"".join(written(self._asked, event) for event in answer.due)
            self._downstream.finish(last)
        else:
            self._reply_result()

    def _reply_result(self) -> None:
        answer = self._answer
        value = answer.folded.result() or {}
        if "task" in value:
            value = {"task": trimmed(value["task"], self._asked.history_length)}
        headers = (*_ours(answer.headers), *JSON)
        body = result(self._asked, value)
        self._downstream.reply(LocalReply(200, "", ResponseDetail.VIA_UPSTREAM, headers, body))

    def _fail(self, error: Json) -> None:
        """There is no task that could say so."""
        answer = self._answer
        code = text(error.get("code"))
        number = int(code) if code.removeprefix("-").isdigit() else None
        said = text(error.get("message")) or "The agent failed."
        fault = Fault(Code.INTERNAL, said, self._asked.binding, self._asked.id, number)
        status = answer.status if answer.status >= 400 else 502
        if self._started:
            self._downstream.abort(b"data: %b\n\n" % fault_body(fault))
            return
        headers = (*_ours(answer.headers), *JSON)
        known = number is not None and number < 0
        self._downstream.reply(
            LocalReply(200 if known else status, "", answer.detail, headers, fault_body(fault))
        )


def _progress(call: Call, talk: Talk) -> str:
    """What a client hears of a run: a stream of A2A has no place for comments."""
    if talk.asked.op is not Op.STREAM:
        return NEVER
    return EVENTS if call.progress == COMMENTS else call.progress


def written(asked: Asked, event: Json) -> bytes:
    """An event of a stream."""
    return b"data: %b\n\n" % result(asked, event)


def _ours(headers: Headers) -> Headers:
    """What of an answer's head goes with ours."""
    return tuple(one for one in headers if one[0].lower().startswith(("x-outrider-", "retry-")))
