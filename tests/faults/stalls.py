"""How late the loop was that gateway, wall and clients share.

The rule: where it was later than a gateway bears, what the gateway has done says nothing of faults:
it refuses requests then, and its times are the machine's.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from dataplane.server.gate import TARGET_LAG_S

LOOK_S = 0.01


@dataclass(slots=True)
class Stalls:
    """Of one run."""

    longest_s: float = 0.0

    @property
    def too_long(self) -> bool:
        """Whether the gateway could not go on as it should."""
        return self.longest_s > TARGET_LAG_S


@asynccontextmanager
async def watched_for_stalls() -> AsyncIterator[Stalls]:
    """Looked at until left."""
    stalls = Stalls()
    watching = asyncio.ensure_future(_watch(stalls))
    try:
        yield stalls
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _watch(stalls: Stalls) -> None:
    now = asyncio.get_running_loop().time
    while True:
        due = now() + LOOK_S
        await asyncio.sleep(LOOK_S)
        stalls.longest_s = max(stalls.longest_s, now() - due)
