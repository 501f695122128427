"""Which agents should answer, and why: what every orchestrator returns."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation as the router reads it: its role and its text."""

    role: str
    text: str
    name: str = ""
    """An assistant turn: the agent that wrote it, if the message says so."""


@dataclass(frozen=True, slots=True)
class AgentScore:
    """How well one agent fits, 0 to 1."""

    agent: str
    score: float


@dataclass(frozen=True, slots=True)
class Step:
    """One who was asked on the way to a decision."""

    method: str
    """See Decision."""
    agents: tuple[str, ...] = ()
    """What it would have; empty as well when it failed."""
    confidence: float = 0.0
    problem: str = ""
    """Why it did not decide: it failed, was too slow or not sure enough."""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The agents to run, in order, with every agent's score, best first.

    `agents` is empty when none fits: the caller then takes the default agent.
    """

    agents: tuple[str, ...]
    scores: tuple[AgentScore, ...]
    """None where a model decided: it says names only."""
    reason: str
    """A short sentence for people: "weather 0.93; flights 0.88 in a clause of its own"."""
    method: str
    """What decided: "only_agent", "bm25", "minilm", "use", "minilm+use", "model", or "none" when
    everything failed."""
    confidence: float = 0.0
    """How sure who decided is that exactly these are right, 0 to 1; 0 where it does not say."""
    threshold: float = 0.0
    """What confidence in any agent had to reach, 0 to 1; 0 where there is no such thing."""
    steps: tuple[Step, ...] = ()
    """Everybody who was asked before, when who decided was not the only one."""
    previous: str = ""
    """The agent that had the conversation before, as far as it is known."""
