"""Who may be picked, and which part of the requests goes to which group of endpoints.

The rules are Envoy's: the lowest priority number that is well enough gets everything; one that is
not gives what it cannot take to the next, where 1.4 times its usable part counts as what it can
take (overprovisioning); when all priorities together cannot take everything, one whose usable part
is below the panic threshold is asked as if it were well. Ours: endpoints of this node's own zone
come first within a priority, by the same arithmetic, and parts are by weight.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Generic

from dataplane.balancing.endpoint import E

OVERPROVISIONING = 1.4
"""Envoy's: a priority of which 71 % are usable takes all of its requests."""


@dataclass(frozen=True, slots=True)
class Level(Generic[E]):
    """Endpoints that are picked from alike."""

    endpoints: tuple[E, ...]
    percent: float
    """Of the cluster's requests; all levels of a cluster make 100. One of 0 is there for requests
    that have tried everybody else.
    """
    panics: bool = False
    """Whether these are all of a priority, usable or not."""


def levels(
    endpoints: Sequence[E], panic_threshold_percent: float, zone: str = ""
) -> tuple[Level[E], ...]:
    """Whoever may be asked, in the order of priority; empty: nobody.

    :param zone: of this node; empty: zones do not matter.
    """
    ranked = sorted(endpoints, key=lambda one: one.priority)
    groups = [tuple(group) for _, group in groupby(ranked, key=lambda one: one.priority)]
    found: list[Level[E]] = []
    if not groups:
        return ()
    parts = [_usable_part(group) for group in groups]
    able = [min(100.0, part * OVERPROVISIONING) for part in parts]
    total = min(100.0, sum(able))
    panics = [total < 100.0 and part < panic_threshold_percent for part in parts]
    if all(panics):
        weights = [float(sum(one.weight for one in group)) for group in groups]
        whole = sum(weights)
        loads = [100.0 * weight / whole for weight in weights]
    elif total <= 0.0:
        return ()
    else:
        loads = _in_order(able, total)
    for group, load, panic in zip(groups, loads, panics, strict=True):
        if panic:
            if load > 0.0:
                found.append(Level(group, load, panics=True))
        else:
            found += _by_zone(group, load, zone)
    return tuple(found)


def _usable_part(group: Sequence[E]) -> float:
    """In percent of the weight."""
    usable = sum(one.weight for one in group if one.usable)
    return 100.0 * usable / sum(one.weight for one in group)


def _in_order(able: list[float], total: float) -> list[float]:
    """What each priority gets: all it can take, or its part when together they cannot take all."""
    if total < 100.0:
        return [100.0 * one / total for one in able]
    left = 100.0
    loads = []
    for one in able:
        loads.append(min(left, one))
        left -= loads[-1]
    return loads


def _by_zone(group: tuple[E, ...], load: float, zone: str) -> list[Level[E]]:
    usable = tuple(one for one in group if one.usable)
    here = tuple(one for one in group if one.zone == zone) if zone else ()
    near = tuple(one for one in here if one.usable)
    far = tuple(one for one in usable if one.zone != zone)
    if not near or not far:
        return [Level(usable, load)] if usable else []
    part = min(100.0, _usable_part(here) * OVERPROVISIONING) / 100.0
    return [Level(near, load * part), Level(far, load * (1.0 - part))]
