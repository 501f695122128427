"""How a cluster spreads its requests, and when it leaves an endpoint out. Values only.

The rule: everything here holds for one cluster, whoever it is of (agent, model provider, filter).
Words, semantics and defaults are Envoy's (cluster.proto, outlier_detection.proto,
health_check.proto) unless a line says otherwise.
"""

from dataclasses import dataclass, field
from enum import Enum


class PolicyKind(Enum):
    """How an endpoint is picked. The values are the words of the config."""

    __hash__ = object.__hash__

    ROUND_ROBIN = "round_robin"
    LEAST_REQUEST = "least_request"
    """Of two taken at random the one with fewer requests under way."""
    PEAK_EWMA = "peak_ewma"
    """Of two taken at random the one with the lower cost: time to first token, and time for each
    token after it, times the requests under way.
    """
    RING_HASH = "ring_hash"
    """The same key, the same endpoint (see Balancing.hash_on)."""
    PREFIX_AFFINITY = "prefix_affinity"
    """The same beginning of a conversation, the same endpoint, unless that has too much to do."""


class Priority(Enum):
    """How important the requests of a route are."""

    __hash__ = object.__hash__

    DEFAULT = "default"
    HIGH = "high"


class HashOn(Enum):
    """What RING_HASH goes by."""

    __hash__ = object.__hash__

    HEADER = "header"
    """The value of Balancing.hash_header; requests without it are spread."""
    SESSION = "session"
    """`x-model-affinity`; else the beginning of the conversation."""
    MODEL = "model"
    """The model that is asked for."""


@dataclass(frozen=True, slots=True)
class Balancing:
    """How an endpoint is picked."""

    kind: PolicyKind = PolicyKind.LEAST_REQUEST
    slow_start_s: float = 0.0
    """An endpoint that is new, or back, gets its whole share after so long; 0: at once."""
    slow_start_min_percent: float = 10.0
    """Of its weight, at the beginning."""
    panic_threshold_percent: float = 50.0
    """With fewer healthy endpoints (of a priority, by weight) than this, health is ignored."""
    ewma_decay_s: float = 10.0
    hash_on: HashOn = HashOn.SESSION
    hash_header: str = ""
    """Lower case."""
    max_load_percent: float = 125.0
    """Hashing: an endpoint with more than so much of the mean of requests under way is passed."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """Asking every endpoint whether it is well."""

    path: str = "/healthz"
    interval_s: float = 10.0
    timeout_s: float = 2.0
    healthy_threshold: int = 2
    """Good answers in a row until it is taken for well; the first of all needs one."""
    unhealthy_threshold: int = 3
    """Bad answers in a row until it is taken for ill."""
    statuses: tuple[tuple[int, int], ...] = ((200, 299),)
    """First and last of each range."""
    host: str = ""
    """Host header; empty: the cluster's."""
    jitter_percent: float = 10.0


@dataclass(frozen=True, slots=True)
class OutlierDetection:
    """Leaving out whoever fails."""

    consecutive_5xx: int = 5
    """0: off. 5xx, and failures to get an answer."""
    consecutive_local_origin_failure: int = 5
    """0: off. Connects that fail, resets, timeouts."""
    interval_s: float = 10.0
    base_ejection_time_s: float = 30.0
    """Times the number of ejections in a row."""
    max_ejection_time_s: float = 300.0
    max_ejection_percent: float = 10.0
    """Of the endpoints; one may always be ejected while another is left."""
    success_rate_minimum_hosts: int = 5
    success_rate_request_volume: int = 100
    success_rate_stdev_factor: float = 1.9
    """0: off."""
    failure_percentage_threshold: float = 0.0
    """0: off (as enforcing 0 % in Envoy)."""
    failure_percentage_minimum_hosts: int = 5
    failure_percentage_request_volume: int = 50


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What of a cluster may be under way at the same time, in each worker."""

    max_connections: int = 10_000
    max_pending_requests: int = 10_000
    """Waiting for a connection."""
    max_requests: int = 10_000
    max_retries: int = 0
    """0: the retry budget alone decides (Envoy: 3)."""


NO_OUTLIERS = OutlierDetection(
    consecutive_5xx=0, consecutive_local_origin_failure=0, success_rate_stdev_factor=0.0
)
"""Nobody is left out for failing."""


@dataclass(frozen=True, slots=True)
class CircuitBreakers:
    """Thresholds by the priority of a request."""

    default: Thresholds = field(default_factory=Thresholds)
    high: Thresholds = field(default_factory=Thresholds)
    """Of requests that routes call important."""
