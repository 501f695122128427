"""How clusters are doing, for people and for metrics, with turns of the loop in between."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace

from dataplane.observe import endpoint_metrics
from dataplane.observe.endpoints import ClusterReport
from dataplane.observe.metrics import Family
from dataplane.observe.standing import open_breakers
from dataplane.resilience.standing import Standings
from dataplane.upstream.clusters import Clusters

SLICE = 20
"""Clusters per turn of the loop: a report of one with two endpoints takes some 10 us."""


class ClusterReports:
    """What is known of the clusters of one worker."""

    def __init__(self, clusters: Clusters, standings: Standings) -> None:
        self._clusters = clusters
        self._standings = standings

    def each(self, name: str = "") -> Iterator[ClusterReport]:
        """Every cluster, or the one of that name; made while they are read."""
        opened = open_breakers(self._standings)
        for one in self._clusters.reports(name):
            yield replace(one, breaker_open=True) if one.name in opened else one

    def families(self) -> list[Family]:
        """The metrics of those that are used."""
        return self._families(self._clusters.used_reports())

    async def scraped(self) -> list[Family]:
        """The same, made in slices."""
        return self._families(await in_slices(self._clusters.used_reports()))

    def _families(self, reports: Iterable[ClusterReport]) -> list[Family]:
        return endpoint_metrics.families(reports, self._clusters.unresolved)


async def in_slices(reports: Iterable[ClusterReport]) -> list[ClusterReport]:
    """Everything that is told; requests get their turns meanwhile."""
    told: list[ClusterReport] = []
    for one in reports:
        told.append(one)
        if len(told) % SLICE == 0:
            await asyncio.sleep(0)
    return told
