"""Which agents of a listener act: whoever its config says is asked, and who is next when that
fails.

Rule: there is always a decision. A model that fails, is too slow or cannot be read leaves it to the
embedded router; where that fails, too, nobody is chosen, so the default agent answers. The decision
says all of it.
"""

from dataclasses import replace

from dataplane.agents.plan import among
from dataplane.runtime.config import AgentTarget, Listener, RuntimeConfig
from dataplane.runtime.decision import Decision, Step, Turn
from dataplane.runtime.effects import CallFailed, DecideAmong, Steps
from dataplane.runtime.orchestrator import OrchestratorKind, RoutingModel
from dataplane.server.routing_model import Failure, ask_routing_model

MODEL = "model"
"""Decision.method where a model has decided."""
NOBODY = "none"
"""Decision.method where nobody could decide."""


def decide(
    listener: Listener,
    config: RuntimeConfig,
    conversation: tuple[Turn, ...],
    said: tuple[Turn, ...] = (),
    names: tuple[str, ...] = (),
) -> Steps[Decision]:
    """Ask the listener's orchestrator.

    :param said, names: see Decide.
    """
    orchestrator = listener.orchestrator
    agents = among(listener, names)
    model = orchestrator.model
    match orchestrator.kind:
        case OrchestratorKind.MODEL if model is not None:
            asked = yield from _by_model(model, agents, (*conversation, *said), config)
            if isinstance(asked, Decision):
                return asked
            failed = Step(MODEL, problem=asked.reason, failed=True)
            return _after(failed, (yield from _embedded(listener, agents, conversation, said)))
        case OrchestratorKind.CASCADE if model is not None:
            first = yield from _embedded(listener, agents, conversation, said)
            if first.method != NOBODY and first.confidence >= orchestrator.ask_below:
                return first
            asked = yield from _by_model(model, agents, (*conversation, *said), config)
            if isinstance(asked, Failure):
                return _after(Step(MODEL, problem=asked.reason, failed=True), first)
            return _cascaded(first, asked, orchestrator.ask_below)
        case _:
            return (yield from _embedded(listener, agents, conversation, said))


def _by_model(
    model: RoutingModel,
    agents: tuple[AgentTarget, ...],
    turns: tuple[Turn, ...],
    config: RuntimeConfig,
) -> Steps[Decision | Failure]:
    names = yield from ask_routing_model(model, agents, turns, config)
    if isinstance(names, Failure):
        return names
    says = f"chose {', '.join(names)}" if names else "says that no agent fits"
    return Decision(names, (), f"{model.provider} {says}", MODEL)


def _embedded(
    listener: Listener,
    agents: tuple[AgentTarget, ...],
    conversation: tuple[Turn, ...],
    said: tuple[Turn, ...],
) -> Steps[Decision]:
    timeout_s = listener.orchestrator.embedded_timeout_s
    reply = yield DecideAmong(agents, listener.min_confidence, conversation, timeout_s)
    if isinstance(reply, CallFailed):
        step = Step("embedded", problem=reply.message, failed=True)
        return Decision((), (), reply.message, NOBODY, steps=(step,))
    assert isinstance(reply, Decision)
    return _without(reply, {turn.name for turn in said}) if said else reply


def _without(decision: Decision, done: set[str]) -> Decision:
    """What is left of a decision once some have had their say."""
    left = tuple(agent for agent in decision.agents if agent not in done)
    if left == decision.agents:
        return decision
    names = ", ".join(sorted(done))
    return replace(decision, agents=left, reason=f"{names} answered already; {decision.reason}")


def _after(failed: Step, decision: Decision) -> Decision:
    """What the next one has decided, because somebody failed."""
    reason = f"{failed.problem}; {decision.reason}"
    return replace(decision, reason=reason, steps=(failed, *decision.steps))


def _cascaded(first: Decision, asked: Decision, ask_below: float) -> Decision:
    """The model's decision, with what the embedded router would have done."""
    if first.method == NOBODY:
        reason = f"{asked.reason}; {first.reason}"
        return replace(asked, reason=reason, steps=first.steps)
    problem = f"confidence {first.confidence:.2f} below {ask_below:.2f}"
    step = Step(first.method, first.agents, first.confidence, problem)
    would = ", ".join(first.agents) or "nobody"
    reason = f"{asked.reason}; {first.method} would have chosen {would}, {problem}"
    return Decision(
        asked.agents,
        first.scores,
        reason,
        asked.method,
        threshold=first.threshold,
        steps=(step,),
        previous=first.previous,
    )
