"""Who calls, as retry budgets tell callers apart, so that one of them cannot use up what all share.

The rule: a request that does not fail pays nothing for this. What a caller has under way is counted
when its requests fail, at most once a RECOUNT_S, by a look at the clients' connections. No
credential is kept, only what hash() makes of it, which is keyed anew in each process.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING

from dataplane.resilience.budget import CallerCounts, RetryCount

if TYPE_CHECKING:
    from dataplane.server.incoming import Incoming

RECOUNT_S = 1.0
"""10,000 connections take 3 ms."""

Works = Callable[[], Iterable[Hashable]]


class Callers:
    """The callers of this worker that have retries."""

    def __init__(self) -> None:
        self._counts = CallerCounts()
        self._works: Works = tuple
        self._active: Counter[Hashable] = Counter()
        self._counted_at = float("-inf")

    def watch(self, works: Works) -> None:
        """`works` tells the caller of each request that is under way."""
        self._works = works

    def count(self, caller: Hashable, now: float) -> RetryCount:
        """The retries of a caller, one of whose requests has failed."""
        if now >= self._counted_at + RECOUNT_S:
            self._counted_at = now
            self._active = Counter(self._works())
        return self._counts.of(caller, lambda: self._active[caller])


def caller_of(incoming: "Incoming", peer: str) -> Hashable:
    """Whoever sent a request: a principal, a credential, or else an address."""
    principal = incoming.principal
    if principal is not None and principal.id:
        return "principal", principal.id
    at = incoming.shape.credential
    return hash(incoming.values[at]) if at >= 0 else peer
