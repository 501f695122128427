"""Leaving out endpoints that fail, as seen by the requests they get (Envoy's outlier detection).

The rules: never more endpoints are out than the config allows, but that one may always be; never is
the last usable one put out (that is refused, and counted); whoever is out comes back. An endpoint
that fails again soon after it came back stays out longer; each quiet interval takes that back by
one step.
"""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Generic

from dataplane.balancing.ejection import Cause, Change, Event
from dataplane.balancing.endpoint import E
from dataplane.runtime.cluster import OutlierDetection

JITTER = 0.1
"""Of a time out, on top: workers do not ask as one whether an endpoint is well again."""
MAX_STEPS = 1000
"""Of a time out; past every cap."""


class _Watch:
    """Of one endpoint."""

    __slots__ = ("failed", "in_a_row", "local_in_a_row", "steps", "total", "until")

    def __init__(self) -> None:
        self.in_a_row = 0
        self.local_in_a_row = 0
        self.total = 0
        """Requests since the last look."""
        self.failed = 0
        """Of these."""
        self.steps = 0
        """What the base time is taken times when it is ejected next, less one."""
        self.until = 0.0
        """When it comes back."""


class Outlier(Generic[E]):
    """Of one cluster, in one worker. It sets `ejected` of endpoints and nothing else."""

    def __init__(self, rules: OutlierDetection, random: Callable[[], float]) -> None:
        self._rules = rules
        self._random = random
        self._watches: dict[E, _Watch] = {}
        self.counts = dict.fromkeys(Change, 0)
        self.causes = dict.fromkeys(Cause, 0)
        """Of ejections."""

    def replace(self, endpoints: Sequence[E], rules: OutlierDetection) -> None:
        """The endpoints of the cluster from now on; what is known of those that stay is kept."""
        self._rules = rules
        watches = self._watches
        self._watches = {one: watches.get(one) or _Watch() for one in endpoints}

    def answered(self, endpoint: E, status: int, now: float) -> Event[E] | None:
        """An endpoint has answered."""
        watch = self._watches.get(endpoint)
        if watch is None:
            return None
        watch.total += 1
        watch.local_in_a_row = 0
        if status < 500:
            watch.in_a_row = 0
            return None
        return self._failed(endpoint, watch, now)

    def failed(self, endpoint: E, now: float) -> Event[E] | None:
        """An endpoint has given no answer, or no whole one."""
        watch = self._watches.get(endpoint)
        if watch is None:
            return None
        watch.total += 1
        watch.local_in_a_row += 1
        limit = self._rules.consecutive_local_origin_failure
        if limit and watch.local_in_a_row >= limit and not endpoint.ejected:
            watch.failed += 1
            watch.in_a_row += 1
            return self._eject(endpoint, watch, Cause.CONSECUTIVE_LOCAL_ORIGIN_FAILURE, now)
        return self._failed(endpoint, watch, now)

    def sweep(self, now: float) -> list[Event[E]]:
        """To be called every interval: who is back, who is out for its share of failures."""
        events: list[Event[E]] = []
        for endpoint, watch in self._watches.items():
            if endpoint.ejected:
                if now >= watch.until:
                    events.append(self._unejected(endpoint, watch))
            elif watch.steps and not watch.failed:
                watch.steps -= 1
        events += self._by_success_rate(now)
        events += self._by_failure_percentage(now)
        for watch in self._watches.values():
            watch.total = watch.failed = 0
        return events

    def healthy_again(self, endpoint: E) -> Event[E] | None:
        """A health check says that an endpoint is well: that counts more."""
        watch = self._watches.get(endpoint)
        if watch is None or not endpoint.ejected:
            return None
        return self._unejected(endpoint, watch)

    def stop(self) -> list[Event[E]]:
        """Nobody is left out any more."""
        return [
            self._unejected(endpoint, watch)
            for endpoint, watch in self._watches.items()
            if endpoint.ejected
        ]

    def until(self, endpoint: E) -> float:
        """When an ejected endpoint comes back, at the next sweep from then on."""
        return self._watches[endpoint].until if endpoint in self._watches else 0.0

    def _failed(self, endpoint: E, watch: _Watch, now: float) -> Event[E] | None:
        watch.failed += 1
        watch.in_a_row += 1
        limit = self._rules.consecutive_5xx
        if limit and watch.in_a_row >= limit and not endpoint.ejected:
            return self._eject(endpoint, watch, Cause.CONSECUTIVE_5XX, now)
        return None

    def _eject(self, endpoint: E, watch: _Watch, cause: Cause, now: float) -> Event[E]:
        # either way it must fail as often again before there is anything new to say
        watch.in_a_row = watch.local_in_a_row = 0
        out = sum(one.ejected for one in self._watches)
        if not any(one.usable for one in self._watches if one is not endpoint):
            return self._told(Event(endpoint, Change.KEPT_AS_LAST, cause))
        if out and 100.0 * (out + 1) / len(self._watches) > self._rules.max_ejection_percent:
            return self._told(Event(endpoint, Change.KEPT_BY_PERCENT, cause))
        rules = self._rules
        watch.steps = min(watch.steps + 1, MAX_STEPS)
        span = min(
            rules.base_ejection_time_s * watch.steps,
            max(rules.base_ejection_time_s, rules.max_ejection_time_s),
        )
        span *= 1.0 + JITTER * self._random()
        watch.until = now + span
        endpoint.ejected = True
        self.causes[cause] += 1
        return self._told(Event(endpoint, Change.EJECTED, cause, span))

    def _unejected(self, endpoint: E, watch: _Watch) -> Event[E]:
        endpoint.ejected = False
        watch.in_a_row = watch.local_in_a_row = watch.total = watch.failed = 0
        return self._told(Event(endpoint, Change.UNEJECTED))

    def _told(self, event: Event[E]) -> Event[E]:
        self.counts[event.change] += 1
        return event

    def _by_success_rate(self, now: float) -> list[Event[E]]:
        rules = self._rules
        if not rules.success_rate_stdev_factor:
            return []
        rates = self._rates(rules.success_rate_request_volume)
        if len(rates) < max(rules.success_rate_minimum_hosts, 1):
            return []
        mean = sum(rates.values()) / len(rates)
        stdev = sqrt(sum((rate - mean) ** 2 for rate in rates.values()) / len(rates))
        least = mean - rules.success_rate_stdev_factor * stdev
        return [
            self._eject(one, self._watches[one], Cause.SUCCESS_RATE, now)
            for one, rate in rates.items()
            if rate < least
        ]

    def _by_failure_percentage(self, now: float) -> list[Event[E]]:
        rules = self._rules
        if not rules.failure_percentage_threshold:
            return []
        rates = self._rates(rules.failure_percentage_request_volume)
        if len(rates) < max(rules.failure_percentage_minimum_hosts, 1):
            return []
        return [
            self._eject(one, self._watches[one], Cause.FAILURE_PERCENTAGE, now)
            for one, rate in rates.items()
            if 100.0 - rate >= rules.failure_percentage_threshold and not one.ejected
        ]

    def _rates(self, volume: int) -> dict[E, float]:
        """Good answers in percent, of endpoints with enough requests since the last look."""
        return {
            one: 100.0 * (watch.total - watch.failed) / watch.total
            for one, watch in self._watches.items()
            if not one.ejected and watch.total >= max(volume, 1)
        }
