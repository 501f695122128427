"""What an agent answers, as its output filters leave it, before anybody else hears it.

Rule: what a filter refuses is an answer that failed, with the filter's status; the run decides what
comes of that.
"""

from collections.abc import AsyncIterator, Awaitable, Callable

from msgspec.structs import replace

from dataplane.filters.answers import AnswerFlow
from dataplane.filters.api import Cut, Head, steps_to
from dataplane.filters.out import Out
from dataplane.filters.stage import stages
from dataplane.llm.framing import Framing
from dataplane.llm.recovery.closing import closing, echo_of
from dataplane.llm.wire.body import peek
from dataplane.llm.wire.peek import Peek
from dataplane.runtime.config import Agent, AgentTarget
from dataplane.runtime.effects import Steps
from dataplane.runtime.messages import LocalReply, Request
from dataplane.runtime.protocols import Operation, Protocol
from dataplane.server.downstream import Call
from dataplane.server.heard import Heard
from dataplane.server.passing import Told
from dataplane.server.perform import Performer
from dataplane.upstream.errors import Phase, UpstreamError, UpstreamFailure

Perform = Callable[[Steps[Out]], Awaitable[Out]]


def output_filters(call: Call, agent: Agent) -> tuple[str, ...]:
    """Those that see what an agent of the listener answers."""
    for route in call.listener.routes:
        target = route.target
        if isinstance(target, AgentTarget) and target.agent == agent.id:
            return target.output_filters
    return ()


async def sifted(
    answer: Heard, names: tuple[str, ...], request: Request, performer: Performer, call: Call
) -> Heard:
    """The same answer behind filters, up to the first of it that may be passed on. Raises
    UpstreamError when a filter refuses it.
    """
    found = peek(request.body)
    model, stream = (found.model or "", found.stream) if isinstance(found, Peek) else ("", False)
    context = replace(call.context, operation=Operation.CHAT, model=model, stream=stream, notes={})
    made = stages(call.chain(names).filters, request, context)
    if not made:
        return answer
    flow = AnswerFlow(made, Operation.CHAT, stream)
    return await _Sifting(answer, request, model, flow).heard(
        lambda steps: performer.run(steps, call)
    )


class _Sifting:
    def __init__(self, answer: Heard, request: Request, model: str, flow: AnswerFlow) -> None:
        self._answer = answer
        self._request = request
        self._model = model
        self._flow = flow
        self._told: Told[bytes] = Told()

    async def heard(self, run: Perform) -> Heard:
        """Up to the first event that passes."""
        answer = self._answer
        outs = self._outs(run)
        first = await anext(outs, Out())
        while first.head is None and not first.data:
            following = await anext(outs, None)
            if following is None:
                break
            first = following
        head = first.head or Head(answer.status, answer.headers)
        rest = self._bytes(outs)
        data, flow = first.data, self._flow
        return Heard(head.status, head.headers, answer.endpoint, data, rest, lambda: flow.ended_by)

    async def _bytes(self, outs: AsyncIterator[Out]) -> AsyncIterator[bytes]:
        async for out in outs:
            if out.data:
                yield out.data

    async def _outs(self, run: Perform) -> AsyncIterator[Out]:
        answer, flow = self._answer, self._flow
        out = await run(steps_to(flow.head(Head(answer.status, answer.headers))))
        self._look(out)
        yield out
        async for piece in answer.pieces():
            out = await run(steps_to(flow.data(piece)))
            self._look(out)
            yield out
            if isinstance(out.ending, Cut):
                yield Out(data=self._closing())
                return
        out = await run(steps_to(flow.end(True)))
        self._look(out)
        yield out
        if isinstance(out.ending, Cut) and not out.is_whole:
            yield Out(data=self._closing())

    def _look(self, out: Out) -> None:
        if isinstance(out.ending, LocalReply):
            raise _refusal(out.ending, self._flow.ended_by)
        if out.data:
            self._told.add(out.data, len(out.data))

    def _closing(self) -> bytes:
        """The end of a stream that was cut."""
        told = self._told.pieces
        echo = echo_of(Protocol.CHAT, self._request.body, self._model, 0, "chatcmpl-cut")
        if told is None or echo is None or self._flow.form.framing is not Framing.SSE:
            return b""
        pieces = closing(Protocol.CHAT, echo, told, Framing.SSE)
        return self._flow.last(pieces, closes=True) if pieces is not None else b""


def _refusal(reply: LocalReply, ended_by: str) -> UpstreamError:
    told = (reply.detail, reply.message, reply.status)
    return UpstreamError(UpstreamFailure(Phase.ANSWER, *told, filter=ended_by))
