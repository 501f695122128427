"""How clusters and their endpoints are doing in one worker, as `/clusters` and metrics tell it.

Values only, made when somebody asks.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class EndpointReport:
    """One endpoint of a cluster."""

    address: str
    """host:port."""
    weight: int
    share: float
    """Its weight as it counts now: less during a slow start."""
    priority: int
    zone: str
    active: int
    """Requests under way."""
    healthy: bool | None
    """By health checks; None: nobody has looked."""
    ejected_for_s: float
    """How much longer outlier detection leaves it out at least; 0: it does not."""
    picked: bool
    """Whether it may be picked now (in panic, whatever its health)."""
    answers: int
    """With a status below 500, since the start; counted only where there are several endpoints."""
    failures: int
    """Answers of 5xx, and none: likewise."""
    first_token_s: float
    """Peak EWMA; 0: not measured."""
    token_s: float
    hostname: str = ""
    """The name that the address was found by; empty: it was configured so."""


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """One cluster."""

    name: str
    policy: str
    """As the config calls it."""
    panics: bool
    """Whether health is ignored, because too few are well."""
    connections: int
    """Of relayed requests, open now."""
    endpoints: tuple[EndpointReport, ...]
    ejections: dict[str, int] = field(default_factory=dict)
    """By cause, since the start."""
    kept: dict[str, int] = field(default_factory=dict)
    """Ejections that were refused: because it was the last one (`last`), or enough were out
    (`percent`).
    """
    unejections: int = 0
    panicked: int = 0
    """Times that it began to ignore health."""
    overflows: dict[str, int] = field(default_factory=dict)
    """Requests that circuit breakers refused, by what was used up."""
    checks: dict[str, int] = field(default_factory=dict)
    """Health checks that `passed` and that `failed`."""
    prefixes: dict[str, int] = field(default_factory=dict)
    """Prefix affinity: answers that told of cached tokens (`hit`), that did not where they should
    have (`miss`), and affinities that were lost by that (`lost`).
    """
    breaker_open: bool = False
    """Whether requests go to other candidates, because all of it fails."""
