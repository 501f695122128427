"""What an operator writes about clusters: the addresses of one service, and how requests are spread
over them.

A key that is not written comes from `defaults`, and in the end from the data plane
(dataplane/runtime/cluster.py); so no key of a block has a default of its own here, and what holds
when nobody says anything is told in its text. Words, semantics and defaults are Envoy's where it
has them.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    Strict,
    StringConstraints,
    WrapValidator,
)
from pydantic import ValidatorFunctionWrapHandler as Handler
from pydantic_core import PydanticCustomError

from controlplane.config.fields import AUTHORITY, MAX_ITEMS, Block, Duration, Url, url

ZONE = r"^[A-Za-z0-9_][A-Za-z0-9_./-]{0,63}$"
HEADER = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$"
CHECK_PATH = r"^/[!-~]{0,511}$"
_STATUSES = re.compile(r"([1-5][0-9][0-9])(?:-([1-5][0-9][0-9]))?")

Percent = Annotated[float, Field(ge=0.0, le=100.0)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Policy = Literal["round_robin", "least_request", "peak_ewma", "ring_hash", "prefix_affinity"]
RequestPriority = Literal["default", "high"]


def read_statuses(text: str) -> tuple[int, int] | None:
    """First and last status of `200` or `200-299`; None when it is neither."""
    found = _STATUSES.fullmatch(text)
    if found is None:
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    return (first, last) if first <= last else None


def _statuses(text: str) -> str:
    if read_statuses(text) is None:
        said = f"{text!r} is not a status such as 200, or a range such as 200-299"
        raise PydanticCustomError("outrider", "{said}", {"said": said, "hint": ""})
    return text


def _as_text(value: Any) -> Any:
    return str(value) if type(value) is int else value


Statuses = Annotated[
    str,
    BeforeValidator(_as_text, json_schema_input_type=int | str),
    AfterValidator(_statuses),
]


class Endpoint(Block):
    """One address of a service."""

    url: Url
    """Where it is: `http://host:port`."""
    weight: Annotated[int, Field(ge=1, le=1000)] = 1
    """Its share beside the others, 1 to 1000."""
    priority: Annotated[int, Field(ge=0, le=127)] = 0
    """Level of failover: those of 0 get everything while enough of them are healthy, then 1."""
    zone: Annotated[str, StringConstraints(pattern=ZONE)] | None = None
    """Where it is; data planes that run in the same zone (`--zone`) prefer it."""


def _endpoint(value: Any, read: Handler) -> Any:
    """A plain text is the address of one; so what is wrong is told where it stands."""
    return Endpoint(url=url(value)) if isinstance(value, str) else read(value)


Endpoints = Annotated[
    tuple[
        Annotated[Endpoint, WrapValidator(_endpoint, json_schema_input_type=Url | Endpoint)], ...
    ],
    Strict(False),
    Field(min_length=1, max_length=MAX_ITEMS),
]


class SlowStart(Block):
    """An endpoint that is new, or back, gets its whole share little by little."""

    window: Duration | None = None
    """After so long it has its whole share; without it at once."""
    min_percent: Percent | None = None
    """Percent of its share at the beginning; else 10."""


class LoadBalancing(Block):
    """How an endpoint is picked for each request."""

    policy: Policy | None = None
    """`least_request`: of two at random the one with less to do. `peak_ewma`: of two at random the
    one that answers sooner. `round_robin`: in turn. `ring_hash`: the same key, the same endpoint.
    `prefix_affinity`: the same beginning of a conversation, the same endpoint, so that prompt
    caches are warm. Else `least_request`."""
    slow_start: SlowStart | None = None
    """How endpoints that are new or back get their share; without it at once."""
    panic_threshold: Percent | None = None
    """With less than so many percent healthy, health is ignored: all get requests; else 50."""
    hash_on: Literal["header", "session", "model"] | None = None
    """`ring_hash`: what the key is. `session`: the header `x-model-affinity`, else the beginning of
    the conversation. Else `session`."""
    hash_header: Annotated[str, StringConstraints(pattern=HEADER)] | None = None
    """With `hash_on: header`: which one. Requests without it are spread."""
    max_load_percent: Annotated[float, Field(ge=100.0, le=10_000.0)] | None = None
    """`ring_hash`, `prefix_affinity`: an endpoint with more than so much of the mean load is passed
    over; else 125."""
    ewma_decay: Duration | None = None
    """`peak_ewma`: how long what was measured counts; else `10s`."""


class HealthCheck(Block):
    """Every endpoint is asked whether it is well, by each worker; those that are not are left out.

    A model provider at its vendor's own address is asked only when it says so itself.
    """

    enabled: bool | None = None
    """`false`: not asked, whatever `defaults` say."""
    path: Annotated[str, StringConstraints(pattern=CHECK_PATH)] | None = None
    """The whole path that is asked for with GET; else `/healthz`."""
    interval: Duration | None = None
    """How often; else `10s`."""
    timeout: Duration | None = None
    """How long an answer may take; else `2s`."""
    healthy_threshold: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Good answers in a row until it is well again; else 2. The first of all needs one."""
    unhealthy_threshold: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Bad answers in a row until it is left out; else 3."""
    expected_statuses: (
        Annotated[tuple[Statuses, ...], Strict(False), Field(min_length=1, max_length=100)] | None
    ) = None
    """Statuses that are good, such as `[200-299, 404]`; else 200-299."""
    host: Annotated[str, StringConstraints(pattern=AUTHORITY)] | None = None
    """The Host header to ask with, when it is not that of requests."""
    jitter_percent: Percent | None = None
    """Intervals differ by chance by up to so much, so that workers do not ask together; else 10."""


class OutlierDetection(Block):
    """Endpoints that fail requests are left out for a while; without a word it is on."""

    enabled: bool | None = None
    """`false`: nobody is left out for failing."""
    consecutive_5xx: Count | None = None
    """Failures in a row (5xx, or no answer) until it is left out; 0: never; else 5."""
    consecutive_local_origin_failure: Count | None = None
    """The same for failed connects, resets and timeouts alone; 0: never; else 5."""
    interval: Duration | None = None
    """How often success rates are compared and endpoints let in again; else `10s`."""
    base_ejection_time: Duration | None = None
    """How long it is left out, times how often in a row; else `30s`."""
    max_ejection_time: Duration | None = None
    """The longest; else `300s`."""
    max_ejection_percent: Percent | None = None
    """So many percent of the endpoints may be left out, and always one; else 10."""
    success_rate_minimum_hosts: Count | None = None
    """Success rates are compared when so many endpoints have enough requests; else 5."""
    success_rate_request_volume: Count | None = None
    """Requests in an interval that are enough; else 100."""
    success_rate_stdev_factor: Annotated[float, Field(ge=0.0, le=100.0)] | None = None
    """Left out when its rate is below the mean by so many standard deviations; 0: never; else
    1.9."""
    failure_percentage_threshold: Percent | None = None
    """Left out when so many percent of its requests fail; 0: never; else 0."""
    failure_percentage_minimum_hosts: Count | None = None
    """The same when so many endpoints have enough requests; else 5."""
    failure_percentage_request_volume: Count | None = None
    """Requests in an interval that are enough for that; else 50."""


class Thresholds(Block):
    """What of a cluster may be under way at the same time, in each worker."""

    max_connections: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Connections; else 10000."""
    max_pending_requests: Count | None = None
    """Requests that wait for a connection; else 10000."""
    max_requests: Count | None = None
    """Requests; more fail at once, so that they can go elsewhere; else 10000."""
    max_retries: Count | None = None
    """Retries; 0: `retry.retry_budget` alone decides; else 0."""


class CircuitBreakers(Thresholds):
    """What may be under way at the same time, in each worker; more fails at once."""

    high: Thresholds | None = None
    """The same for requests with `priority: high`, which have thresholds of their own."""


class ClusterKeys(Block):
    """How the addresses of one service are reached and how requests are spread over them."""

    connect_timeout: Duration | None = None
    """Time to open a connection; else `5s`."""
    dns: Literal["strict", "logical"] | None = None
    """`strict`: a host name is looked up again and again, and each of its addresses is an endpoint.
    `logical`: it is one endpoint, looked up for each connection. Else `logical` for vendors' own
    addresses and localhost, `strict` for others."""
    dns_refresh_rate: Duration | None = None
    """How often names are looked up with `dns: strict`; else `5s`."""
    load_balancing: LoadBalancing | None = None
    """How an endpoint is picked for each request."""
    health_check: HealthCheck | None = None
    """Ask every endpoint whether it is well; without it nobody asks."""
    outlier_detection: OutlierDetection | None = None
    """How endpoints that fail are left out."""
    circuit_breakers: CircuitBreakers | None = None
    """What may be under way at the same time."""
