"""What the answer of one exchange passes: the filters of its route, then those of its listener."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dataplane.filters.answers import AnswerFlow, Out, stages
from dataplane.filters.builtin import filters
from dataplane.llm.framing import Framing
from dataplane.llm.hub.answer import Failure
from dataplane.llm.recovery.closing import closing, echo_of
from dataplane.server.keeping import Keeper

if TYPE_CHECKING:
    from dataplane.filters.api import Filter
    from dataplane.runtime.effects import Effect, Steps
    from dataplane.runtime.messages import Request
    from dataplane.server.downstream import Call
    from dataplane.server.perform import Performer


class Sieve:
    """What an answer passes."""

    __slots__ = ("_call", "_performer", "_wall", "flow", "keeper")

    def __init__(
        self,
        flow: AnswerFlow,
        call: "Callable[[], Call]",
        performer: "Performer | None",
        wall: Callable[[], float],
        keeper: Keeper | None = None,
    ) -> None:
        """:param call: whose answer it is, when somebody must know."""
        self.flow = flow
        self._call = call
        self._performer = performer
        self._wall = wall
        self.keeper = keeper
        """Gets what the client gets."""

    async def perform(self, steps: "Steps[Out]", effect: "Effect") -> Out:
        """Carry out what filters ask for."""
        assert self._performer is not None, "Services has one where filters are"
        return await self._performer.go_on(steps, effect, self._call())

    def close(
        self, told: Sequence[bytes], framing: Framing, failure: Failure | None
    ) -> list[bytes] | None:
        """The end of a stream of which the client has these pieces; see llm/recovery/closing.py."""
        call = self._call()
        protocol = call.ask.protocol
        if protocol is None:
            return None
        model = call.context.model
        answer_id = call.record.trace_id[:24]
        echo = echo_of(protocol, call.request.body, model, int(self._wall()), answer_id)
        return closing(protocol, echo, told, framing, failure) if echo is not None else None


def sieve_of(
    call: "Call",
    names: Sequence[str],
    request: "Request",
    performer: "Performer",
    wall: Callable[[], float],
    own: "Sequence[Filter]" = (),
    keeper: Keeper | None = None,
) -> Sieve | None:
    """None: nobody wants to see the answer.

    :param request: as input filters have left it. :param own: filters of ours, before the others.
    """
    context = call.context
    made = stages((*own, *filters(names, call.config.filters)), request, context)
    if not made:
        return None
    flow = AnswerFlow(made, call.ask.operation, context.stream)
    return Sieve(flow, lambda: call, performer, wall, keeper)
