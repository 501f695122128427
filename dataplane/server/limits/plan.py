"""Which buckets requests take from, worked out once for all that take from the same.

The rule: a plan is good as long as all its buckets are kept, and are those of its limits; then it
is made anew.
"""

from collections.abc import Callable, Sequence
from typing import Final

from dataplane.resilience.quota_holding import Holding
from dataplane.runtime.limits import Limit, Measure
from dataplane.server.limits.told import Lines

_REQUESTS: Final = Measure.REQUESTS
_CONCURRENT: Final = Measure.CONCURRENT


class Passed:
    """Requests that a limit has let pass at once: a number, because a table hashes the limit's name
    and the outcome for each of them.
    """

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Plan:
    """For one caller, or for all where the limits do not ask who calls."""

    __slots__ = ("hurries", "is_sized", "limits", "lines", "ones", "passed")

    def __init__(
        self,
        buckets: Sequence[tuple[Limit, Sequence[Holding]]],
        passed: Callable[[str], Passed],
    ) -> None:
        """:param buckets: one for each amount of each limit. :param passed: by a limit's name."""
        self.ones: list[tuple[Holding, int]] = []
        """What a request takes where its size has no say."""
        self.limits: list[Limit] = []
        """Of each of these buckets."""
        self.is_sized = False
        """Whether the size of a request has a say."""
        self.hurries = False
        """Whether any is the budget of a run."""
        self.passed: list[Passed] = []
        """Where a request that gets all of it is counted."""
        shown: list[Holding] = []
        for limit, holdings in buckets:
            self.passed.append(passed(limit.name))
            self.hurries = self.hurries or bool(limit.run_of)
            for holding in holdings:
                self.ones.append((holding, 1))
                self.limits.append(limit)
                if not is_counted(holding):
                    self.is_sized = True
                if holding.is_shown:
                    shown.append(holding)
        self.lines = Lines(shown)

    def is_good(self) -> bool:
        """Whether it still holds."""
        limits = self.limits
        for at, (holding, _) in enumerate(self.ones):
            if holding.forgotten or holding.limit is not limits[at]:
                return False
        return True


def is_counted(holding: Holding) -> bool:
    """Whether each request takes one, whatever its size."""
    measure = holding.measure
    return measure is _REQUESTS or measure is _CONCURRENT
