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

    __slots__ = ("_limits", "overflows", "requests", "retries")

    def __init__(self, limits: Thresholds) -> None:
        self._limits = limits
        self.requests = 0
        self.retries = 0
        self.overflows = dict.fromkeys(Overflow, 0)
        """How often each was refused."""

    def limits(self, limits: Thresholds) -> None:
        """Other limits from now on; what is under way stays."""
        self._limits = limits

    def overflow(
        self, *, retry: bool, fresh: bool = False, connections: int = 0, pending: int = 0
    ) -> Overflow | None:
        """What is used up, so that a request must not be sent; counted. None: send it, and say
        `begin`.

        :param fresh: whether it needs a new connection. :param connections: those of the cluster
            that are open or being opened. :param pending: of these, those being opened.
        """
        found = self._found(retry, fresh, connections, pending)
        if found is not None:
            self.overflows[found] += 1
        return found

    def begin(self, *, retry: bool) -> None:
        """A request is sent; `end` it as it began."""
        self.requests += 1
        self.retries += retry

    def end(self, *, retry: bool) -> None:
        """It is over."""
        self.requests -= 1
        self.retries -= retry

    def _found(self, retry: bool, fresh: bool, connections: int, pending: int) -> Overflow | None:
        limits = self._limits
        if self.requests >= limits.max_requests:
            return Overflow.REQUESTS
        if retry and limits.max_retries and self.retries >= limits.max_retries:
            return Overflow.RETRIES
        if fresh and pending >= limits.max_pending_requests:
            return Overflow.PENDING
        if fresh and connections >= limits.max_connections:
            return Overflow.CONNECTIONS
        return None
