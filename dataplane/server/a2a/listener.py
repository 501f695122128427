"""An agent listener as an A2A agent: card, messages, tasks. Read this file first.

A message becomes a chat request, goes among the listener's agents as every other one does, and the
answer is told as the events of a task (answer.py). A client that leaves takes its task along.

Rule: what is told of a task is kept before its end is told, so whoever asks next hears the same.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from dataplane.agents.a2a.doors import CARDS, base_of, rest_path
from dataplane.agents.a2a.own_card import own_card
from dataplane.agents.a2a.rpc import Asked, Code, Fault, Op, read_rest, read_rpc, result
from dataplane.agents.a2a.tag import etag_of, names_tag
from dataplane.agents.a2a.talk import CONTEXT, Context, Talk, grown
from dataplane.agents.a2a.telling import trimmed
from dataplane.agents.a2a.values import ENCODER, Json, text
from dataplane.clock import Clock
from dataplane.runtime.config import RuntimeConfig
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.a2a.agents import KEPT_S, A2aAgents, tenant_of
from dataplane.server.a2a.answer import TaskAnswer
from dataplane.server.a2a.followed import TaskCalls
from dataplane.server.a2a.message_exchange import JSON, STREAM, MessageExchange, written
from dataplane.server.a2a.refusals import refused, told_fault
from dataplane.server.a2a.tasks import Kept, TaskBook
from dataplane.server.downstream import Call, Downstream
from dataplane.server.perform import Memory
from dataplane.server.surface import nothing_at, only
from dataplane.sessions.store import key_of
from dataplane.tasks import Tasks

if TYPE_CHECKING:
    from dataplane.runtime.auth import CardSigning
    from dataplane.server.a2a.signing import CardSigner

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
        downstream.start(200, STREAM)
        async for event in found:
            await downstream.write(written(asked, event))
        downstream.finish()

    # -- messages

    async def _send(self, call: Call, asked: Asked, downstream: Downstream) -> None:
        kept = await self._calls.waiting(call, asked, asked.message or {})
        if isinstance(kept, Fault):
            downstream.reply(told_fault(kept))
            return
        talk = await self._talk(call, asked, kept)
        exchange = MessageExchange(self, call, talk, downstream)
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
