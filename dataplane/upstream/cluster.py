"""The endpoints of a cluster as one worker knows them, kept over configurations.

The relay and the coroutine path ask it for an endpoint and tell it what became of the request, so
that both know the same loads, ejections and illnesses. What decides is in dataplane/balancing/.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from dataplane.balancing.balancer import Balancer
from dataplane.balancing.ejection import Change, Event
from dataplane.balancing.health import Health
from dataplane.balancing.outlier import Outlier
from dataplane.observe.endpoints import ClusterReport, EndpointReport
from dataplane.runtime.cluster import (
    NO_OUTLIERS,
    CircuitBreakers,
    PolicyKind,
)
from dataplane.runtime.config import Cluster, Endpoint
from dataplane.runtime.messages import ResponseDetail
from dataplane.upstream.endpoint import UpstreamEndpoint
from dataplane.upstream.few_lines import FewLines
from dataplane.upstream.permits import Permits
from dataplane.wheel import NEVER, TURN_S

if TYPE_CHECKING:
    from dataplane.observe.record import ExchangeRecord
    from dataplane.upstream.pool import Pool

log = logging.getLogger(__name__)

MEASURING = frozenset((PolicyKind.PEAK_EWMA, PolicyKind.PREFIX_AFFINITY))
"""Policies that go by what answers tell of themselves."""
HASHING = frozenset((PolicyKind.RING_HASH, PolicyKind.PREFIX_AFFINITY))
_VIA_UPSTREAM: Final = ResponseDetail.VIA_UPSTREAM  # (an attribute of an Enum is slow)
_CHANGES = {
    Change.EJECTED: "cluster %s: %s is left out for %.3g s at least: %s",
    Change.UNEJECTED: "cluster %s: %s is asked again",
    Change.KEPT_AS_LAST: "cluster %s: %s fails and is the last one left, so it is asked on: %s",
    Change.KEPT_BY_PERCENT: (
        "cluster %s: %s fails and as many are left out as may be, so it is asked on: %s"
    ),
}


class ClusterState:
    """One cluster. It is in the wheel for the sweeps of outlier detection."""

    def __init__(
        self,
        cluster: Cluster,
        pool: "Pool",
        random: Callable[[], float],
        zone: str = "",
    ) -> None:
        """`random` returns floats in [0, 1); `zone` is this node's."""
        self.cluster = cluster
        self.name = cluster.name
        self.due = NEVER
        self.endpoints: tuple[UpstreamEndpoint, ...] = ()
        self.only: UpstreamEndpoint | None = None
        """The endpoint, when there is no choice and nothing to count."""
        self.available = 0
        """How many endpoints may be asked now."""
        self.hashes = False
        """Whether `pick` wants a key (hash_keys.py)."""
        self.measures = False
        """Whether `measured` wants to know how answers went."""
        self.guarded = False
        """Whether `permits` must be asked before a request is sent."""
        self.checks = {"passed": 0, "failed": 0}
        self._pool = pool
        self.now = pool.now
        self._random = random
        self._balancer: Balancer[UpstreamEndpoint] = Balancer(cluster.balancing, random, zone)
        self._outlier: Outlier[UpstreamEndpoint] = Outlier(cluster.outlier, random)
        self._lines = FewLines(log, pool.now)
        self.permits = Permits(self, self._lines)
        self._panics = False
        self._panicked = 0
        self._learns = False
        """Whether the policy goes by who has answered which conversation."""
        self.replace(cluster)

    def __iter__(self) -> Iterator[UpstreamEndpoint]:
        return iter(self.endpoints)

    # -- for requests

    def pick(
        self, key: Sequence[int] = (), avoid: Sequence[UpstreamEndpoint] = ()
    ) -> UpstreamEndpoint | None:
        """The endpoint that gets the next request; None: there is none, or none but those in
        `avoid`.

        :param key: what `hashes` asks for; empty: the request has nothing to go by.
        """
        return self._balancer.pick(self.now(), key, avoid)

    def named(self, label: str, avoid: Sequence[UpstreamEndpoint] = ()) -> UpstreamEndpoint | None:
        """The endpoint of this name, however it is doing: nobody else can answer what it began."""
        found = (one for one in self.endpoints if one.label == label and one not in avoid)
        return next(found, None)

    def left(self, tried: Sequence[UpstreamEndpoint]) -> int:
        """How many may be asked besides these."""
        able = {one for level in self._balancer.levels for one in level.endpoints}
        return len(able.difference(tried))

    def answered(self, endpoint: UpstreamEndpoint, status: int) -> None:
        """An endpoint has answered; to be told once an attempt, if it has a `watch`."""
        if status < 500:
            endpoint.answers += 1
        else:
            endpoint.failures += 1
            if self.measures:
                self._balancer.latencies.failed(endpoint.latency, self.now(), 0.0)
        self._on_event(self._outlier.answered(endpoint, status, self.now()))

    def failed(self, endpoint: UpstreamEndpoint) -> None:
        """An endpoint has given no answer, or no whole one: likewise."""
        endpoint.failures += 1
        now = self.now()
        if self.measures:
            self._balancer.latencies.failed(endpoint.latency, now, 0.0)
        self._on_event(self._outlier.failed(endpoint, now))

    def measured(
        self,
        endpoint: UpstreamEndpoint,
        key: Sequence[int],
        sent_s: float,
        record: "ExchangeRecord",
    ) -> None:
        """How an exchange went whose last attempt was with this endpoint.

        :param sent_s: from the request's start to when it was sent.
        """
        if record.detail is not _VIA_UPSTREAM or not 200 <= record.status < 300:
            return
        self.timed(
            endpoint,
            key,
            max(record.first_byte_s - sent_s, 0.0),
            max(record.duration_s - sent_s, 0.0),
            streamed=record.stream,
            size=record.bytes_sent,
            tokens=record.output_tokens,
            prompt=record.input_tokens,
            cached=record.input_cached_tokens,
        )

    def timed(
        self,
        endpoint: UpstreamEndpoint,
        key: Sequence[int],
        first_s: float,
        whole_s: float,
        *,
        streamed: bool,
        size: int,
        tokens: int = 0,
        prompt: int = 0,
        cached: int = 0,
    ) -> None:
        """How long a good answer took from when it was asked for, and what it said of tokens."""
        balancer, now = self._balancer, self.now()
        latency = endpoint.latency
        balancer.latencies.answered(latency, now, first_s, whole_s, tokens, streamed, size)
        if key and self._learns:
            balancer.prefixes.answered(key, endpoint.name, prompt, cached)

    # -- for the configuration

    def replace(self, cluster: Cluster) -> tuple[UpstreamEndpoint, ...]:
        """Go on under another configuration; the endpoints that are gone."""
        now = self.now()
        known = {_address(one.endpoint): one for one in self.endpoints}
        pools = self._pool.endpoints(cluster)
        endpoints: list[UpstreamEndpoint] = []
        for given, pool in zip(cluster.endpoints, pools, strict=True):
            one = known.pop(_address(given), None)
            if one is None:
                one = UpstreamEndpoint(given, pool)
                if self.endpoints:
                    one.back_since = now
            else:
                one.become(given, pool)
            endpoints.append(one)
        gone = tuple(known.values())
        for one in gone:
            one.watch = None
        self.cluster = cluster
        self.endpoints = tuple(endpoints)
        several = len(endpoints) > 1
        policy = cluster.balancing.kind
        self.hashes = several and policy in HASHING
        self.measures = several and policy in MEASURING
        self._learns = policy is PolicyKind.PREFIX_AFFINITY
        self.guarded = cluster.circuit_breakers != CircuitBreakers()
        self.permits.replace(cluster.circuit_breakers)
        rules = cluster.health_check
        for one in endpoints:
            one.watch = self if several else None
            if rules is None:
                one.health, one.healthy = None, True
            elif one.health is None:
                one.health = Health(rules)
            else:
                one.health.judges(rules)
        self._balancer.prefixes.forget([one.name for one in gone])
        self._outlier.replace(self.endpoints, cluster.outlier)
        if not self._detects:
            self._outlier.stop()
        self._balancer.replace(self.endpoints, cluster.balancing, now)
        self._on_refreshed()
        return gone

    @property
    def _detects(self) -> bool:
        return len(self.endpoints) > 1 and self.cluster.outlier != NO_OUTLIERS

    def watch_over(self) -> None:
        """Sweep from now on as the configuration says, until `leave`."""
        if not self._detects:
            self.leave()
            return
        # an interval that has begun goes on: configurations may come more often than its end
        was_watched, due = self.due != NEVER, self.now() + self.cluster.outlier.interval_s
        self.due = min(self.due, due)
        if was_watched:
            self._pool.wheel.soon(self)
        else:
            self._pool.wheel.add(self)

    def leave(self) -> None:
        """Sweep no more."""
        self.due = NEVER
        self._pool.wheel.remove(self)

    def on_due(self, now: float) -> None:
        """See Timed: the interval of outlier detection has passed."""
        self.due = now + self.cluster.outlier.interval_s
        if self.due - now < TURN_S:
            self._pool.wheel.soon(self)
        for event in self._outlier.sweep(now):
            self._on_event(event)

    # -- for health checks

    def checked(self, endpoint: UpstreamEndpoint, *, good: bool, why: str) -> None:
        """Somebody has asked an endpoint how it is.

        :param why: of a bad answer, for people.
        """
        health = endpoint.health
        if health is None:
            return
        self.checks["passed" if good else "failed"] += 1
        changed = health.passed() if good else health.failed()
        if good and health.healthy:
            self._on_event(self._outlier.healthy_again(endpoint))
        if not changed:
            return
        now = self.now()
        endpoint.healthy = health.healthy
        if health.healthy:
            endpoint.back_since = now
            self._lines.say(logging.INFO, "cluster %s: %s is well again", self.name, endpoint.name)
        else:
            self._lines.say(
                logging.WARNING, "cluster %s: %s is not well: %s", self.name, endpoint.name, why
            )
        self._refresh(now)

    # -- for people

    def report(self) -> ClusterReport:
        """How it is doing now."""
        now = self.now()
        balancer, outlier = self._balancer, self._outlier
        picked = {one for level in balancer.levels for one in level.endpoints}
        prefixes = balancer.prefixes
        return ClusterReport(
            self.name,
            self.cluster.balancing.kind.value,
            balancer.panics,
            sum(one.pool.connections for one in self.endpoints),
            tuple(self._endpoint_report(one, now, one in picked) for one in self.endpoints),
            {cause.value: count for cause, count in outlier.causes.items()},
            {
                "last": outlier.counts[Change.KEPT_AS_LAST],
                "percent": outlier.counts[Change.KEPT_BY_PERCENT],
            },
            outlier.counts[Change.UNEJECTED],
            self._panicked,
            self.permits.overflows(),
            dict(self.checks),
            {"hit": prefixes.hits, "miss": prefixes.misses, "lost": prefixes.losses},
        )

    def _endpoint_report(self, one: UpstreamEndpoint, now: float, picked: bool) -> EndpointReport:
        first_s, token_s = one.latency.known()
        return EndpointReport(
            one.name,
            one.weight,
            one.share,
            one.priority,
            one.zone,
            one.active,
            one.health.healthy if one.health is not None and one.health.is_known else None,
            max(self._outlier.until(one) - now, 0.001) if one.ejected else 0.0,
            picked,
            one.answers,
            one.failures,
            first_s,
            token_s,
            one.endpoint.hostname,
        )

    # -- inside

    def _on_event(self, event: Event[UpstreamEndpoint] | None) -> None:
        if event is None:
            return
        one = event.endpoint
        told: tuple[object, ...] = (self.name, one.name)
        if event.change is Change.EJECTED:
            told += (event.for_s,)
        if event.cause is not None:
            told += (event.cause.value,)
        level = logging.INFO if event.change is Change.UNEJECTED else logging.WARNING
        self._lines.say(level, _CHANGES[event.change], *told)
        now = self.now()
        if event.change is Change.UNEJECTED:
            one.back_since = now
        if event.change in (Change.EJECTED, Change.UNEJECTED):
            self._refresh(now)

    def _refresh(self, now: float) -> None:
        self._balancer.refresh(now)
        self._on_refreshed()

    def _on_refreshed(self) -> None:
        balancer = self._balancer
        self.available = balancer.available
        self.only = None if self.guarded else balancer.only
        if balancer.panics and not self._panics:
            self._panicked += 1
            self._lines.say(
                logging.WARNING,
                "cluster %s: too few endpoints are well, so health is ignored",
                self.name,
            )
        self._panics = balancer.panics


def _address(endpoint: Endpoint) -> tuple[str, int, str]:
    return endpoint.host, endpoint.port, endpoint.hostname
