"""Read this file first: one request that needs more than bytes, to the end of its answer.

A model listener's request passes its filters, is joined to what was said before (Responses), gets
the models that are chosen for it, and goes on as the relay does. An agent listener's request passes
the listener's filters, is given to the agents that the router chose, and the last one's answer is
streamed.

Rule: what the client gets is whole or recognisably not. Everything before the first byte can still
become an error; after it, an upstream that breaks off breaks the client's answer off too.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from dataplane.agents.orchestrate import LastCall, orchestrate, spoilt
from dataplane.agents.plan import ONLY_AGENT, choose
from dataplane.clock import Clock
from dataplane.filters.builtin import request_filters
from dataplane.filters.chain import run_request_chain
from dataplane.llm import kept
from dataplane.llm.chat import ChatRequest, parse_chat
from dataplane.llm.error_faults import failure_in_band
from dataplane.llm.hub.answer import Failure
from dataplane.llm.usage import TAIL_BYTES, usage_in_tail
from dataplane.llm.wire.body import peek
from dataplane.observe import spans
from dataplane.observe.latency import Latencies
from dataplane.observe.record import ExchangeRecord
from dataplane.observe.tracing import Tracer
from dataplane.runtime.config import ListenerKind, RuntimeConfig
from dataplane.runtime.effects import CallFailed
from dataplane.runtime.headers import for_client
from dataplane.runtime.messages import Headers, LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import Operation, Protocol
from dataplane.server.asking import Asking, Heard
from dataplane.server.chooser import Chooser
from dataplane.server.downstream import Call, Downstream
from dataplane.server.keepers import keepers
from dataplane.server.limits.charge import Charge
from dataplane.server.limits.limiter import Asked
from dataplane.server.limits.matching import Caller, Place
from dataplane.server.passing import NO_END, Passing
from dataplane.server.perform import Decider, Performer, identified
from dataplane.server.responses import Continued, ResponsesState, Settled
from dataplane.server.surface import Stored
from dataplane.sessions.remembering import Remembering
from dataplane.upstream.client import UpstreamClient, UpstreamError

if TYPE_CHECKING:
    from dataplane.upstream.errors import UpstreamFailure

OK = 200
NOT_FOUND = 404


class Exchange:
    """Answers on agent listeners; on model listeners what filters, the choice of a model or kept
    responses have a say in. One per worker.
    """

    def __init__(
        self,
        client: UpstreamClient,
        decider: Decider,
        tracer: Tracer,
        clock: Clock,
        memory: Remembering,
        latencies: Latencies,
        responses: ResponsesState,
        asking: Asking,
    ) -> None:
        self._client = client
        self._decider = decider
        self._tracer = tracer
        self._clock = clock
        self._asking = asking
        self._performer = Performer(client, decider, tracer, clock, memory, asking)
        self._responses = responses
        self._chooser = Chooser(self._performer, memory, latencies, clock)

    @property
    def outcomes(self) -> Mapping[str, int]:
        """How requests got their models, and how often."""
        return self._chooser.outcomes

    async def configure(self, config: RuntimeConfig) -> None:
        """Get ready for a new configuration's requests; those under way are not touched."""
        self._decider.configure(config)
        await self._chooser.configure(config)
        await self._responses.configure(config)
        await self._tracer.configure(config.tracing)

    async def close(self) -> None:
        """After the last request: close connections, stop threads, send the last spans."""
        await self._chooser.close()
        await self._responses.close()
        await self._decider.close()
        await self._client.close()
        await self._tracer.close()

    async def run(self, call: Call, downstream: Downstream) -> None:
        """Answer one request. Cancel it when the client has left: everything upstream stops."""
        if call.ask.decides:
            downstream.reply(await self._chooser.tell(call))
            return
        if call.ask.stored is not None:
            answer = await self._responses.answer(call, call.ask.stored)
            downstream.reply(answer or await self._ask_keepers(call, call.ask.stored))
            return
        request = await self._filtered(call)
        if isinstance(request, LocalReply):
            downstream.reply(request)
        elif call.listener.kind is ListenerKind.MODEL:
            await self._ask_models(call, request, downstream)
        else:
            await self._ask_agents(call, request, downstream)

    async def _ask_models(self, call: Call, request: Request, downstream: Downstream) -> None:
        turn = Continued(request)
        if call.ask.remembers:
            continued = await self._responses.continued(call, request)
            if isinstance(continued, LocalReply):
                downstream.reply(continued)
                return
            turn = continued
        choice = await self._chooser.choose(call, turn.request)
        if isinstance(choice, LocalReply):
            downstream.reply(choice)
            return
        chosen = choice.chosen
        models = chosen.models
        settled: Settled | LocalReply = Settled(choice.request)
        if call.ask.remembers:
            turn = replace(turn, request=choice.request)
            settled = self._responses.settled(call, turn, models)
        if isinstance(settled, LocalReply):
            downstream.reply(settled)
            return
        told = chosen.headers()
        downstream.relay(settled.request, models, settled.keep, told, chosen.marks)

    async def _ask_keepers(self, call: Call, stored: Stored) -> LocalReply:
        """Ask the providers that keep responses themselves; the first that knows it answers."""
        failed: CallFailed | None = None
        for provider, request in keepers(call):
            asked = identified(request, call, "")
            reply = await self._client.call(call.config.clusters[provider.cluster], asked)
            if isinstance(reply, CallFailed):
                failed = reply
            elif reply.status != NOT_FOUND:
                call.record.provider = provider.name
                detail = ResponseDetail.VIA_UPSTREAM
                headers = for_client(reply.headers)
                return LocalReply(reply.status, "", detail, headers, reply.body)
        if failed is not None:
            status = 504 if failed.timed_out else 502
            return LocalReply(status, failed.message, failed.detail)
        return kept.unknown(stored.response_id)

    async def _filtered(self, call: Call) -> Request | LocalReply:
        names = call.listener.input_filters
        if not names:
            return call.request
        # What is no request of its API to begin with is the client's fault, not the filters'.
        problem = _problem(call, call.request.body)
        if problem is not None:
            return problem
        chain = request_filters(names, call.config.filters)
        verdict = await self._performer.run(run_request_chain(chain, call.request), call)
        if isinstance(verdict, LocalReply):
            return verdict
        problem = _problem(call, verdict.request.body)
        return spoilt(names, problem) if problem is not None else verdict.request

    async def _ask_agents(self, call: Call, request: Request, downstream: Downstream) -> None:
        record = call.record
        chat = parse_chat(request.body)
        if isinstance(chat, LocalReply):
            downstream.reply(chat)
            return
        record.model = chat.model
        record.stream = chat.stream
        if call.limiter is None:
            await self._run_agents(call, request, chat, downstream)
            return
        place = Place(call.listener.name, chat.model, "")
        caller = Caller(call.principal, call.request.header)
        asked = Asked(place, caller, request.body, None, call.ask.shape)
        found = await call.limiter.admitted(asked)
        if isinstance(found, LocalReply):
            downstream.reply(found)
        elif found is None:
            await self._run_agents(call, request, chat, downstream)
        else:
            try:
                await self._run_agents(call, request, chat, downstream, found)
            finally:
                found.settle(record)

    async def _run_agents(
        self,
        call: Call,
        request: Request,
        chat: ChatRequest,
        downstream: Downstream,
        charge: Charge | None = None,
    ) -> None:
        """What was taken of limits is in `charge`."""
        record = call.record
        plan = await self._performer.run(choose(call.listener, chat.conversation()), call)
        if isinstance(plan, LocalReply):
            downstream.reply(plan)
            return
        record.agents = plan.decision.agents
        if plan.decision.method != ONLY_AGENT:
            record.decision = plan.decision.reason
        told = (*plan.headers(), *(charge.headers if charge is not None else ()))
        last = await self._performer.run(orchestrate(plan, chat, request, call.config), call)
        if isinstance(last, LocalReply):
            downstream.reply(replace(last, headers=(*last.headers, *told)))
            return
        await self._stream(call, last, told, downstream, charge)

    async def _stream(
        self,
        call: Call,
        last: LastCall,
        told: Headers,
        downstream: Downstream,
        charge: Charge | None,
    ) -> None:
        """The last agent's answer, as it comes, with its own status."""
        record = call.record
        agent = last.agent
        span_id = self._performer.new_span_id(record)
        request = identified(last.request, call, span_id)
        stream = record.stream
        status = 0
        failure: UpstreamFailure | None = None
        started = self._clock.now()
        try:
            async with self._asking.open(call, agent, request, stream=stream) as answer:
                told = (*told, *_attempts(record))
                downstream.start(answer.status, (*for_client(answer.headers), *told))
                status = answer.status
                failure = await self._pass_on(answer, downstream, call, charge)
        except UpstreamError as problem:
            failure = problem.failure
        finally:
            ended = self._clock.now()
            record.upstream_s = round(record.upstream_s + ended - started, 6)
            error = failure.detail.value if failure is not None else ""
            self._performer.told(
                record, spans.of_agent(agent.id, started, ended, status, error), span_id
            )
        if failure is None:
            downstream.finish()
        elif status:
            record.detail = failure.detail
            downstream.abort()
        else:
            message = f"Agent '{agent.id}' did not answer: {failure.message}."
            told = (*told, *_attempts(record))
            downstream.reply(LocalReply(failure.status, message, failure.detail, told))

    async def _pass_on(
        self, answer: Heard, downstream: Downstream, call: Call, charge: Charge | None
    ) -> "UpstreamFailure | None":
        """The client gets every whole event; of a stream that breaks off it is told so in-band."""
        tail = b""
        passing = Passing(Protocol.CHAT) if _is_plain_stream(answer) else None
        try:
            async for read in answer.pieces():
                piece = read if passing is None else passing.feed(read, False)
                if piece:
                    await downstream.write(piece)
                    if charge is not None:
                        charge.delivered(piece)
                    tail = (tail + piece)[-TAIL_BYTES:]
                if passing is not None and passing.told is not None:
                    break
        except UpstreamError as problem:
            if passing is None:
                raise
            failure = problem.failure
        else:
            failure = NO_END
        if passing is not None:
            rest = passing.feed(b"", True)
            if passing.whole:
                await downstream.write(rest + passing.last_words())
            else:
                told = _told(passing, failure)
                await downstream.write(rest + passing.error_event(told))
                return failure
        usage = usage_in_tail(tail)
        if usage is not None:
            call.record.input_tokens = usage.input
            call.record.output_tokens = usage.output
        return None


def _attempts(record: ExchangeRecord) -> Headers:
    """What an answer says that took more than one attempt."""
    return (("x-outrider-attempts", str(record.attempts)),) if record.attempts > 1 else ()


def _problem(call: Call, body: bytes) -> LocalReply | None:
    """What is wrong with a body: all of it is looked at where it is chat, else only that it is an
    object with a fitting `model` and `stream`, as unknown fields pass.
    """
    if call.ask.operation is Operation.CHAT:
        chat = parse_chat(body)
        return chat if isinstance(chat, LocalReply) else None
    found = peek(body)
    return found if isinstance(found, LocalReply) else None


def _is_plain_stream(answer: Heard) -> bool:
    """Whether an agent answers with server-sent events that can be read."""
    named = {name.lower(): value.strip().lower() for name, value in answer.headers}
    kind = named.get("content-type", "")
    is_plain = named.get("content-encoding", "identity") == "identity"
    return answer.status == OK and is_plain and kind.startswith("text/event-stream")


def _told(passing: Passing, failure: "UpstreamFailure") -> Failure:
    """Why a stream has no end: the agent's own words, if it said any."""
    if passing.told is not None:
        return failure_in_band(Protocol.CHAT, passing.told)
    return Failure(failure.status, failure.message, code=failure.detail.value)
