"""Waiting for a condition, which is what tests do instead of sleeping."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Come back when the condition holds; TimeoutError when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for does not know of us
            await asyncio.sleep(0.005)


LOOKS = 50
"""A quarter of a second: TCP lets an acknowledgement wait for 40 ms."""


async def until_still(reading: Callable[[], object]) -> None:
    """Come back when a value is the same in so many looks, 5 ms apart. They are counted, not timed:
    a pause of the whole process is one look, and nothing that could have moved is taken to stand.
    """
    seen, same = reading(), 0
    async with asyncio.timeout(30):
        while same < LOOKS:
            await asyncio.sleep(0.005)
            now = reading()
            same = same + 1 if now == seen else 0
            seen = now
