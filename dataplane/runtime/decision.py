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
class Decision:
    """The agents to run, in order, with every agent's score, best first.

    `agents` is empty when none fits: the caller then takes the default agent.
    """

    agents: tuple[str, ...]
    scores: tuple[AgentScore, ...]
    reason: str
    """A short sentence for people: "weather 0.93; flights 0.88 in a clause of its own"."""
    method: str
    """What decided: "only_agent", "bm25", "minilm" ..."""
