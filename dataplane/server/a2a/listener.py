"""An agent listener as an A2A agent: card, messages, tasks. Read this file first.

A message becomes a chat request, goes among the listener's agents as every other one does, and the
answer is told as the events of a task (answer.py). A client that leaves takes its task along.

Rule: what is told of a task is kept before its end is told, so whoever asks next hears the same.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from dataplane.agents.a2a.doors import CARDS, base_of, rest_path
from dataplane.agents.a2a.own_card import own_card
from dataplane.agents.a2a.rpc import Asked, Code, Fault, Op, fault_body, read_rest, read_rpc, result
from dataplane.agents.a2a.tag import etag_of, names_tag
from dataplane.agents.a2a.talk import CONTEXT, Context, Talk, chat_body, grown
from dataplane.agents.a2a.telling import Telling, trimmed
from dataplane.agents.a2a.values import ENCODER, Json, message, text
from dataplane.agents.progress import NEVER
from dataplane.clock import Clock
from dataplane.runtime.config import RuntimeConfig
from dataplane.runtime.headers import AFFINITY
from dataplane.runtime.messages import Headers, LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import CHAT_PATH
from dataplane.server.a2a.agents import KEPT_S, A2aAgents, tenant_of
from dataplane.server.a2a.answer import TaskAnswer
from dataplane.server.a2a.followed import TaskCalls
from dataplane.server.a2a.refusals import refused, told_fault
from dataplane.server.a2a.tasks import Kept, Running, TaskBook
from dataplane.server.downstream import Call, Downstream, DownstreamGoneError
from dataplane.server.perform import Memory
from dataplane.server.surface import CHAT_ASK, nothing_at, only
from dataplane.sessions.store import key_of
from dataplane.tasks import Tasks

if TYPE_CHECKING:
    from dataplane.runtime.auth import CardSigning
    from dataplane.server.a2a.signing import CardSigner

JSON: Headers = (("content-type", "application/json"),)
_STREAM: Headers = (("content-type", "text/event-stream"), ("cache-control", "no-cache"))
PATIENCE_S = 0.2
"""For an agent to say that it has begun a task, before we begin one in its place."""
Ask = Callable[[Call, Downstream], Awaitable[None]]
"""Has a chat request answered by the listener's agents."""


class A2aListener:
    """Answers what is asked in A2A. One per worker."""

    def __init__(self, ask: Ask, agents: A2aAgents, memory: Memory, clock: Clock) -> None:
        self._ask = ask
        self._agents = agents
        self._memory = memory
        self._clock = clock
        self._book = TaskBook(memory)
        self._calls = TaskCalls(self._book, agents, self.now)
        self._signers: dict[CardSigning, CardSigner] = {}
        self._newest = self._signers
        """Those of the last configuration."""
        self.tasks = Tasks()

    def configure(self, config: RuntimeConfig) -> None:
        """Get the keys of a new configuration. Raises UnusableFilesError with nothing changed."""
        every = (one.card_signing for one in config.listeners.values())
        wanted = {one for one in every if one is not None}
        if wanted:
            # 10 MB and 0.1 s of cryptography, for those who need it
            from dataplane.server.a2a.signing import signers

            # Requests of the configuration before may still be under way.
            newest = signers(wanted, self._signers)
            self._signers, self._newest = self._newest | newest, newest

    async def close(self) -> None:
        """Tasks that nobody waits for end with the worker."""
        await self.tasks.close()

    async def run(self, call: Call, downstream: Downstream) -> None:
        """Answer one request."""
        request = call.request
        if request.path in CARDS:
            downstream.reply(self._card(call))
            return
        version = request.header("a2a-version") or ""
        below = rest_path(request.path)
        asked: Asked | Fault | None
        if below:
            asked = read_rest(request.method, below, request.query, request.body, version)
        elif request.method == "POST":
            asked = read_rpc(request.body, version)
        else:
            downstream.reply(only(request.method, request.path, ("POST",)))
            return
        if asked is None:
            downstream.reply(nothing_at(request.path))
        elif isinstance(asked, Fault):
            downstream.reply(told_fault(asked))
        elif asked.op in (Op.SEND, Op.STREAM):
            await self._send(call, asked, downstream)
        elif asked.op is Op.SUBSCRIBE:
            await self._subscribe(call, asked, downstream)
        else:
            downstream.reply(await self._about(call, asked))

    def _card(self, call: Call) -> LocalReply:
        if call.request.method != "GET":
            return only(call.request.method, call.request.path, ("GET",))
        return _card_reply(call, self._own_card(call))

    def _own_card(self, call: Call) -> Json:
        auth = call.listener.auth
        known = auth is None or not auth.required or call.principal is not None
        listener = call.listener
        base = listener.public_url or base_of(call.request.header, tls=listener.tls is not None)
        card = own_card(listener, self._agents.cards(), base, known_caller=known)
        if listener.card_signing is None:
            return card
        return self._signers[listener.card_signing].signed(card)

    async def _about(self, call: Call, asked: Asked) -> LocalReply:
        """What needs no agent to be asked anything."""
        match asked.op:
            case Op.CARD:
                found: Json | Fault = self._own_card(call)
            case Op.GET:
                found = await self._calls.get(call, asked)
            case Op.CANCEL:
                found = await self._calls.cancel(call, asked)
            case Op.LIST:
                found = await self._calls.list(call, asked)
            case _:
                found = refused(asked, Code.NO_PUSH, "Push notifications are not sent from here.")
        if isinstance(found, Fault):
            return told_fault(found)
        if asked.op in (Op.GET, Op.CANCEL):
            found = trimmed(found, asked.history_length)
        return LocalReply(200, "", ResponseDetail.LOCAL, JSON, result(asked, found))

    async def _subscribe(self, call: Call, asked: Asked, downstream: Downstream) -> None:
        found = await self._calls.follow(call, asked)
        if isinstance(found, Fault):
            downstream.reply(told_fault(found))
            return
        downstream.start(200, _STREAM)
        async for event in found:
            await downstream.write(_event(asked, event))
        downstream.finish()

    # -- messages

    async def _send(self, call: Call, asked: Asked, downstream: Downstream) -> None:
        kept = await self._calls.waiting(call, asked, asked.message or {})
        if isinstance(kept, Fault):
            downstream.reply(told_fault(kept))
            return
        talk = await self._talk(call, asked, kept)
        exchange = _Exchange(self, call, talk, downstream)
        if asked.op is Op.SEND and (asked.configuration or {}).get("returnImmediately") is True:
            await exchange.run_on(self.tasks)
        else:
            await exchange.run()

    async def _talk(self, call: Call, asked: Asked, kept: Kept | None) -> Talk:
        """:param kept: the task that it goes on with."""
        named = text((asked.message or {}).get("contextId"))
        if kept is not None:
            named = named or text(kept.task.get("contextId"))
        if not named:
            return Talk(asked, self.new_id(), Context())
        found = await self._memory.recall(self._context_key(call, named))
        context = Context()
        if found is not None:
            try:
                context = CONTEXT.decode(found)
            except msgspec.MsgspecError:
                context = Context()
        if kept is None:
            return Talk(asked, named, context)
        task = {} if kept.foreign else kept.task
        return Talk(asked, named, context, task, kept.paused)

    async def remember(self, call: Call, talk: Talk, answer: TaskAnswer) -> None:
        """What was said, for the next turn of the context."""
        agents = call.record.agents
        said = "".join(answer.telling.said)
        value = grown(talk, agents[-1] if agents else "", said)
        key = self._context_key(call, answer.telling.context_id)
        await self._memory.remember(key, value, KEPT_S)

    @staticmethod
    def _context_key(call: Call, context_id: str) -> str:
        return key_of("a2a-context", tenant_of(call), context_id)

    def new_id(self) -> str:
        """Unique."""
        return self._agents.new_id()

    def now(self) -> str:
        """The time in RFC 3339."""
        at = datetime.fromtimestamp(self._clock.wall(), UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    async def ask(self, call: Call, downstream: Downstream) -> None:
        """Have the agents answer."""
        await self._ask(call, downstream)

    @property
    def book(self) -> TaskBook:
        """The tasks."""
        return self._book


class _Exchange:
    """One message and its answer."""

    def __init__(
        self, listener: A2aListener, call: Call, talk: Talk, downstream: Downstream
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
            progress=NEVER,
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
        agents = self._call.record.agents
        paused = self._talk.outcome.paused
        return Kept(task, agents[-1] if agents else "", self._answer.telling.is_raw, paused)

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
            await self._downstream.write(_event(self._asked, event))

    def _start(self) -> None:
        if not self._started:
            self._started = True
            self._downstream.start(200, (*_ours(self._answer.headers), *_STREAM))

    async def _finish(self) -> None:
        answer = self._answer
        if answer.telling.error is not None:
            self._fail(answer.telling.error)
        elif self._streams:
            self._start()
            last = b"".join(_event(self._asked, event) for event in answer.due)
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


def _event(asked: Asked, event: Json) -> bytes:
    return b"data: %b\n\n" % result(asked, event)


def _ours(headers: Headers) -> Headers:
    """What of an answer's head goes with ours."""
    return tuple(one for one in headers if one[0].lower().startswith(("x-outrider-", "retry-")))


def _card_reply(call: Call, card: Json) -> LocalReply:
    """A card, or that the client has it already."""
    body, etag = ENCODER.encode(card), etag_of(card)
    headers = (
        *JSON,
        ("cache-control", "private, max-age=60"),
        ("vary", "authorization"),
        ("etag", etag),
    )
    known = names_tag(call.request.header("if-none-match") or "", etag)
    return LocalReply(304 if known else 200, "", ResponseDetail.LOCAL, headers, body)
