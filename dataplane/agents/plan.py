"""Which agents answer, in what order, and why: a plan is a value.

Rule: there is always somebody to answer. When no agent fits, the default one does; with one agent
nobody is asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dataplane.runtime.config import AgentTarget, Listener
from dataplane.runtime.decision import AgentScore, Decision, Turn
from dataplane.runtime.effects import Decide, Steps
from dataplane.runtime.messages import Headers, LocalReply, ResponseDetail
from dataplane.runtime.running import Mode, Part, Running

ONLY_AGENT = "only_agent"
"""Decision.method where there was nothing to decide."""
FIXED = "fixed"
"""Decision.method where the listener's config says who acts."""
RESUMED = "resumed"
"""Decision.method where an agent that has asked the client something is answered."""
MAX_REASON = 256
"""Characters of a reason in a header: a sentence, where proxies allow 8 KiB for all headers."""
MAX_SCORES = 16
"""Scores shown in a header, the best ones."""


@dataclass(frozen=True, slots=True)
class One:
    """An agent answers."""

    target: AgentTarget


@dataclass(frozen=True, slots=True)
class Parallel:
    """Several answer at once. Who comes after them reads all of it, in their order; where nobody
    does, it is put together in that order.
    """

    targets: tuple[AgentTarget, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """An agent answers, and the orchestrator says who goes on, until it names nobody."""

    first: AgentTarget
    among: tuple[AgentTarget, ...] = ()
    """Only these, and who begins is decided as well; `first` does where nobody is named. Empty: all
    that may be chosen."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other, each reads what those before it said; the last answers the client."""

    parts: tuple[One | Parallel | Loop, ...]


Shape = One | Parallel | Sequence | Loop


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run, and who has decided so."""

    shape: Shape
    decision: Decision
    by_default: bool = False
    """Nobody was chosen."""
    first_part: int = 0
    """Of a sequence that goes on where a run has stopped: the place of its first part in all."""

    def headers(self, agents: tuple[str, ...]) -> Headers:
        """Who answered and why, for the client."""
        decision = self.decision
        scores = ",".join(f"{one.agent}={one.score:.2f}" for one in decision.scores[:MAX_SCORES])
        shown = [("x-outrider-agents", ",".join(agents)), ("x-outrider-reason", decision.reason)]
        if scores:
            shown.insert(1, ("x-outrider-scores", scores))
        return tuple((name, _printable(value)) for name, value in shown)


def choose(listener: Listener, conversation: tuple[Turn, ...]) -> Steps[Plan | LocalReply]:
    """Choose among a listener's agents, and how they are run."""
    targets = targets_of(listener)
    if not targets:
        message = f"Listener '{listener.name}' has no agent."
        return LocalReply(404, message, ResponseDetail.ROUTE_NOT_FOUND)
    running = listener.running
    absent = _absent(running, targets)
    if absent:
        message = f"Agent '{absent}' of the plan of listener '{listener.name}' is not here yet."
        return LocalReply(503, message, ResponseDetail.NO_USABLE_ENDPOINT)
    if running.parts:
        return _fixed(running.parts, targets)
    choosable = choosable_of(listener)
    if len(choosable) == 1:
        return Plan(One(choosable[0]), _only(choosable[0]))
    reply = yield Decide(listener.name, conversation)
    assert isinstance(reply, Decision)
    silent = [target.agent for target in choosable if not target.description]
    if silent:  # it was chosen, or not, by what its id says
        known = f"{', '.join(silent)} {'has' if len(silent) == 1 else 'have'} not said what for"
        reply = replace(reply, reason=f"{reply.reason}; {known}" if reply.reason else known)
    return _decided(listener, reply, targets)


def resumed(listener: Listener, agent: str, part: int, rest: tuple[str, ...]) -> Plan | None:
    """What is left of a plan whose agent has asked something; None: that agent is gone.

    :param part: the place of the agent's part, where a plan is fixed.
    :param rest: who was to act after it, where agents were chosen.
    """
    targets = targets_of(listener)
    target = targets.get(agent)
    if target is None or _absent(listener.running, targets):
        return None
    left: tuple[One | Parallel | Loop, ...] = tuple(
        One(targets[name]) for name in rest if name in targets
    )
    if listener.running.parts:
        left = _steps(listener.running.parts, targets)[part + 1 :]
    agents = (agent, *(one.agent for step in left for one in _named(step)))
    decision = Decision(agents, (), f"{agent} has asked for this", RESUMED)
    return Plan(Sequence((One(target), *left)) if left else One(target), decision, first_part=part)


def targets_of(listener: Listener) -> dict[str, AgentTarget]:
    """A listener's agents by their ids, in the operator's order."""
    return {
        route.target.agent: route.target
        for route in listener.routes
        if isinstance(route.target, AgentTarget)
    }


def choosable_of(listener: Listener) -> tuple[AgentTarget, ...]:
    """Among whom an orchestrator chooses, in the operator's order."""
    targets = tuple(targets_of(listener).values())
    return tuple(target for target in targets if target.choosable) or targets


def sets_of(listener: Listener) -> Iterator[tuple[AgentTarget, ...]]:
    """Among whom its orchestrator ever chooses: several agents, in the operator's order."""
    running = listener.running
    sets = [among(listener, part.agents) for part in running.parts if part.loop]
    if not running.parts:
        sets.append(choosable_of(listener))
    return (agents for agents in sets if len(agents) > 1)


def among(listener: Listener, names: tuple[str, ...]) -> tuple[AgentTarget, ...]:
    """Those of these names that are there; without names, whoever may be chosen."""
    if not names:
        return choosable_of(listener)
    targets = targets_of(listener)
    return tuple(targets[name] for name in names if name in targets)


def default_of(listener: Listener) -> AgentTarget:
    """Who answers when nobody else does: the one that is called so, else the first."""
    targets = tuple(targets_of(listener).values())
    return next((target for target in targets if target.is_default), targets[0])


def _decided(listener: Listener, said: Decision, targets: dict[str, AgentTarget]) -> Plan:
    running = listener.running
    chosen = tuple(dict.fromkeys(agent for agent in said.agents if agent in targets))
    reason = said.reason
    if not chosen:
        default = default_of(listener)
        reason = f"{reason}; default agent {default.agent}" if reason else "default agent"
        return Plan(One(default), replace(said, agents=(default.agent,), reason=reason), True)
    if 0 < running.max_agents < len(chosen):
        reason = f"{reason}; the first {running.max_agents} of {len(chosen)}"
        chosen = chosen[: running.max_agents]
    decision = replace(said, agents=chosen, reason=reason)
    acting = tuple(targets[agent] for agent in chosen)
    if running.mode is Mode.LOOP:
        return Plan(Loop(acting[0]), decision)
    if len(acting) == 1:
        return Plan(One(acting[0]), decision)
    if running.mode is Mode.SEQUENCE:
        return Plan(Sequence(tuple(map(One, acting))), decision)
    merge = targets.get(running.merge)
    if merge is None:
        return Plan(Parallel(acting), decision)
    decision = replace(decision, agents=(*chosen, merge.agent))
    return Plan(Sequence((Parallel(acting), One(merge))), decision)


def _fixed(parts: tuple[Part, ...], targets: dict[str, AgentTarget]) -> Plan:
    """What the config says, whatever is asked."""
    steps = _steps(parts, targets)
    agents = tuple(target.agent for step in steps for target in _named(step))
    decision = Decision(agents, (), "the steps of this listener", FIXED)
    return Plan(steps[0] if len(steps) == 1 else Sequence(steps), decision)


def _steps(
    parts: tuple[Part, ...], targets: dict[str, AgentTarget]
) -> tuple[One | Parallel | Loop, ...]:
    steps: list[One | Parallel | Loop] = []
    for part in parts:
        acting = tuple(targets[agent] for agent in part.agents)
        if part.loop:
            steps.append(Loop(acting[0], acting))
        else:
            steps.append(One(acting[0]) if len(acting) == 1 else Parallel(acting))
        if part.merge:
            steps.append(One(targets[part.merge]))
    return tuple(steps)


def _named(step: One | Parallel | Loop) -> tuple[AgentTarget, ...]:
    """Who acts in it, or may."""
    match step:
        case One(target):
            return (target,)
        case Parallel(targets):
            return targets
        case Loop(among=among):
            return among


def _absent(running: Running, targets: dict[str, AgentTarget]) -> str:
    """An agent that a plan names before its route has come: parts of a config come one by one."""
    named = [running.merge]
    for part in running.parts:
        named += [*part.agents, part.merge]
    return next((one for one in named if one and one not in targets), "")


def _only(target: AgentTarget) -> Decision:
    scores = (AgentScore(target.agent, 1.0),)
    return Decision((target.agent,), scores, "the only agent of this listener", ONLY_AGENT)


def _printable(text: str) -> str:
    """Fit for a header whatever was said: ASCII without controls, cut."""
    shown = "".join(char if " " <= char <= "~" else "?" for char in text)
    return shown if len(shown) <= MAX_REASON else shown[: MAX_REASON - 3] + "..."
