"""One run: what follows from one request to an agent listener, counted while it goes on.

Rule: a limit is looked at before an agent is asked, so nothing is begun beyond it; what was begun
may end beyond it, as nobody knows the price of an answer before.
"""

from collections import Counter
from enum import StrEnum

from dataplane.runtime.limits import NANO
from dataplane.runtime.running import RunLimits


class Bound(StrEnum):
    """Which limit of a run is reached, for headers and logs."""

    STEPS = "steps"
    REPEATS = "repeats"
    DEPTH = "depth"
    TOKENS = "tokens"
    COST = "cost"


class Run:
    """Shared by all that happens within it; one worker's."""

    __slots__ = ("_asked", "cost", "deadline", "depth", "id", "limits", "steps", "tokens")

    def __init__(self, id: str, deadline: float, limits: RunLimits, depth: int = 1) -> None:  # noqa: A002
        self.id = id
        """Told as x-outrider-run-id."""
        self.deadline = deadline
        """On Clock.now(): the listener's timeout, for all of it."""
        self.limits = limits
        self.depth = depth
        """How many agent listeners have led here, this one with them."""
        self.steps = 0
        """Agents asked so far."""
        self.tokens = 0
        self.cost = 0
        """In units of 1/NANO US dollars."""
        self._asked: Counter[str] = Counter()

    def bound(self, agent: str) -> Bound | None:
        """The limit that forbids to ask this agent now."""
        limits = self.limits
        if self.depth > limits.max_depth:
            return Bound.DEPTH
        if self.steps >= limits.max_steps:
            return Bound.STEPS
        if self._asked[agent] >= limits.max_repeats:
            return Bound.REPEATS
        if limits.tokens and self.tokens >= limits.tokens:
            return Bound.TOKENS
        if limits.cost and self.cost >= limits.cost:
            return Bound.COST
        return None

    def asks(self, agent: str) -> int:
        """An agent is asked; the number of this step, from 1."""
        self.steps += 1
        self._asked[agent] += 1
        return self.steps

    def spent(self, tokens: int, cost: int = 0) -> None:
        """What an answer has used, of an agent or of a model that one asked."""
        self.tokens += tokens
        self.cost += cost

    def told(self, bound: Bound) -> str:
        """A clause for people: why nobody is asked any more."""
        limits = self.limits
        match bound:
            case Bound.STEPS:
                return f"{limits.max_steps} agents were asked in it"
            case Bound.REPEATS:
                return f"it was asked {limits.max_repeats} times already"
            case Bound.DEPTH:
                return f"agents ask agents more than {limits.max_depth} deep"
            case Bound.TOKENS:
                return f"the budget of {limits.tokens} tokens is used up"
            case Bound.COST:
                return f"the budget of ${limits.cost / NANO:g} is used up"
