"""How the agents of a listener are run, and what a run may use up: all that follows from one
request to it. Values only.
"""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Of one run, with the runs that its agents begin within it."""

    max_steps: int = 16
    """Agents asked, one after the other or at once."""
    max_repeats: int = 4
    """How often one agent is asked."""
    max_depth: int = 4
    """Agent listeners within one another; 1: an agent's own requests to one are refused."""
    tokens: int = 0
    """Input and output of all that is asked; 0: any number."""
    cost: int = 0
    """In units of 1/NANO US dollars (runtime/limits.py); 0: any amount."""
    calls: int = 0
    """Agents and models asked, those with them that its agents ask; 0: any number."""


class Mode(Enum):
    """How agents are run that were chosen. The values are the words of the config."""

    SEQUENCE = "sequence"
    """Each reads what those before it said."""
    PARALLEL = "parallel"
    """At once; what they say is put together in their order, or by one more agent."""
    LOOP = "loop"
    """One; then the orchestrator is asked again, until it names nobody."""


class Telling(Enum):
    """Whether a client is told of a run as it goes on. The values are the words of the config."""

    NEVER = "never"
    ON_REQUEST = "on_request"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Part:
    """One step of a fixed plan: an agent, or several at once."""

    agents: tuple[str, ...]
    merge: str = ""
    """The agent that puts together what several say; empty: it is put together in their order."""
    loop: bool = False
    """One of them, then the orchestrator is asked who of them goes on, until it names nobody."""


@dataclass(frozen=True, slots=True)
class Running:
    """The plan of a listener, as far as its config says it."""

    mode: Mode = Mode.SEQUENCE
    merge: str = ""
    """See Part; of PARALLEL."""
    parts: tuple[Part, ...] = ()
    """What is run whatever is asked; none: the orchestrator chooses."""
    max_agents: int = 0
    """Of what the orchestrator chooses, the first so many; 0: all of it."""
    limits: RunLimits = RunLimits()
    telling: Telling = Telling.ON_REQUEST


# What becomes of a step whose agent fails: tried in the order of the config. Any other word is the
# id of an agent of the listener, and none at all: the run fails.
OTHER_VERSION = "other_version"
DEFAULT = "default"
SKIP = "skip"
