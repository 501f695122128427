"""One endpoint of one cluster, as the balancing policies of one worker know it.

The rule: a policy reads `share` and `active` and nothing else of an endpoint that it may pick;
who may be picked is decided before (availability.py), when something changes and not per request.
"""

from typing import TypeVar

from dataplane.balancing.latency import Latency

NEVER = float("inf")


class EndpointState:
    """What is known of an endpoint. Times are on the clock of whoever owns it."""

    __slots__ = (
        "active",
        "back_since",
        "credit",
        "ejected",
        "healthy",
        "latency",
        "name",
        "priority",
        "share",
        "weight",
        "zone",
    )

    def __init__(self, name: str, weight: int = 1, priority: int = 0, zone: str = "") -> None:
        self.name = name
        """host:port: what hashing goes by, so that every worker and node agrees."""
        self.weight = max(weight, 1)
        self.priority = priority
        """0 is asked first."""
        self.zone = zone
        self.active = 0
        """Requests under way; whoever sends counts up and down."""
        self.share = float(self.weight)
        """Its weight as it counts now: less during a slow start."""
        self.healthy = True
        """By active health checks; true until the first says something else."""
        self.ejected = False
        """By outlier detection."""
        self.back_since = -NEVER
        """When it was new, or came back: its slow start counts from here."""
        self.credit = 0.0
        """Of round robin."""
        self.latency = Latency()

    @property
    def usable(self) -> bool:
        """Whether it is asked while there is no panic."""
        return self.healthy and not self.ejected


E = TypeVar("E", bound=EndpointState)
