"""Leave to send a request to a cluster that has circuit breakers: the thresholds of
balancing/thresholds.py, asked with what is open now.
"""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dataplane.balancing.thresholds import RetryLimit, Usage
from dataplane.runtime.cluster import CircuitBreakers, Priority

if TYPE_CHECKING:
    from dataplane.upstream.cluster import ClusterState
    from dataplane.upstream.endpoint import UpstreamEndpoint
    from dataplane.upstream.few_lines import FewLines


class Permit:
    """A request that is counted; `close` it once."""

    __slots__ = ("_usage",)

    def __init__(self, usage: Usage) -> None:
        self._usage = usage
        usage.begin()

    def close(self) -> None:
        """It is over."""
        self._usage.end()


class Permits:
    """Of one cluster, by the priority of requests."""

    def __init__(self, state: "ClusterState", lines: "FewLines") -> None:
        self._state = state
        self._lines = lines
        breakers = CircuitBreakers()
        self._usage = {
            Priority.DEFAULT: Usage(breakers.default),
            Priority.HIGH: Usage(breakers.high),
        }

    def replace(self, breakers: CircuitBreakers) -> None:
        """Other limits from now on; what is under way stays."""
        self._usage[Priority.DEFAULT].limits = breakers.default
        self._usage[Priority.HIGH].limits = breakers.high

    def take(self, endpoint: "UpstreamEndpoint", priority: Priority) -> Permit | None:
        """Leave for one request; None: refused, which is counted."""
        usage = self._usage[priority]
        fresh = not endpoint.pool.free
        connections, pending = self._connections() if fresh else (0, 0)
        used_up = usage.overflow(fresh=fresh, connections=connections, pending=pending)
        if used_up is None:
            return Permit(usage)
        self._lines.say(
            logging.WARNING,
            "cluster %s: a request is refused, its circuit breakers allow no more %s",
            self._state.name,
            used_up.value,
        )
        return None

    def has_room(self, priority: Priority) -> bool:
        """Whether one more request would be allowed, on whatever connection."""
        if not self._state.guarded:
            return True
        connections, pending = self._connections()
        return self._usage[priority].found(True, connections, pending) is None

    def retry_limit(self, priority: Priority) -> RetryLimit | None:
        """What retries are charged to besides their budgets, if anything."""
        usage = self._usage[priority]
        return RetryLimit(usage) if usage.limits.max_retries else None

    def overflows(self) -> dict[str, int]:
        """What was refused since the start, by what was used up."""
        found: dict[str, int] = {}
        for usage in self._usage.values():
            for what, count in usage.overflows.items():
                found[what.value] = found.get(what.value, 0) + count
        return found

    def under_way(self) -> Iterable[int]:
        """Requests and retries that are counted now."""
        return [count for one in self._usage.values() for count in (one.requests, one.retries)]

    def _connections(self) -> tuple[int, int]:
        """Those that are open or being opened, and of these those being opened."""
        endpoints = self._state.endpoints
        pending = sum(one.pool.dialling for one in endpoints)
        return pending + sum(one.pool.connections for one in endpoints), pending
