"""Runs other people's coroutines: with a time limit, and for nothing when they wait for nobody.

A coroutine that never waits is over after its first step, so no timer is set and no task is made
for it: a timer costs 1.8 us (wheel.py), which ten filters of a request would pay each.
"""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any

from dataplane.runtime.effects import Await, Awaited, CallFailed
from dataplane.runtime.messages import ResponseDetail


async def run(effect: Await) -> Awaited | CallFailed:
    """See Await. Its own CancelledError is a failure, ours is not caught."""
    coroutine = effect.start()
    if effect.waits_for is not None:
        (waits_for,) = effect.waits_for
    else:
        try:
            waits_for = coroutine.send(None)
        except StopIteration as end:
            return Awaited(end.value)
        except Exception as problem:
            return Awaited(raised=problem)
    limit = asyncio.timeout(effect.timeout_s)
    try:
        async with limit:
            return Awaited(await _Rest(coroutine, waits_for))
    except TimeoutError as problem:
        if not limit.expired():
            return Awaited(raised=problem)
        message = f"no answer within {effect.timeout_s:g} s"
        return CallFailed(ResponseDetail.FILTER_TIMEOUT, message, timed_out=True)
    except Exception as problem:
        return Awaited(raised=problem)


class _Rest:
    """What is left of a coroutine whose first step was made: it waits for something."""

    __slots__ = ("_coroutine", "_waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, object], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, object]:
        coroutine, waits_for = self._coroutine, self._waits_for
        try:
            while True:
                try:
                    sent = yield waits_for
                except GeneratorExit:
                    coroutine.close()
                    raise
                except BaseException as problem:
                    waits_for = coroutine.throw(problem)
                else:
                    waits_for = coroutine.send(sent)
        except StopIteration as end:
            return end.value
