"""What a run may use up: all that follows from one request to an agent listener. Values only."""

from dataclasses import dataclass


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
