"""Which agents answer, in what order, and why.

Rule: there is always somebody to answer. When no agent fits, the default one does; with one agent
nobody is asked.
"""

from dataclasses import dataclass

from dataplane.runtime.config import AgentTarget, Listener
from dataplane.runtime.decision import AgentScore, Decision, Turn
from dataplane.runtime.effects import Decide, Steps
from dataplane.runtime.messages import Headers, LocalReply, ResponseDetail

ONLY_AGENT = "only_agent"
"""Decision.method where there was nothing to decide."""
MAX_REASON = 256
"""Characters of a reason in a header: a sentence, where proxies allow 8 KiB for all headers."""
MAX_SCORES = 16
"""Scores shown in a header, the best ones."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The agents to run, the last of which answers the client."""

    targets: tuple[AgentTarget, ...]
    decision: Decision
    """As it was carried out: its agents are the targets."""

    def headers(self) -> Headers:
        """Who answered and why, for the client."""
        decision = self.decision
        scores = ",".join(f"{one.agent}={one.score:.2f}" for one in decision.scores[:MAX_SCORES])
        shown = [
            ("x-outrider-agents", ",".join(decision.agents)),
            ("x-outrider-reason", decision.reason),
        ]
        if scores:
            shown.insert(1, ("x-outrider-scores", scores))
        return tuple((name, _printable(value)) for name, value in shown)


def choose(listener: Listener, conversation: tuple[Turn, ...]) -> Steps[Plan | LocalReply]:
    """Choose among a listener's agents."""
    targets = {
        route.target.agent: route.target
        for route in listener.routes
        if isinstance(route.target, AgentTarget)
    }
    if not targets:
        message = f"Listener '{listener.name}' has no agent."
        return LocalReply(404, message, ResponseDetail.ROUTE_NOT_FOUND)
    if len(targets) == 1:
        (only,) = targets.values()
        return Plan((only,), _only(only))
    reply = yield Decide(listener.name, conversation)
    assert isinstance(reply, Decision)
    chosen = tuple(dict.fromkeys(agent for agent in reply.agents if agent in targets))
    reason = reply.reason
    if not chosen:
        default = _default(tuple(targets.values()))
        chosen = (default.agent,)
        reason = f"{reason}; default agent {default.agent}" if reason else "default agent"
    decision = Decision(chosen, reply.scores, reason, reply.method)
    return Plan(tuple(targets[agent] for agent in chosen), decision)


def _only(target: AgentTarget) -> Decision:
    scores = (AgentScore(target.agent, 1.0),)
    return Decision((target.agent,), scores, "the only agent of this listener", ONLY_AGENT)


def _default(targets: tuple[AgentTarget, ...]) -> AgentTarget:
    return next((target for target in targets if target.is_default), targets[0])


def _printable(text: str) -> str:
    """Fit for a header whatever was said: ASCII without controls, cut."""
    shown = "".join(char if " " <= char <= "~" else "?" for char in text)
    return shown if len(shown) <= MAX_REASON else shown[: MAX_REASON - 3] + "..."
