"""Whether an endpoint is well, by what it answers when it is asked for that (Envoy's semantics).

The rule: the first answer of all decides alone; afterwards so many in a row are needed to change
the verdict.
"""

from dataplane.runtime.cluster import HealthCheck


class Health:
    """Of one endpoint."""

    __slots__ = ("_in_a_row", "_rules", "healthy", "is_known")

    def __init__(self, rules: HealthCheck) -> None:
        self._rules = rules
        self._in_a_row = 0
        self.healthy = True
        """Until somebody has looked."""
        self.is_known = False
        """Whether anybody has."""

    def passed(self) -> bool:
        """A good answer; whether the verdict has changed."""
        return self._saw(good=True, enough=self._rules.healthy_threshold)

    def failed(self) -> bool:
        """A bad answer, or none in time; whether the verdict has changed."""
        return self._saw(good=False, enough=self._rules.unhealthy_threshold)

    def judges(self, rules: HealthCheck) -> None:
        """Go on under other rules."""
        self._rules = rules

    def _saw(self, *, good: bool, enough: int) -> bool:
        first, self.is_known = not self.is_known, True
        if good is self.healthy:
            self._in_a_row = 0
            return False
        self._in_a_row += 1
        if not first and self._in_a_row < enough:
            return False
        self._in_a_row = 0
        self.healthy = good
        return True


def is_good(status: int, rules: HealthCheck) -> bool:
    """Whether an answer with this status is one of somebody who is well."""
    return any(first <= status <= last for first, last in rules.statuses)
