"""Clusters without a worker around them."""

from collections.abc import Callable
from random import Random

from dataplane.clock import MonotonicClock
from dataplane.tasks import Tasks
from dataplane.upstream.clusters import Clusters
from dataplane.upstream.pool import Pool
from dataplane.wheel import Wheel


def clusters(
    random: Callable[[], float] | None = None,
    now: Callable[[], float] | None = None,
    zone: str = "",
) -> Clusters:
    """With a pool of their own; nothing is dialled before somebody asks."""
    now = now or MonotonicClock().now
    return Clusters(Pool(Wheel(now), now, Tasks()), random or Random(1).random, zone)
