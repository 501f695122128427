"""Plans of agent listeners: agents that are there, and keys that mean something together."""

from controlplane.config import schema
from controlplane.config.problem import Path
from controlplane.config.rules.findings import Findings, suggest
from controlplane.config.schema_plan import CONCATENATE, Plan, Step

FAIL, SKIP, DEFAULT, OTHER_VERSION = "fail", "skip", "default", "other_version"
WORDS = (FAIL, SKIP, DEFAULT, OTHER_VERSION)
"""What `on_failure` says besides ids."""
CHOOSING = ("mode", "max_agents", "merge")
"""Keys of a plan that are about agents which are chosen."""


def check(config: schema.Config, findings: Findings) -> None:
    """Everything under `plan`, and the keys of a listener's agents that belong to it."""
    for index, listener in enumerate(config.listeners):
        path: Path = ("listeners", index)
        if listener.type == "agent":
            _plan(listener, path, findings)
            _agents(listener, path, findings)
            _other_versions(config, listener, path, findings)
        elif "plan" in listener.model_fields_set:
            hint = "it is for agent listeners"
            findings.add((*path, "plan"), f"means nothing in a {listener.type} listener", hint)


def named(listener: schema.Listener) -> set[str]:
    """Agents that act without being chosen."""
    plan = listener.plan
    steps = {one for step in plan.steps for one in (*step.agents, step.merge)}
    instead = {one for agent in listener.agents for one in agent.on_failure}
    return {*steps, plan.merge, *instead}


def _plan(listener: schema.Listener, path: Path, findings: Findings) -> None:
    plan, at = listener.plan, (*path, "plan")
    ids = [agent.id for agent in listener.agents]
    if plan.steps:
        for key in CHOOSING:
            if key in plan.model_fields_set:
                hint = "nobody is chosen where `steps` say who acts"
                findings.add((*at, key), "means nothing beside 'steps'", hint)
        _steps(plan, ids, at, findings)
    elif findings.blamed((*at, "mode")):
        _known(plan.merge, ids, (*at, "merge"), findings)
    elif plan.merge != CONCATENATE and plan.mode != "parallel":
        hint = "write mode: parallel, or remove it"
        findings.add((*at, "merge"), f"means nothing with mode: {plan.mode}", hint)
    else:
        _known(plan.merge, ids, (*at, "merge"), findings)


def _steps(plan: Plan, ids: list[str], at: Path, findings: Findings) -> None:
    asked = 0
    for number, step in enumerate(plan.steps):
        place: Path = (*at, "steps", number)
        _kind(step, place, findings)
        for index, name in enumerate(step.agents):
            where = (*place, "loop" if step.parallel is None else "parallel", index)
            if not findings.has(where):
                where = place  # an id alone
            _known(name, ids, where, findings)
            if name in step.agents[:index]:
                findings.add(where, f"agent {name!r} is here twice", "name it once")
        if step.merge != CONCATENATE:
            _known(step.merge, ids, (*place, "merge"), findings)
        asked += 1 if step.loop else len(step.agents) + (step.merge != CONCATENATE)
    if asked > plan.max_steps:
        hint = f"write max_steps: {asked}, or more where agents stand in for others"
        findings.add((*at, "steps"), f"{asked} agents, but max_steps is {plan.max_steps}", hint)


def _kind(step: Step, place: Path, findings: Findings) -> None:
    """Either at once or in a loop."""
    if step.parallel is None and step.loop is None:
        if not findings.blamed((*place, "parallel")) and not findings.blamed((*place, "loop")):
            findings.add(place, "has no agents", "write parallel: [...] or loop: [...]")
    elif step.parallel is not None and step.loop is not None:
        findings.add((*place, "loop"), "'parallel' and 'loop' are both given", "make two steps")
    elif step.loop is not None and step.merge != CONCATENATE:
        hint = "write the agent as the next step"
        findings.add((*place, "merge"), "means nothing beside 'loop'", hint)
    if step.loop is not None and len(step.loop) == 1:
        hint = "name the agents among whom it goes on, or write the agent alone"
        findings.add((*place, "loop"), "is of one agent", hint)


def _agents(listener: schema.Listener, path: Path, findings: Findings) -> None:
    ids = [agent.id for agent in listener.agents]
    by_name = named(listener)
    for index, agent in enumerate(listener.agents):
        at: Path = (*path, "agents", index)
        _on_failure(agent, ids, (*at, "on_failure"), findings)
        if not agent.choosable and not agent.default and agent.id not in by_name:
            hint = "name it in `plan` or in an `on_failure`, or remove `choosable`"
            findings.add((*at, "choosable"), "nobody would ever ask this agent", hint)
    fixed = listener.plan.steps
    if listener.agents and not fixed and not any(agent.choosable for agent in listener.agents):
        hint = "remove `choosable: false` from one of them"
        findings.add((*path, "agents"), "none of them may be chosen", hint)


def _other_versions(
    config: schema.Config, listener: schema.Listener, path: Path, findings: Findings
) -> None:
    """An agent that has no other version has none to stand in for it."""
    versions = {one.id: sum(bool(v.weight) for v in one.versions) for one in config.agents}
    for index, agent in enumerate(listener.agents):
        if OTHER_VERSION in agent.on_failure and versions.get(agent.id, 2) < 2:
            at = (*path, "agents", index, "on_failure")
            hint = "give it two 'versions' with a weight, or remove the word"
            findings.add(at, f"agent {agent.id!r} has no other version", hint)


def _on_failure(
    agent: schema.ListenerAgent, ids: list[str], path: Path, findings: Findings
) -> None:
    words = agent.on_failure
    for index, word in enumerate(words):
        at = (*path, index) if findings.has((*path, index)) else path
        if word in words[:index]:
            findings.add(at, f"{word!r} is here twice", "each is tried once")
        elif index and words[index - 1] in (FAIL, SKIP):
            hint = f"nothing is tried after {words[index - 1]!r}"
            findings.add(at, f"{word!r} is never reached", hint)
        elif word == agent.id:
            hint = "retries are the affair of `retry`"
            findings.add(at, "an agent cannot stand in for itself", hint)
        elif word == DEFAULT and agent.default:
            findings.add(at, "this is the default agent itself", "name another one, or 'skip'")
        elif word not in WORDS:
            _known(word, ids, at, findings)


def _known(name: str, ids: list[str], path: Path, findings: Findings) -> None:
    if name != CONCATENATE and name not in ids:
        hint = suggest(name, ids, "agents")
        findings.add(path, f"{name!r} is no agent of this listener", hint)
