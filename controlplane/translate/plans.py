"""Plans of listeners -> what a data plane runs."""

from outriderpb.v1 import plan_pb2

from controlplane.config import schema
from controlplane.config.rules.plans import FAIL
from controlplane.config.schema_plan import CONCATENATE

_MODES = {
    "sequence": plan_pb2.MODE_SEQUENCE,
    "parallel": plan_pb2.MODE_PARALLEL,
    "loop": plan_pb2.MODE_LOOP,
}
_PROGRESS = {
    "on_request": plan_pb2.PROGRESS_ON_REQUEST,
    "never": plan_pb2.PROGRESS_NEVER,
    "always": plan_pb2.PROGRESS_ALWAYS,
}
NANO = 1_000_000_000
"""Cost is sent in billionths of a US dollar."""


def plan(listener: schema.Listener) -> plan_pb2.Plan | None:
    """None: a listener that has only the defaults, as they are the data plane's, too."""
    written = listener.plan
    if listener.type != "agent" or written == type(written)():
        return None
    budget = written.budget
    return plan_pb2.Plan(
        mode=_MODES[written.mode],
        merge=_merge(written.merge),
        steps=[
            plan_pb2.Step(agents=step.agents, merge=_merge(step.merge), loop=step.loop is not None)
            for step in written.steps
        ],
        max_agents=written.max_agents or 0,
        max_steps=written.max_steps,
        max_repeats=written.max_repeats,
        max_depth=written.max_depth,
        budget_tokens=budget.tokens or 0,
        budget_cost_nano=round((budget.cost or 0.0) * NANO),
        progress=_PROGRESS[written.progress],
        budget_calls=budget.calls or 0,
    )


def on_failure(agent: schema.ListenerAgent) -> list[str]:
    """`fail` is what happens after the last word anyhow."""
    return [word for word in agent.on_failure if word != FAIL]


def is_chosen(listener: schema.Listener, agent: schema.ListenerAgent) -> bool:
    """Whether an orchestrator may choose it: who merges what others said has its own place."""
    return agent.choosable and agent.id != listener.plan.merge


def _merge(name: str) -> str:
    return "" if name == CONCATENATE else name
