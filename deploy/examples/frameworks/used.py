"""What a run has used of its budget, as the control plane has it: what `outrider limits` shows."""

import asyncio
import contextlib

import grpc.aio
from outriderpb.admin.v1 import limits_pb2
from outriderpb.admin.v1.limits_pb2_grpc import LimitServiceStub

ADMIN = "127.0.0.1:18001"
BUDGET = "run:desk"
"""The limit that is the budget of every run of the listener `desk`."""
TOLD_WITHIN_S = 5.0
"""Workers tell what was used when they next speak of their leases."""


async def budget_used(run_id: str, at_least: int, admin: str = ADMIN) -> int:
    """Tokens, once the workers have told of so many; after TOLD_WITHIN_S as many as they have."""
    spent = 0
    async with grpc.aio.insecure_channel(admin) as channel:
        service = LimitServiceStub(channel)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TOLD_WITHIN_S):
                while spent < at_least:
                    listed = await service.ListLimits(limits_pb2.ListLimitsRequest(limit=BUDGET))
                    spent = sum(one.spent for one in listed.buckets if run_id in one.values)
                    await asyncio.sleep(0.1)
    return spent
