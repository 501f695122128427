"""The terms of asking an agent: how hard it is tried, how busy its cluster is, why waiting ends."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataplane.runtime.config import Agent, AgentTarget, Listener
from dataplane.runtime.messages import ResponseDetail
from dataplane.runtime.retry import DEFAULT, RetryPolicy, laid_over
from dataplane.upstream.errors import Phase, UpstreamFailure

if TYPE_CHECKING:
    from dataplane.resilience.standing import Standing


@dataclass(slots=True)
class Ongoing:
    """Requests of a cluster that are under way."""

    active: int = 0


def policy_of(listener: Listener, agent: Agent) -> RetryPolicy:
    """How hard an agent is tried on a listener."""
    for route in listener.routes:
        if isinstance(route.target, AgentTarget) and route.target.agent == agent.id:
            return laid_over(route.retry, agent.retry)
    return laid_over(DEFAULT, agent.retry)


def load_of(standing: "Standing") -> Ongoing:
    """What is under way of a cluster."""
    load = next(iter(standing.loads), None)
    if not isinstance(load, Ongoing):
        load = Ongoing()
        standing.loads = (load,)
    return load


EMPTY = UpstreamFailure(
    Phase.ANSWER,
    ResponseDetail.UPSTREAM_TRUNCATED,
    "its stream ended before it said anything",
)


def silent(waited_s: float) -> UpstreamFailure:
    """It has said nothing for so long."""
    message = f"nothing came of it for {waited_s:.3g} s"
    return UpstreamFailure(Phase.ANSWER, ResponseDetail.UPSTREAM_SILENT, message)


def slow(window_s: float) -> UpstreamFailure:
    """It says too little."""
    message = f"too little came of it in {window_s:.3g} s"
    return UpstreamFailure(Phase.ANSWER, ResponseDetail.UPSTREAM_SLOW, message)
