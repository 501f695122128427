"""How much of a cluster may be under way at the same time (Envoy's circuit breakers).

The rule: what does not fit is refused at once and counted; nobody waits. Each worker counts by
itself, and each priority of requests.
"""

from enum import Enum

from dataplane.runtime.cluster import Thresholds


class Overflow(Enum):
    """What of a cluster is used up. The values are labels of a metric."""

    __hash__ = object.__hash__

    CONNECTIONS = "connections"
    PENDING = "pending"
    REQUESTS = "requests"
    RETRIES = "retries"


class Usage:
    """Of one cluster by requests of one priority."""

    __slots__ = ("limits", "overflows", "requests", "retries")

    def __init__(self, limits: Thresholds) -> None:
        self.limits = limits
        """May be others from now on; what is under way stays."""
        self.requests = 0
        self.retries = 0
        self.overflows = dict.fromkeys(Overflow, 0)
        """How often each was refused."""

    def overflow(
        self, *, fresh: bool = False, connections: int = 0, pending: int = 0
    ) -> Overflow | None:
        """What is used up, so that a request must not be sent; counted. None: send it, and say
        `begin`.

        :param fresh: whether it needs a new connection. :param connections: those of the cluster
            that are open or being opened. :param pending: of these, those being opened.
        """
        found = self.found(fresh, connections, pending)
        if found is not None:
            self.overflows[found] += 1
        return found

    def found(self, fresh: bool, connections: int, pending: int) -> Overflow | None:
        """As `overflow`, and not counted."""
        limits = self.limits
        if self.requests >= limits.max_requests:
            return Overflow.REQUESTS
        if fresh and pending >= limits.max_pending_requests:
            return Overflow.PENDING
        if fresh and connections >= limits.max_connections:
            return Overflow.CONNECTIONS
        return None

    def begin(self) -> None:
        """A request is sent."""
        self.requests += 1

    def end(self) -> None:
        """It is over."""
        self.requests -= 1


class RetryLimit:
    """What retries of one request are charged to (resilience.allowance.Allowance)."""

    __slots__ = ("_usage",)

    def __init__(self, usage: Usage) -> None:
        self._usage = usage

    def take(self) -> bool:
        """One more retry runs; False: there may not be one."""
        usage = self._usage
        if usage.retries >= usage.limits.max_retries:
            usage.overflows[Overflow.RETRIES] += 1
            return False
        usage.retries += 1
        return True

    def give_back(self) -> None:
        """A retry that was taken has ended."""
        self._usage.retries -= 1
