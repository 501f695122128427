"""What input filters make of a request, as steps: who carries them out may need a coroutine or not.

Rule: what is no request to begin with is the client's fault; what filters make of one that is, and
that is none any more, is theirs.
"""

from typing import TYPE_CHECKING

from dataplane.agents.team import spoilt
from dataplane.filters.api import Context, Continue, Verdict
from dataplane.filters.chain import Chain, passed_on
from dataplane.llm.chat import chat_problem
from dataplane.llm.wire.body import peek
from dataplane.llm.wire.peek import Peek
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

Made = Request | LocalReply
_CHAT = Operation.CHAT  # (an attribute of an Enum is slow)


def filtered(
    chain: Chain, request: Request, context: Context, good: bytes | None = None
) -> Made | Steps[Made]:
    """The request as a chain leaves it; steps only where a filter asks for something.

    :param good: a body that is known to be one of its API.
    """
    body, operation = request.body, context.operation
    if body is not good:
        problem = chat_problem(body) if operation is _CHAT else _problem(operation, body)
        if problem is not None:
            return problem
    verdict = passed_on(chain.asked, request, context)
    if isinstance(verdict, (Continue, LocalReply)):
        return _sound(chain, operation, body, verdict)
    return _filtered_later(chain, operation, body, verdict)


def _filtered_later(
    chain: Chain, operation: Operation, body: bytes, begun: Steps[Verdict]
) -> Steps[Made]:
    return _sound(chain, operation, body, (yield from begun))


def _sound(chain: Chain, operation: Operation, body: bytes, verdict: Verdict) -> Made:
    """What filters have made of a body, if it is still one."""
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
) -> Admitted | Steps[Admitted]:
    """What becomes of a request of a model listener that needs no more than filters: those of the
    listener, then those of the route that it takes. Steps only where one asks for something.

    :param found: what was read of it.
    """
    body = request.body
    good = body if context.operation is not _CHAT and isinstance(found, Peek) else None
    if not serving.input.filters:
        return _routed(serving, ask, request, context, found, good)
    made = filtered(serving.input, request, context, good)
    if isinstance(made, (Request, LocalReply)):
        return _listened(serving, ask, body, made, context, found)
    return _listened_later(serving, ask, body, made, context, found)


def _listened_later(
    serving: "Serving",
    ask: "Ask",
    came: bytes,
    begun: Steps[Made],
    context: Context,
    found: Peek | LocalReply,
) -> Steps[Admitted]:
    made = yield from begun
    outcome = _listened(serving, ask, came, made, context, found)
    return outcome if isinstance(outcome, Admitted) else (yield from outcome)


def _listened(
    serving: "Serving",
    ask: "Ask",
    came: bytes,
    made: Made,
    context: Context,
    found: Peek | LocalReply,
) -> Admitted | Steps[Admitted]:
    """The filters of the listener have made that of it."""
    if isinstance(made, LocalReply):
        return Admitted(made, serving.output.names)
    good = made.body
    if good != came:
        if _needs_more(serving, ask, good):
            return Admitted(made, needs_more=True)
        found = peek(good)
    return _routed(serving, ask, made, context, found, good)


def _routed(
    serving: "Serving",
    ask: "Ask",
    request: Request,
    context: Context,
    found: Peek | LocalReply,
    good: bytes | None,
) -> Admitted | Steps[Admitted]:
    """What becomes of it behind the filters of its route."""
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
    made = filtered(before, request, context, good)
    if isinstance(made, (Request, LocalReply)):
        return _left(made, request, after, model)
    return _left_later(made, request, after, model)


def _left_later(
    begun: Steps[Made], request: Request, after: Chain, model: str | None
) -> Steps[Admitted]:
    return _left((yield from begun), request, after, model)


def _left(made: Made, request: Request, after: Chain, model: str | None) -> Admitted:
    """The filters of its route have made that of it."""
    fixed = model is not None and made is not request
    return Admitted(made, after.names, (model,) if fixed and model is not None else ())


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
