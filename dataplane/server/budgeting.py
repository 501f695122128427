"""The budget of a run at its home, the worker that runs it: looked at before an agent is asked, and
charged with what the agent says it has used.

Rule: nothing counts twice. An agent whose call has led to calls of its own within the run is not
asked what it has used: those were counted where they were made, by whichever worker.
"""

from typing import TYPE_CHECKING

from dataplane.agents.run import Bound, Run
from dataplane.runtime.effects import CallFailed
from dataplane.runtime.limits import Measure
from dataplane.runtime.messages import HttpReply, LocalReply, ResponseDetail
from dataplane.runtime.principal import Principal
from dataplane.runtime.ticket import Ticket
from dataplane.server.limits.limiter import Asked
from dataplane.server.limits.matching import Caller, Place

if TYPE_CHECKING:
    from dataplane.server.conversations import Conversations
    from dataplane.server.downstream import Call
    from dataplane.server.limits.charge import Charge

RUN_OVER = 422
"""As where a run has reached another of its limits: asked again, it would reach it again."""


async def take(call: "Call", run: Run) -> "Charge | CallFailed | None":
    """What a run may begin with; None: it has no budget."""
    found = await _admitted(call)
    return _over(run, found) if isinstance(found, LocalReply) else found


async def taken_aside(call: "Call") -> "Charge | CallFailed | None":
    """The same for a model that is asked on the run's account, beside its agents: that it may not
    be asked does not end the run."""
    found = await _admitted(call)
    if isinstance(found, LocalReply):
        return CallFailed(ResponseDetail.RUN_LIMIT, "the budget of the run is used up")
    return found


async def meant(
    reply: HttpReply | CallFailed,
    call: "Call",
    run: Run,
    call_id: str,
    conversations: "Conversations",
) -> HttpReply | CallFailed:
    """What an agent has answered. An error in a run that has used up its budget is the end of the
    run: its calls were refused, and whoever asks again would be told the same. The last call that
    a run may make leaves none: who fails at that, and has made none of its own, says why itself.

    :param call_id: of the agent's call.
    """
    if isinstance(reply, CallFailed) or reply.status < 400:
        return reply
    refused = await used_up(call)
    if refused is None:
        return reply
    if _BOUNDS[refused.kind] is Bound.CALLS and not await conversations.has_joined(call_id):
        return reply
    return _over(run, refused)


_BOUNDS = {
    Measure.TOKENS.value: Bound.TOKENS,
    Measure.COST.value: Bound.COST,
    Measure.REQUESTS.value: Bound.CALLS,
}
"""By what a refusal is of."""


def _over(run: Run, refused: LocalReply) -> CallFailed:
    run.stopped = _BOUNDS[refused.kind]
    message = refused.message[:1].lower() + refused.message[1:].rstrip(".")
    return CallFailed(ResponseDetail.RUN_LIMIT, message, status=RUN_OVER)


async def _admitted(call: "Call") -> "Charge | LocalReply | None":
    if call.budgets is None:
        return None
    within = call.principal.run if call.principal is not None else None
    listener = within.listener if within is not None else call.listener.name
    of_run = Principal("", run=Ticket(call.record.run_id, listener, 0, 0, 0.0, ""))
    place = Place(call.listener.name, "", "")
    asked = Asked(place, Caller(of_run, call.request.header), b"", None, call.ask.shape)
    return await call.budgets.admitted(asked)


async def used_up(call: "Call") -> LocalReply | None:
    """Why nothing may be begun in a run; None: something may, or it has no budget."""
    found = await _admitted(call)
    if found is None or isinstance(found, LocalReply):
        return found
    found.spend(0, calls=0)
    return None


async def settle(
    taken: "Charge", call_id: str, tokens: int, conversations: "Conversations"
) -> None:
    """An agent has answered, and says that it has used so many tokens."""
    counted = await conversations.has_joined(call_id)
    taken.spend(0 if counted else tokens)
