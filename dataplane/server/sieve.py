"""What the answer of one exchange passes: the filters of its route, then those of its listener."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
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


@dataclass(frozen=True, slots=True)
class Sieve:
    """What an answer passes."""

    flow: AnswerFlow
    perform: "Callable[[Steps[Out], Effect], Awaitable[Out]]"
    """Carries out what filters ask for."""
    close: Callable[[Sequence[bytes], Framing, Failure | None], list[bytes] | None]
    """The end of a stream of which the client has these pieces; see llm/recovery/closing.py."""
    keeper: Keeper | None = None
    """Gets what the client gets."""

    def keeping(self, keep: Callable[[bytes], None], request_id: str) -> "Sieve":
        """The same, for an answer that somebody keeps."""
        return replace(self, keeper=Keeper(keep, request_id.encode()))


def sieve_of(
    call: "Call",
    names: Sequence[str],
    request: "Request",
    performer: "Performer",
    wall: Callable[[], float],
    own: "Sequence[Filter]" = (),
) -> Sieve | None:
    """None: nobody wants to see the answer.

    :param request: as input filters have left it. :param own: filters of ours, before the others.
    """
    context = call.context
    made = stages((*own, *filters(names, call.config.filters)), request, context)
    if not made:
        return None
    return Sieve(
        AnswerFlow(made, call.ask.operation, context.stream),
        lambda steps, effect: performer.go_on(steps, effect, call),
        partial(_close, call, wall),
    )


def _close(
    call: "Call",
    wall: Callable[[], float],
    told: Sequence[bytes],
    framing: Framing,
    failure: Failure | None,
) -> list[bytes] | None:
    protocol = call.ask.protocol
    if protocol is None:
        return None
    model = call.context.model
    answer_id = call.record.trace_id[:24]
    echo = echo_of(protocol, call.request.body, model, int(wall()), answer_id)
    return closing(protocol, echo, told, framing, failure) if echo is not None else None
