"""The budget of a run at its home, the worker that runs it: looked at before an agent is asked, and
charged with what the agent says it has used.

Rule: nothing counts twice. An agent whose call has led to calls of its own within the run is not
asked what it has used: those were counted where they were made, by whichever worker.
"""

from typing import TYPE_CHECKING

from dataplane.agents.run import Bound, Run
from dataplane.runtime.effects import CallFailed
from dataplane.runtime.limits import Measure
from dataplane.runtime.messages import LocalReply, ResponseDetail
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
    if call.budgets is None:
        return None
    within = call.principal.run if call.principal is not None else None
    listener = within.listener if within is not None else call.listener.name
    of_run = Principal("", run=Ticket(run.id, listener, 0, 0, 0.0, ""))
    place = Place(call.listener.name, "", "")
    asked = Asked(place, Caller(of_run, call.request.header), b"", None, call.ask.shape)
    found = await call.budgets.admitted(asked)
    if not isinstance(found, LocalReply):
        return found
    run.stopped = Bound.COST if found.kind == Measure.COST.value else Bound.TOKENS
    message = found.message[:1].lower() + found.message[1:].rstrip(".")
    return CallFailed(ResponseDetail.RUN_LIMIT, message, status=RUN_OVER)


async def settle(
    taken: "Charge", call_id: str, tokens: int, conversations: "Conversations"
) -> None:
    """An agent has answered, and says that it has used so many tokens."""
    counted = await conversations.has_joined(call_id)
    taken.spend(0 if counted else tokens)
