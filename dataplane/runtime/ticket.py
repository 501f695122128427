"""What an agent is given, so that what it asks of us counts as part of its run. Values only."""

from dataclasses import dataclass

HEADER = "x-outrider-run"
"""Carries a ticket, sealed (server/tickets.py)."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One call of an agent, within a run."""

    run: str
    """The run's id: that of the first one, where agents ask agents."""
    listener: str
    """The agent listener that began it."""
    depth: int
    """How many agent listeners have led to the call."""
    max_depth: int
    until: float
    """When the run is over at the latest, in seconds of a clock that all workers share."""
    traceparent: str
    """That of the call."""
    call: str = ""
    """The call's own id, where the run has a budget."""
    principal: str = ""
    """For whom the run is: see Principal."""
    tenant: str = ""
    kind: str = ""
    adds_up: bool = False
    """Whether the cost of what is asked within the run is of interest to its conversation."""
