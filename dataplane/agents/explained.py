"""Why agents are chosen for a conversation, as people and programs read it.

Rule: scores, names and thresholds; nothing of what the user wrote.
"""

from dataclasses import dataclass, replace

import msgspec

from dataplane.agents.plan import Loop, One, Parallel, Plan, Sequence
from dataplane.runtime.config import Listener
from dataplane.runtime.decision import AgentScore, Step
from dataplane.runtime.orchestrator import OrchestratorKind

HEADER_SCORES = 16
"""Of the best agents: proxies allow 8 KiB for all headers."""
HEADER_REASON = 512


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision that nobody was called for."""

    listener: str
    agents: tuple[str, ...]
    """Who acts, in order; of a loop who begins."""
    by_default: bool
    """Nobody was chosen, so the default agent acts."""
    shape: str
    """How they act: "one", "sequence", "parallel" or "loop"."""
    orchestrator: str
    method: str
    reason: str
    confidence: float
    min_confidence: float
    ask_below: float
    """Of a cascade; else 0."""
    scores: tuple[AgentScore, ...]
    steps: tuple[Step, ...]
    previous: str
    seconds: float


def explained(plan: Plan, listener: Listener, seconds: float) -> Explanation:
    """The explanation of a plan that `choose` has made for a listener."""
    decision, orchestrator = plan.decision, listener.orchestrator
    is_cascade = orchestrator.kind is OrchestratorKind.CASCADE
    return Explanation(
        listener=listener.name,
        agents=decision.agents,
        by_default=plan.by_default,
        shape=_word(plan),
        orchestrator=orchestrator.kind.value,
        method=decision.method,
        reason=decision.reason,
        confidence=decision.confidence,
        min_confidence=listener.min_confidence,
        ask_below=orchestrator.ask_below if is_cascade else 0.0,
        scores=decision.scores,
        steps=decision.steps,
        previous=decision.previous,
        seconds=round(seconds, 6),
    )


def in_a_header(explanation: Explanation) -> str:
    """In one line of ASCII."""
    reason = explanation.reason
    if len(reason) > HEADER_REASON:
        reason = reason[: HEADER_REASON - 3] + "..."
    cut = replace(explanation, scores=explanation.scores[:HEADER_SCORES], reason=reason)
    return msgspec.json.encode(cut).decode().encode("ascii", "replace").decode()


def _word(plan: Plan) -> str:
    match plan.shape:
        case One():
            return "one"
        case Parallel():
            return "parallel"
        case Sequence():
            return "sequence"
        case Loop():
            return "loop"
