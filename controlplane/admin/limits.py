"""LimitService: what shared buckets have left, what is out with workers, what was used."""

from typing import Any

import grpc.aio
from outriderpb.admin.v1 import limits_pb2, limits_pb2_grpc

from controlplane.clock import Clock
from controlplane.limits.ledger import Ledger, Standing

Context = grpc.aio.ServicerContext[Any, Any]

MAX_SHOWN = 10_000
"""Buckets in one answer, those with least left first."""


class LimitAdmin(limits_pb2_grpc.LimitServiceServicer):
    """The gRPC face of the ledger."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def ListLimits(
        self, request: limits_pb2.ListLimitsRequest, _context: Context
    ) -> limits_pb2.ListLimitsResponse:
        """Every bucket that somebody uses."""
        found = [
            one
            for one in self._ledger.standings(self._clock.now())
            if request.limit in ("", one.id[0])
        ]
        found.sort(key=lambda one: (one.level / one.capacity, one.id))
        return limits_pb2.ListLimitsResponse(
            buckets=[_bucket(one) for one in found[:MAX_SHOWN]], holders=len(self._ledger.sessions)
        )


def _bucket(one: Standing) -> limits_pb2.LimitBucket:
    limit, measure, values = one.id
    return limits_pb2.LimitBucket(
        limit=limit,
        measure=measure,
        values=values,
        capacity=one.capacity,
        rate=one.rate,
        level=one.level,
        leased=one.leased,
        spent=one.spent,
        holders=one.holders,
    )
