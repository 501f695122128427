"""What outlier detection has to tell of an endpoint. Values only."""

from dataclasses import dataclass
from enum import Enum
from typing import Generic

from dataplane.balancing.endpoint import E


class Cause(Enum):
    """Why an endpoint is put out. The values are Envoy's words, and labels of a metric."""

    __hash__ = object.__hash__

    CONSECUTIVE_5XX = "consecutive_5xx"
    CONSECUTIVE_LOCAL_ORIGIN_FAILURE = "consecutive_local_origin_failure"
    SUCCESS_RATE = "success_rate"
    FAILURE_PERCENTAGE = "failure_percentage"


class Change(Enum):
    """What became of an endpoint."""

    __hash__ = object.__hash__

    EJECTED = "ejected"
    UNEJECTED = "unejected"
    KEPT_AS_LAST = "kept_as_last"
    """It should be out, and is the last one that can be used."""
    KEPT_BY_PERCENT = "kept_by_percent"
    """It should be out, and enough others are."""


@dataclass(frozen=True, slots=True)
class Event(Generic[E]):
    """Something to tell of, and after EJECTED and UNEJECTED to act on."""

    endpoint: E
    change: Change
    cause: Cause | None = None
    for_s: float = 0.0
    """How long an ejected one stays out at least."""
