"""An agent listener's request: given to the agents that the router chose, the last one's answer
streamed.

Rule: what the client gets is whole or recognisably not. Everything before the first byte can still
become an error; after it, an upstream that breaks off breaks the client's answer off too.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from dataplane.agents.orchestrate import LastCall, orchestrate
from dataplane.agents.plan import ONLY_AGENT, choose
from dataplane.agents.run import Run
from dataplane.clock import Clock
from dataplane.llm.chat import ChatRequest, parse_chat
from dataplane.llm.error_faults import failure_in_band
from dataplane.llm.hub.answer import Failure
from dataplane.llm.usage import TAIL_BYTES, usage_in_tail
from dataplane.observe import spans
from dataplane.observe.record import ExchangeRecord
from dataplane.runtime.headers import for_client
from dataplane.runtime.messages import Headers, LocalReply, Request
from dataplane.runtime.protocols import Protocol
from dataplane.runtime.running import RunLimits
from dataplane.server.asking import Asking
from dataplane.server.downstream import Call, Downstream
from dataplane.server.heard import Heard
from dataplane.server.limits.charge import Charge
from dataplane.server.limits.limiter import Asked
from dataplane.server.limits.matching import Caller, Place
from dataplane.server.passing import NO_END, Passing
from dataplane.server.perform import Performer, identified
from dataplane.upstream.client import UpstreamError

if TYPE_CHECKING:
    from dataplane.upstream.errors import UpstreamFailure

OK = 200


class Running:
    """Runs agents. One per worker."""

    def __init__(
        self,
        performer: Performer,
        asking: Asking,
        clock: Clock,
        getrandbits: Callable[[int], int],
    ) -> None:
        self._performer = performer
        self._asking = asking
        self._clock = clock
        self._getrandbits = getrandbits

    async def run(self, call: Call, request: Request, downstream: Downstream) -> None:
        """Answer a request that has passed the listener's filters."""
        record = call.record
        chat = parse_chat(request.body)
        if isinstance(chat, LocalReply):
            downstream.reply(chat)
            return
        record.model = chat.model
        record.stream = chat.stream
        run = Run(f"{self._getrandbits(128):032x}", call.deadline, RunLimits())
        record.run_id = run.id
        if call.limiter is None:
            await self._run_agents(call, run, request, chat, downstream)
            return
        place = Place(call.listener.name, chat.model, "")
        caller = Caller(call.principal, call.request.header)
        asked = Asked(place, caller, request.body, None, call.ask.shape)
        found = await call.limiter.admitted(asked)
        if isinstance(found, LocalReply):
            downstream.reply(found)
        elif found is None:
            await self._run_agents(call, run, request, chat, downstream)
        else:
            try:
                await self._run_agents(call, run, request, chat, downstream, found)
            finally:
                found.settle(record)

    async def _run_agents(
        self,
        call: Call,
        run: Run,
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
        limits = charge.headers if charge is not None else ()
        told = (*plan.headers(), ("x-outrider-run-id", run.id), *limits)
        last = await self._performer.run(orchestrate(plan, run, chat, request, call.config), call)
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
