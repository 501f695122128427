"""Clusters without a worker around them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

from dataplane.clock import MonotonicClock
from dataplane.tasks import Tasks
from dataplane.upstream.client import UpstreamClient
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


@asynccontextmanager
async def connected(
    random: Callable[[], float] | None = None,
) -> AsyncIterator[tuple[UpstreamClient, Clusters]]:
    """Whoever calls services, and the clusters that it goes by; its connections are closed in the
    end.
    """
    now = MonotonicClock().now
    pool = Pool(Wheel(now), now, Tasks())
    known = Clusters(pool, random or Random(1).random)
    yield UpstreamClient(known), known
    await known.close()
    await pool.close()
