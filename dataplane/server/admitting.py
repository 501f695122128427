"""What input filters make of a request, as steps: who carries them out may need a coroutine or not.

Rule: what is no request to begin with is the client's fault; what filters make of one that is, and
that is none any more, is theirs.
"""

from typing import TYPE_CHECKING

from dataplane.agents.team import spoilt
from dataplane.filters.api import Context
from dataplane.filters.chain import Chain, run_request_chain
from dataplane.llm.chat import chat_problem
from dataplane.llm.wire.body import peek
from dataplane.llm.wire.peeked import Peek
from dataplane.routing.match import match_model
from dataplane.routing.preference import INLINE
from dataplane.runtime.config import Route
from dataplane.runtime.effects import Steps
from dataplane.runtime.messages import LocalReply, Request
from dataplane.runtime.protocols import Operation
from dataplane.server.downstream import Admitted

if TYPE_CHECKING:
    from dataplane.server.serving import Serving
    from dataplane.server.surface import Ask

_CHAT = Operation.CHAT  # (an attribute of an Enum is slow)


def filtered(
    chain: Chain, request: Request, context: Context, good: bytes | None = None
) -> Steps[Request | LocalReply]:
    """The request as a chain leaves it.

    :param good: a body that is known to be one of its API.
    """
    body, operation = request.body, context.operation
    if body is not good:
        problem = chat_problem(body) if operation is _CHAT else _problem(operation, body)
        if problem is not None:
            return problem
    verdict = yield from run_request_chain(chain.asked, request, context)
    if isinstance(verdict, LocalReply):
        return verdict
    made = verdict.request
    if made.body != body:
        problem = _problem(operation, made.body)
        if problem is not None:
            return spoilt(chain.names, problem)
    return made


def admitted(
    serving: "Serving", ask: "Ask", request: Request, context: Context, found: Peek | LocalReply
) -> Steps[Admitted]:
    """What becomes of a request of a model listener that needs no more than filters: those of the
    listener, then those of the route that it takes.

    :param found: what was read of it.
    """
    came = request.body
    good = came if context.operation is not _CHAT and isinstance(found, Peek) else None
    if serving.input.filters:
        made = yield from filtered(serving.input, request, context, good)
        if isinstance(made, LocalReply):
            return Admitted(made, serving.output.names)
        request, good = made, made.body
        if good != came:
            if _needs_more(serving, ask, good):
                return Admitted(request, needs_more=True)
            found = peek(good)
    if not serving.listener.filters_routes:
        return Admitted(request, serving.output.names)
    model = ask.model
    if model is None and isinstance(found, Peek):
        model = found.model
    route = match_model(serving.listener, model)
    if not isinstance(route, Route):
        return Admitted(request, serving.output.names)
    before, after = serving.chains(route)
    if not before.filters:
        return Admitted(request, after.names)
    outcome = yield from filtered(before, request, context, good)
    fixed = model is not None and outcome is not request
    return Admitted(outcome, after.names, (model,) if fixed and model is not None else ())


def _needs_more(serving: "Serving", ask: "Ask", body: bytes) -> bool:
    """Whether a filter has made something of a body that is not only to be sent on."""
    if ask.protocol is not None and INLINE in body:
        return True
    return ask.remembers and serving.needs_more(ask, body)


def _problem(operation: Operation, body: bytes) -> LocalReply | None:
    """What is wrong with a body: all of it is looked at where it is chat, else only that it is an
    object with a fitting `model` and `stream`, as unknown fields pass.
    """
    if operation is _CHAT:
        return chat_problem(body)
    found = peek(body)
    return found if isinstance(found, LocalReply) else None
