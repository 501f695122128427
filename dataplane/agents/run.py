"""One run: what follows from one request to an agent listener, counted while it goes on, and what
became of each of its steps.

Rule: a limit is looked at before an agent is asked, so nothing is begun beyond it; what was begun
may end beyond it, as nobody knows the price of an answer before. What is told of a step is what
happened, also when the client has an answer in spite of it.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from dataplane.runtime.limits import NANO
from dataplane.runtime.running import RunLimits

MAX_TOLD = 32
"""Steps that a header tells of."""


class Bound(StrEnum):
    """Which limit of a run is reached, for headers and logs."""

    STEPS = "steps"
    REPEATS = "repeats"
    DEPTH = "depth"
    TOKENS = "tokens"
    COST = "cost"
    CALLS = "calls"
    INPUT = "input"
    """No limit: an agent wants to hear more from the client first."""


class Step:
    """One agent that is asked."""

    __slots__ = ("agent", "asks", "instead_of", "number", "ok", "skipped", "version", "why")

    def __init__(self, number: int, agent: str, instead_of: str = "", version: str = "") -> None:
        self.number = number
        """From 1."""
        self.agent = agent
        self.version = version
        """Of agents that have several."""
        self.instead_of = instead_of
        """Whose place it takes."""
        self.ok = False
        self.asks = False
        """Its answer is a question."""
        self.why = ""
        """It failed, and that is how: its status, or a ResponseDetail."""
        self.skipped = False
        """It failed, and the run goes on without it."""

    @property
    def label(self) -> str:
        """`agent`, or `agent@version`."""
        return f"{self.agent}@{self.version}" if self.version else self.agent

    def told(self) -> str:
        """For headers and logs: `flights;failed=503;skipped`, `desk;ok;for=flights`."""
        words = [self.label]
        if self.ok:
            words.append("ok")
        if self.asks:
            words.append("asks")
        elif self.why:
            words.append(f"failed={self.why}")
        if self.skipped:
            words.append("skipped")
        if self.instead_of:
            words.append(f"for={self.instead_of}")
        return ";".join(words)


@dataclass(frozen=True, slots=True)
class Left:
    """Of a sequence: what comes after the part that has ended with a question."""

    part: int = 0
    """The place of that part in the plan."""
    agents: tuple[str, ...] = ()
    """Who was to act after it, one by one, where a plan's parts are agents."""


class Run:
    """Shared by all that happens within it; one worker's."""

    __slots__ = (
        "_asked",
        "adds_up",
        "asker",
        "deadline",
        "depth",
        "id",
        "left",
        "limits",
        "overheard",
        "steps",
        "stopped",
        "tells",
        "tokens",
    )

    def __init__(
        self,
        id: str,  # noqa: A002
        deadline: float,
        limits: RunLimits,
        depth: int = 1,
        *,
        tells: bool = False,
        overheard: bool = False,
    ) -> None:
        self.id = id
        """Told as x-outrider-run-id."""
        self.deadline = deadline
        """On Clock.now(): the listener's timeout, for all of it."""
        self.limits = limits
        self.depth = depth
        """How many agent listeners have led here, this one with them."""
        self.tells = tells
        """Whether the client hears of it while it goes on."""
        self.overheard = overheard
        """And what agents say on the way, as they say it."""
        self.steps: list[Step] = []
        """Agents asked so far."""
        self.stopped: Bound | None = None
        """Why it did not go on, although it should have."""
        self.tokens = 0
        """As agents tell them. The money that requests within it cost is budgeting.py's."""
        self.adds_up = False
        """Whether its conversation wants to know what requests within it cost."""
        self.asker = ""
        """The agent that wants to hear more from the client before it goes on."""
        self.left = Left()
        """What of the plan was not carried out for that."""
        self._asked: Counter[str] = Counter()

    def bound(self, agent: str) -> Bound | None:
        """The limit that forbids to ask this agent now."""
        limits = self.limits
        if self.depth > limits.max_depth:
            return Bound.DEPTH
        if len(self.steps) >= limits.max_steps:
            return Bound.STEPS
        if self._asked[agent] >= limits.max_repeats:
            return Bound.REPEATS
        if limits.tokens and self.tokens >= limits.tokens:
            return Bound.TOKENS
        return None

    def asks(self, agent: str, instead_of: str = "", version: str = "") -> Step:
        """An agent is asked."""
        step = Step(len(self.steps) + 1, agent, instead_of, version)
        self.steps.append(step)
        self._asked[agent] += 1
        return step

    def asked_back(self, agent: str) -> None:
        """What an agent has answered is a question."""
        self.asker = agent
        for step in reversed(self.steps):
            if step.agent == agent:
                step.asks = True
                return

    def skipped(self, agent: str) -> None:
        """An agent has failed, as have those who stood in for it, and it goes on without."""
        for step in self.steps:
            if step.why and agent in (step.agent, step.instead_of):
                step.skipped = True

    def spent(self, tokens: int) -> None:
        """What an agent's answer has used."""
        self.tokens += tokens

    def answered(self) -> tuple[str, ...]:
        """Whose words the client has or gets, in order: who has not failed."""
        return tuple(step.agent for step in self.steps if not step.why)

    def versions(self) -> tuple[str, ...]:
        """`agent@version` of those who have not failed, where they have several."""
        return tuple(step.label for step in self.steps if step.version and not step.why)

    def told(self) -> tuple[str, ...]:
        """What became of the steps; nothing where one agent was asked and all went well."""
        steps = self.steps
        if len(steps) == 1 and not steps[0].why and self.stopped is None:
            return ()
        return tuple(step.told() for step in steps)

    def why(self, bound: Bound) -> str:
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
            case Bound.CALLS:
                return f"the budget of {limits.calls} calls is used up"
            case Bound.INPUT:
                return f"{self.asker} asks the client something"
