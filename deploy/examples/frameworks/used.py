"""What a run has used of its budget, as the control plane has it: what `outrider limits` shows."""

import asyncio

import grpc.aio
from outriderpb.admin.v1 import limits_pb2
from outriderpb.admin.v1.limits_pb2_grpc import LimitServiceStub

ADMIN = "127.0.0.1:18001"
BUDGET = "run:desk"
"""The limit that is the budget of every run of the listener `desk`."""
TOLD_WITHIN_S = 5.0
"""Workers tell what was used when they next speak of their leases."""


async def budget_used(run_id: str) -> int:
    """Tokens, once the workers have told of all of them."""
    async with grpc.aio.insecure_channel(ADMIN) as channel:
        service = LimitServiceStub(channel)
        spent = -1
        async with asyncio.timeout(TOLD_WITHIN_S):
            while True:
                request = limits_pb2.ListLimitsRequest(limit=BUDGET)
                listed = await service.ListLimits(request)
                before, spent = (
                    spent,
                    sum(bucket.spent for bucket in listed.buckets if run_id in bucket.values),
                )
                if spent and spent == before:
                    return spent
                await asyncio.sleep(0.5)
