"""What the answer of one exchange passes: the filters of its route, then those of its listener."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from dataplane.filters.answers import AnswerFlow
from dataplane.filters.out import Out
from dataplane.filters.stage import stages
from dataplane.llm.framing import Framing
from dataplane.llm.hub.answer import Failure
from dataplane.llm.recovery.closing import closing, echo_of
from dataplane.runtime.effects import AskAgain
from dataplane.server.keeping import Keeper
from dataplane.server.perform import drive_on

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from dataplane.filters.api import Filter
    from dataplane.runtime.effects import CallFailed, Effect, Reply, Steps
    from dataplane.runtime.messages import HttpReply, Request
    from dataplane.server.downstream import Call
    from dataplane.server.perform import Performer

    AskModels = Callable[[Request], Awaitable[HttpReply | CallFailed]]


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

    @property
    def call(self) -> "Call":
        """Whose answer it is."""
        return self._call()

    async def perform(
        self, steps: "Steps[Out]", effect: "Effect", again: "AskModels | None" = None
    ) -> Out:
        """Carry out what filters ask for.

        :param again: asks the models of the exchange once more; None: none have answered.
        """
        performer, call = self._performer, self._call()
        assert performer is not None, "Services has one where filters are"

        def carry_out(effect: "Effect") -> "Awaitable[Reply]":
            if again is not None and isinstance(effect, AskAgain):
                return again(effect.request)
            return performer.perform(effect, call)

        return await drive_on(steps, effect, carry_out)

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
    names: tuple[str, ...],
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
    chain = (*own, *call.chain(names).filters)
    made = stages(chain, request, context)
    if not made:
        return None
    anew = partial(stages, chain, request, context)
    flow = AnswerFlow(made, call.ask.operation, context.stream, anew)
    return Sieve(flow, lambda: call, performer, wall, keeper)
