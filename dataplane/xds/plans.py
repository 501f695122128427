"""Plans of listeners, of the wire -> the values of dataplane/runtime/running.py."""

from collections.abc import Mapping

from outriderpb.v1 import plan_pb2

from dataplane.runtime.running import Mode, Part, RunLimits, Running, Telling
from dataplane.xds.fields import BadFieldError

MODES: Mapping[int, Mode] = {
    plan_pb2.MODE_UNSPECIFIED: Mode.SEQUENCE,
    plan_pb2.MODE_SEQUENCE: Mode.SEQUENCE,
    plan_pb2.MODE_PARALLEL: Mode.PARALLEL,
    plan_pb2.MODE_LOOP: Mode.LOOP,
}
TELLING: Mapping[int, Telling] = {
    plan_pb2.PROGRESS_NEVER: Telling.NEVER,
    plan_pb2.PROGRESS_ALWAYS: Telling.ALWAYS,
}


def running(m: plan_pb2.Plan) -> Running:
    """How agents are run. Raises BadFieldError."""
    mode = MODES.get(m.mode)
    if mode is None:
        raise BadFieldError(f"plan has mode {m.mode}, which this data plane does not know")
    if any(not step.agents for step in m.steps):
        raise BadFieldError("plan has a step without agents")
    default = RunLimits()
    return Running(
        mode=mode,
        merge=m.merge,
        parts=tuple(Part(tuple(step.agents), step.merge, step.loop) for step in m.steps),
        max_agents=m.max_agents,
        limits=RunLimits(
            m.max_steps or default.max_steps,
            m.max_repeats or default.max_repeats,
            m.max_depth or default.max_depth,
            m.budget_tokens,
            m.budget_cost_nano,
            m.budget_calls,
        ),
        telling=TELLING.get(m.progress, Telling.ON_REQUEST),
    )
