"""One run of agents carried out: each of them asked, several at once, the last one passed on.

Rule: nothing of a run outlives it. To cancel it, as when the client leaves, cuts every call that is
under way.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import msgspec

from dataplane.agents.run import Run
from dataplane.agents.spoken import InOrder, Spoken, spoken, texts_of
from dataplane.clock import Clock
from dataplane.llm.translate.codecs import CODECS
from dataplane.llm.usage import TAIL_BYTES, usage_in_tail
from dataplane.observe import spans
from dataplane.observe.record import ExchangeRecord
from dataplane.runtime.config import Agent
from dataplane.runtime.effects import (
    AskAgent,
    AtOnce,
    CallFailed,
    Effect,
    Passed,
    PassOn,
    Reply,
    Steps,
    Tell,
    Together,
    Told,
)
from dataplane.runtime.messages import HttpReply, LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import Protocol
from dataplane.runtime.ticket import HEADER
from dataplane.server.answering import Answering
from dataplane.server.asking import Asking
from dataplane.server.budgeting import meant, settle, take, used_up
from dataplane.server.conversations import Conversations
from dataplane.server.downstream import Call
from dataplane.server.heard import Heard
from dataplane.server.judging import MAX_ERROR_BYTES
from dataplane.server.passing_on import is_plain_stream, may_be_chat, pass_on
from dataplane.server.perform import Performer, drive, identified
from dataplane.server.shadowing import Shadows
from dataplane.server.sifted import output_filters, sifted
from dataplane.server.tickets import Tickets, ticket_of
from dataplane.upstream.attempt import MAX_ANSWER_BYTES
from dataplane.upstream.errors import UpstreamError, UpstreamFailure

T = TypeVar("T")

TOO_LARGE = CallFailed(
    ResponseDetail.UPSTREAM_PROTOCOL_ERROR, f"the answer is larger than {MAX_ANSWER_BYTES} bytes"
)


@dataclass(frozen=True, slots=True)
class Means:
    """What runs are carried out with. One per worker."""

    performer: Performer
    asking: Asking
    clock: Clock
    tickets: Tickets
    conversations: Conversations
    shadows: Shadows


@dataclass(slots=True)
class _Place:
    """Where one agent's call stands in the trace, and how it ends."""

    span_id: str
    call_id: str = ""
    """Where the run has a budget."""
    status: int = 0
    error: str = "cancelled"
    refused: CallFailed | None = None
    """Why the agent is not asked."""


@dataclass(frozen=True, slots=True)
class _Voice:
    """One of several who are heard in their order."""

    order: InOrder
    at: int


class _RefusedError(Exception):
    """A branch has ended all of them."""

    def __init__(self, reply: LocalReply) -> None:
        super().__init__(reply.message)
        self.reply = reply


class Conducting:
    """One run, or a branch of one."""

    def __init__(
        self,
        means: Means,
        call: Call,
        run: Run,
        client: Answering,
        record: ExchangeRecord,
        voice: _Voice | None = None,
    ) -> None:
        """:param record: the run's; a branch's call has one of its own."""
        self._means = means
        self._call = call
        self._run = run
        self._client = client
        self._record = record
        self._voice = voice
        self._tokens = 0
        """That the agent which was asked last says it has used."""

    async def drive(self, steps: Steps[T]) -> T:
        """What the steps return in the end."""
        return await drive(steps, self._perform)

    async def _perform(self, effect: Effect) -> Reply:
        self._record.steps = self._run.told()  # (nobody can say when the client leaves)
        self._record.versions = self._run.versions()
        match effect:
            case AskAgent():
                reply: Reply = await self._ask(effect)
            case PassOn():
                reply = await self._pass_on(effect)
            case AtOnce():
                reply = await self._at_once(effect)
            case Tell():
                await self._client.tell(self._run, effect)
                reply = Told()
            case _:
                reply = await self._means.performer.perform(effect, self._call)
        return reply

    # -- one agent

    async def _ask(self, effect: AskAgent) -> HttpReply | CallFailed:
        agent = effect.agent
        async with self._placed(agent) as place:
            if place.refused is not None:
                return place.refused
            if agent.shadow is not None:
                shown = identified(effect.request, self._call, "")
                self._means.shadows.follow(self._call, agent, shown)
            request = self._identified(effect.request, place)
            if effect.stream:
                reply = await self._aloud(agent, request)
            else:
                reply = await self._whole(agent, request)
            if isinstance(reply, CallFailed):
                place.error = reply.detail.value
            else:
                place.status, place.error = reply.status, ""
                self._used(reply.body)
                self._asked_back(agent)
            return await self._meant(reply, place)

    async def _pass_on(self, effect: PassOn) -> Passed | HttpReply | CallFailed:
        """The answer as it comes; what is none, or must be whole first, is read before."""
        client, agent = self._client, effect.agent
        stream = self._record.stream
        passing = False
        async with self._placed(agent) as place:
            if place.refused is not None:
                return place.refused
            if agent.shadow is not None:
                shown = identified(effect.request, self._call, "")
                self._means.shadows.follow(self._call, agent, shown)
            request = self._identified(effect.request, place)
            try:
                async with self._opened(agent, request, stream=stream) as answer:
                    place.status, place.error = answer.status, ""
                    found = await self._held(answer, effect)
                    if isinstance(found, Spoken):
                        self._asked_back(agent)
                        await client.end(found.answer)
                        return Passed(answer.status)
                    if found is not None:
                        return await self._meant(found, place)
                    passing = True
                    self._asked_back(agent)
                    passed = await pass_on(answer, client)
                    self._record.filter = answer.filter
                    self._asked_back(agent)
                    failure = passed.failure
                    self._used(passed.tail)
            except UpstreamError as problem:
                failure = problem.failure
            if failure is None:
                return Passed(place.status)
            place.error = failure.detail.value
            if passing:
                self._record.detail, self._record.filter = failure.detail, failure.filter
                return Passed(place.status, failure.detail.value)
            return _failed(failure)

    @asynccontextmanager
    async def _opened(
        self, agent: Agent, request: Request, *, stream: bool
    ) -> AsyncGenerator[Heard, None]:
        """An agent's answer, as its output filters leave it."""
        means, call = self._means, self._call
        progress = self._client.progress(self._run, agent.id)
        opening = means.asking.open(call, agent, request, stream=stream, progress=progress)
        async with opening as answer:
            names = output_filters(call, agent)
            if names:
                yield await sifted(answer, names, request, means.performer, call)
            else:
                yield answer

    async def _whole(self, agent: Agent, request: Request) -> HttpReply | CallFailed:
        if not output_filters(self._call, agent):
            progress = self._client.progress(self._run, agent.id)
            return await self._means.asking.whole(self._call, agent, request, progress)
        try:
            async with self._opened(agent, request, stream=False) as answer:
                body = await answer.read(MAX_ANSWER_BYTES)
                reply = HttpReply(answer.status, answer.headers, body or b"")
                return TOO_LARGE if body is None else reply
        except UpstreamError as problem:
            failure = problem.failure
            return _failed(failure)

    async def _held(self, answer: Heard, effect: PassOn) -> Spoken | HttpReply | CallFailed | None:
        """What cannot be passed on as it comes; None: it can."""
        client = self._client
        is_good = 200 <= answer.status < 300
        if is_good and not may_be_chat(answer):
            return HttpReply(answer.status, answer.headers)
        over = answer.status >= 400 and await used_up(self._call)
        if is_plain_stream(answer) or (effect.all_of_it and not client.begun and not over):
            return None
        if is_good and not client.begun and answer.whole is None:
            return None  # there is too much of it to wait for its end
        body = await answer.read(MAX_ANSWER_BYTES if is_good else MAX_ERROR_BYTES)
        if body is None:
            return TOO_LARGE if is_good else HttpReply(answer.status, answer.headers)
        reply = HttpReply(answer.status, answer.headers, body)
        said = spoken(effect.agent.id, reply) if is_good else None
        if not isinstance(said, Spoken):
            return reply
        if not client.begun:
            return None
        self._used(body)
        return said

    async def _say(self, agent: Agent, text: str) -> None:
        """The client hears an agent: as far as it is this one's turn, or as one on the way."""
        voice = self._voice
        if voice is not None:
            await self._client.say(voice.order.say(voice.at, text))
        elif text:
            step = next((s.number for s in reversed(self._run.steps) if s.agent == agent.id), 0)
            await self._client.tell(self._run, Tell("delta", step, agent.id, text=text))

    async def _aloud(self, agent: Agent, request: Request) -> HttpReply | CallFailed:
        """An answer that the client hears as it comes."""
        reader = CODECS[Protocol.CHAT].stream_reader()
        body = bytearray()
        try:
            async with self._opened(agent, request, stream=True) as answer:
                streams, is_text = is_plain_stream(answer), False
                async for piece in answer.pieces():
                    body += piece
                    if len(body) > MAX_ANSWER_BYTES:
                        return TOO_LARGE
                    if streams:
                        deltas = reader.feed(piece)
                        texts, is_text = texts_of(deltas, is_text)
                        await self._say(agent, "".join(texts))
                reply = HttpReply(answer.status, answer.headers, bytes(body))
        except UpstreamError as problem:
            failure = problem.failure
            return _failed(failure)
        if not streams and 200 <= reply.status < 300:
            said = spoken(agent.id, reply)
            if isinstance(said, Spoken):
                await self._say(agent, said.text)
        return reply

    def _identified(self, request: Request, place: _Place) -> Request:
        """The request as it leaves, with what makes calls of the agent a part of the run."""
        made = identified(request, self._call, place.span_id)
        at = made.header("traceparent") or ""
        ticket = ticket_of(self._run, self._call, at, self._means.clock, place.call_id)
        sealed = self._means.tickets.seal(ticket)
        return replace(made, headers=(*made.headers, (HEADER, sealed)))

    @asynccontextmanager
    async def _placed(self, agent: Agent) -> AsyncIterator[_Place]:
        """Around the call of an agent: its time, and its span however it ends."""
        record, means = self._call.record, self._means
        place = _Place(means.performer.new_span_id(record))
        started = means.clock.now()
        self._tokens = 0
        taken = await take(self._call, self._run)
        if isinstance(taken, CallFailed):
            place.refused, place.error = taken, taken.detail.value
            taken = None
        elif taken is not None:
            place.call_id = means.tickets.new_call()
        try:
            yield place
            if taken is not None:
                await settle(taken, place.call_id, self._tokens, means.conversations)
        finally:
            if taken is not None:
                taken.spend(self._tokens)  # (as far as it was not settled)
            ended = means.clock.now()
            record.upstream_s = round(record.upstream_s + ended - started, 6)
            span = spans.of_agent(agent.label, started, ended, place.status, place.error)
            means.performer.told(record, span, place.span_id)

    async def _meant(self, reply: HttpReply | CallFailed, place: _Place) -> HttpReply | CallFailed:
        conversations = self._means.conversations
        return await meant(reply, self._call, self._run, place.call_id, conversations)

    def _asked_back(self, agent: Agent) -> None:
        """Whether what an agent says is a question is known at its end."""
        if self._call.record.asks == agent.id and self._run.asker != agent.id:
            self._run.asked_back(agent.id)

    def _used(self, body: bytes) -> None:
        usage = usage_in_tail(body[-TAIL_BYTES:])
        if usage is not None:
            self._record.input_tokens += usage.input
            self._record.output_tokens += usage.output
            self._tokens += usage.input + usage.output
            self._run.spent(usage.input + usage.output)

    # -- several

    async def _at_once(self, effect: AtOnce) -> Together:
        order = InOrder(len(effect.branches)) if effect.aloud else None
        branches = [
            self._branch(_Voice(order, at) if order is not None else None)
            for at in range(len(effect.branches))
        ]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(one._heard_out(steps))
                    for one, steps in zip(branches, effect.branches, strict=True)
                ]
        except ExceptionGroup as problems:
            first = problems.exceptions[0]
            if isinstance(first, _RefusedError):
                return Together((first.reply,))
            raise first from None
        finally:
            self._record_branches(one._call.record for one in branches)
        return Together(tuple(task.result() for task in tasks))

    def _branch(self, voice: _Voice | None) -> "Conducting":
        record = msgspec.structs.replace(
            self._call.record, attempts=0, failures=(), wasted_tokens=0, upstream_s=0.0, asks=""
        )
        call = replace(self._call, record=record)
        return Conducting(self._means, call, self._run, self._client, self._record, voice)

    async def _heard_out(self, steps: Steps[Any]) -> Any:
        """A branch to its end. One that is refused ends the others, too."""
        result = await self.drive(steps)
        if isinstance(result, LocalReply):
            raise _RefusedError(result)
        if self._voice is not None:
            await self._client.say(self._voice.order.done(self._voice.at))
        return result

    def _record_branches(self, records: Iterable[ExchangeRecord]) -> None:
        record = self._call.record
        took_s = 0.0
        for one in records:
            record.failures += one.failures
            record.wasted_tokens += one.wasted_tokens
            record.endpoint = one.endpoint
            record.asks = record.asks or one.asks
            took_s = max(took_s, one.upstream_s)
        record.upstream_s = round(record.upstream_s + took_s, 6)


def _failed(why: UpstreamFailure) -> CallFailed:
    return CallFailed(why.detail, why.reason, False, why.status, why.filter)
