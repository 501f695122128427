"""A2A agents asked as every other agent is: one question, one answer, and what they know kept.

Rule: whoever leaves takes the agent's task along: what still runs is cancelled.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import msgspec

from dataplane.agents.a2a.asking import (
    EVENT_STREAM,
    Place,
    about,
    candidates,
    digest,
    question,
    send,
)
from dataplane.agents.a2a.card import Card
from dataplane.agents.a2a.hearing import Hearing, error_event, read_event, read_task
from dataplane.agents.a2a.rpc import Op
from dataplane.agents.a2a.talk import Waiting
from dataplane.agents.a2a.values import PAUSED, Json, text
from dataplane.agents.described import Unknown
from dataplane.agents.versions import chosen
from dataplane.clock import Clock
from dataplane.llm.chat import ChatRequest, parse_chat
from dataplane.llm.hub.answer import Failure
from dataplane.llm.sse import SseDecoder, SseError
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.agents import Agent
from dataplane.runtime.config import Cluster
from dataplane.runtime.decision import Turn
from dataplane.runtime.effects import CallFailed
from dataplane.runtime.headers import for_services
from dataplane.runtime.messages import Headers, LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import Protocol
from dataplane.server.a2a.cards import Cards
from dataplane.server.perform import Memory
from dataplane.sessions.store import key_of
from dataplane.tasks import Tasks
from dataplane.upstream.asked import Asked
from dataplane.upstream.client import Answer, UpstreamClient
from dataplane.upstream.errors import Phase, UpstreamError, UpstreamFailure

if TYPE_CHECKING:
    from dataplane.agents.a2a.talk import Talk
    from dataplane.agents.session import Asking
    from dataplane.server.downstream import Call

log = logging.getLogger(__name__)

CANCEL_TIMEOUT_S = 5.0
FIRST_POLL_S = 0.1
LONGEST_POLL_S = 2.0
KEPT_S = 24 * 3600.0
"""How long it is known where a conversation stands with an agent."""
MAX_BODY_BYTES = 32 * 1024 * 1024
_CHAT = CODECS[Protocol.CHAT]


class _Kept(msgspec.Struct):
    context_id: str
    task_id: str = ""


_KEPT = msgspec.json.Decoder(_Kept)


class A2aAgents:
    """How agents of `protocol: a2a` are asked. One per worker."""

    def __init__(
        self, client: UpstreamClient, cards: Cards, memory: Memory, clock: Clock, random: Random
    ) -> None:
        self.client = client
        self.clock = clock
        self._cards = cards
        self._memory = memory
        self._random = random
        self._tasks = Tasks()

    async def close(self) -> None:
        """What is on its way gets there."""
        await self._tasks.drained()

    async def asking(
        self, call: "Call", agent: Agent, request: Request, *, stream: bool
    ) -> "TaskQuestion | LocalReply":
        """A question, made ready; a refusal when the agent cannot be asked at all."""
        chat = parse_chat(request.body)
        if isinstance(chat, LocalReply):
            return chat
        card = await self._cards.of(agent)
        if isinstance(card, Unknown):
            return LocalReply(502, f"{card.reason}.", ResponseDetail.AGENT_FAILED)
        talk = call.a2a
        given = talk.asked if talk is not None else None
        is_theirs = talk is not None and not talk.task and stream
        turns = self._turns(call)
        place = await self._place(call, agent, turns)
        told = question(chat, place, self.new_id(), given)
        streams = card.streams and (stream or given is not None)
        made = send(card, request, told, given, self.new_id(), stream=streams)
        cluster = call.config.clusters[agent.cluster]
        hearing = Hearing(self.new_id(), int(self.clock.wall()), agent.id, raw=is_theirs)
        trip = _Trip(cluster, card, request.headers, stream, hearing)
        return TaskQuestion(self, call, agent, made, trip, turns)

    def cards(self) -> Mapping[str, Card]:
        """What is known of the agents."""
        return self._cards.all()

    async def about(
        self, call: "Call", agent_id: str, version: str, op: Op, task_id: str
    ) -> Json | None:
        """An agent's task, looked up or cancelled; None: it does not say.

        :param version: that has the task, where the agent has several.
        """
        agent = call.config.agents.get(agent_id)
        if agent is None:
            return None
        agent = chosen(agent, task_id, version)
        card = await self._cards.of(agent)
        if isinstance(card, Unknown):
            return None
        request = about(card, for_services(call.request.headers), op, task_id, self.new_id())
        cluster = call.config.clusters[agent.cluster]
        reply = await self.client.call(cluster, request, CANCEL_TIMEOUT_S)
        if isinstance(reply, CallFailed):
            return None
        task = read_task(reply.body, card.interface)
        return None if isinstance(task, Failure) else task

    def new_id(self) -> str:
        """Unique."""
        return f"{self._random.getrandbits(128):032x}"

    def cancel(self, asking: "TaskQuestion") -> None:
        """Nobody waits for a task any more."""
        hearing = asking.trip.hearing
        if hearing.task_id and not hearing.over:
            self._tasks.start(self._cancel(asking.trip), name="cancel task")

    async def _cancel(self, trip: "_Trip") -> None:
        task_id = trip.hearing.task_id
        request = about(trip.card, trip.headers, Op.CANCEL, task_id, self.new_id())
        reply = await self.client.call(trip.cluster, request, CANCEL_TIMEOUT_S)
        if isinstance(reply, CallFailed) or reply.status >= 400:
            log.warning("task %s of %s could not be cancelled", task_id[:64], trip.cluster.name)

    async def keep(self, asking: "TaskQuestion") -> None:
        """Remember where the conversation stands: its next turn goes on there."""
        hearing = asking.trip.hearing
        call, agent = asking.call, asking.agent
        if call.a2a is not None:
            # its clients say themselves where they are, but in tasks of ours
            if hearing.state in PAUSED:
                theirs = Waiting(hearing.context_id, hearing.task_id, agent.version)
                call.a2a.outcome.waiting[agent.id] = theirs
            return
        if not hearing.context_id:
            return
        task_id = hearing.task_id if hearing.state in PAUSED else ""
        after = (*asking.turns, Turn("assistant", hearing.answer, ""))
        value = msgspec.json.encode(_Kept(hearing.context_id, task_id))
        await self._memory.remember(_key(call, agent, digest(after)), value, KEPT_S)
        if task_id and call.record.session:
            # what the client has of the answer may be more than what this agent said
            await self._memory.remember(_key_of_session(call, agent), value, KEPT_S)

    async def _place(self, call: "Call", agent: Agent, turns: tuple[Turn, ...]) -> Place:
        talk = call.a2a
        if talk is not None:
            return _place_in(talk, agent, call.resumes)
        for heard, said in candidates(turns):
            kept = await self._kept(_key(call, agent, said))
            if kept is not None:
                return Place(kept.context_id, kept.task_id, heard)
        if call.resumes is not None and call.resumes.agent == agent.id:
            kept = await self._kept(_key_of_session(call, agent))
            if kept is not None:
                return Place(kept.context_id, kept.task_id, len(turns) - 1)
        return Place()

    async def _kept(self, key: str) -> _Kept | None:
        found = await self._memory.recall(key)
        try:
            return _KEPT.decode(found) if found is not None else None
        except msgspec.MsgspecError:
            return None

    @staticmethod
    def _turns(call: "Call") -> tuple[Turn, ...]:
        """The conversation as the client has it, without what agents add to it."""
        chat = parse_chat(call.request.body)
        return chat.turns if isinstance(chat, ChatRequest) else ()


@dataclass(slots=True)
class _Trip:
    """One question on its way."""

    cluster: Cluster
    card: Card
    headers: Headers
    stream: bool
    """Whether the answer is wanted as a streamed chat completion."""
    hearing: Hearing


@dataclass(slots=True)
class TaskQuestion:
    """Implements Reading (server/heard.py)."""

    agents: A2aAgents
    call: "Call"
    agent: Agent
    request: Request
    trip: _Trip
    turns: tuple[Turn, ...]

    @property
    def is_live(self) -> bool:
        """A client of A2A sees each event as it comes, also those that say nothing yet."""
        return self.call.a2a is not None and self.trip.stream

    def opened(
        self, client: UpstreamClient, cluster: Cluster, asked: Asked
    ) -> AbstractAsyncContextManager[Answer]:
        """See Reading."""
        return client.open(cluster, self.request, asked)

    def read(self, answer: Answer) -> "HeardTask":
        """See Reading."""
        return HeardTask(self, answer)

    def close(self) -> None:
        """See Reading."""
        self.agents.cancel(self)


class HeardTask:
    """Implements Answered (server/heard.py): the answer of an A2A agent, read in chat."""

    def __init__(self, asking: TaskQuestion, answer: Answer) -> None:
        self._asking = asking
        self._answer = answer
        self._trip = asking.trip
        self.status = answer.status
        self.endpoint = answer.endpoint
        self.attempts = answer.attempts
        named = {name.lower(): value.lower() for name, value in answer.headers}
        self._is_stream = named.get("content-type", "").startswith(EVENT_STREAM)
        self._is_good = 200 <= answer.status < 300
        as_stream = self._trip.stream and self._is_good
        kind = EVENT_STREAM if as_stream else "application/json"
        kept = (one for one in answer.headers if one[0].lower() == "retry-after")
        self.headers: Headers = (*kept, ("content-type", kind))

    async def pieces(self) -> AsyncIterator[bytes]:
        """See Answered."""
        trip = self._trip
        hearing = trip.hearing
        if not self._is_good:
            yield self._refusal(b"".join([piece async for piece in self._answer.pieces()]))
            return
        async for event in self._events():
            failure = event if isinstance(event, Failure) else None
            out = b"" if isinstance(event, Failure) else hearing.feed(event)
            failure = failure or hearing.failure
            if failure is not None:
                hearing.over = True
                yield self._failed(failure, out)
                return
            if hearing.over:
                if hearing.state in PAUSED:
                    self._asking.call.record.asks = self._asking.agent.id
                await self._asking.agents.keep(self._asking)
                yield out if trip.stream else hearing.whole()
                return
            if out and trip.stream:
                yield out
        raise UpstreamError(_UNFINISHED)

    def _failed(self, failure: Failure, out: bytes) -> bytes:
        if self._trip.stream:
            return out or error_event(failure)
        self.status = failure.status
        return _CHAT.write_error(failure)

    def _refusal(self, body: bytes) -> bytes:
        found = read_event(body, self._trip.card.interface)
        if isinstance(found, Failure) and found.code:
            failure = Failure(self.status, found.message, code=found.code)
        else:
            failure = _CHAT.read_error(self.status, body)
        if self.status < 400:
            self.status = 502
        return _CHAT.write_error(failure)

    async def _events(self) -> AsyncIterator[Json | Failure]:
        """What the agent says: as it comes, and where that ends early, when it is asked."""
        hearing = self._trip.hearing
        try:
            async for event in self._said():
                yield event
        except UpstreamError:
            if not hearing.task_id:
                raise
        wait_s = FIRST_POLL_S
        while hearing.task_id and not hearing.over:
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, LONGEST_POLL_S)
            yield await self._looked_up()

    async def _said(self) -> AsyncIterator[Json | Failure]:
        interface = self._trip.card.interface
        if not self._is_stream:
            body = bytearray()
            async for piece in self._answer.pieces():
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    yield Failure(502, "The agent's answer is too large.")
                    return
            yield read_event(bytes(body), interface)
            return
        decoder = SseDecoder(MAX_BODY_BYTES)
        async for piece in self._answer.pieces():
            try:
                events = decoder.feed(piece)
            except SseError as problem:
                yield Failure(502, f"The agent's answer cannot be read: {problem}.")
                return
            for event in events:
                if event.data:
                    yield read_event(event.data, interface)

    async def _looked_up(self) -> Json | Failure:
        """The task as it is now."""
        trip, agents = self._trip, self._asking.agents
        request = about(trip.card, trip.headers, Op.GET, trip.hearing.task_id, agents.new_id())
        reply = await agents.client.call(trip.cluster, request)
        if isinstance(reply, CallFailed):
            raise UpstreamError(UpstreamFailure(Phase.ANSWER, reply.detail, reply.message))
        task = read_task(reply.body, trip.card.interface)
        return task if isinstance(task, Failure) else {"task": task}


def _place_in(talk: "Talk", agent: Agent, resumes: "Asking | None") -> Place:
    """Where a client of A2A is with an agent."""
    paused, heard = talk.paused, len(talk.context.messages)
    asked = resumes is not None and resumes.agent == agent.id
    if asked and paused is not None and talk.task:
        return Place(paused.theirs.context_id, paused.theirs.task_id, heard)
    mine = talk.context.agent == agent.id or asked
    task_id = "" if talk.task else text(talk.message.get("taskId"))
    context_id = talk.context_id if talk.names_context else ""
    return Place(context_id, task_id if mine else "", heard if mine else 0)


def _key(call: "Call", agent: Agent, said: str) -> str:
    return key_of("a2a", tenant_of(call), f"{agent.id}:{said}")


def _key_of_session(call: "Call", agent: Agent) -> str:
    return key_of("a2a-asks", tenant_of(call), f"{agent.id}:{call.record.session}")


def tenant_of(call: "Call") -> str:
    """Whose a conversation is."""
    return f"{call.listener.name}\n{call.tenant('')}"


_UNFINISHED = UpstreamFailure(
    Phase.ANSWER, ResponseDetail.UPSTREAM_TRUNCATED, "it ended without an answer"
)
