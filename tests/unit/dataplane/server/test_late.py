"""Who queue for an answer for too long is told, and nobody else."""

import asyncio

from dataplane.server.late import LateQueue, LateQueues
from tests.support.wait import until


class Request:
    def __init__(self, name: str, told: list[str]) -> None:
        self._name = name
        self._told = told

    def on_late(self) -> None:
        self._told.append(self._name)


async def test_those_that_wait_are_told_in_their_order() -> None:
    loop = asyncio.get_running_loop()
    told: list[str] = []
    queue = LateQueue(0.02, loop.time, loop)
    for name in "abc":
        queue.add(Request(name, told), loop.time())
    began = loop.time()
    await until(lambda: len(told) == 3)
    assert told == ["a", "b", "c"]
    assert loop.time() - began >= 0.018


async def test_nobody_is_told_who_has_an_answer() -> None:
    loop = asyncio.get_running_loop()
    told: list[str] = []
    queue = LateQueue(0.02, loop.time, loop)
    answered, late = Request("answered", told), Request("late", told)
    queue.add(answered, loop.time())
    queue.add(late, loop.time())
    queue.remove(answered)
    queue.remove(answered)
    await until(lambda: len(told) == 1)
    assert told == ["late"]
    queue.remove(late)


async def test_who_comes_later_is_told_later() -> None:
    loop = asyncio.get_running_loop()
    told: list[str] = []
    queue = LateQueue(0.02, loop.time, loop)
    queue.add(Request("first", told), loop.time())
    second = loop.time() + 0.03
    queue.add(Request("second", told), second)
    await until(lambda: len(told) == 1)
    assert told == ["first"]
    await until(lambda: len(told) == 2)
    assert loop.time() >= second + 0.018


async def test_those_that_wait_equally_long_wait_in_one_queue() -> None:
    loop = asyncio.get_running_loop()
    queues = LateQueues(loop.time, loop)
    assert queues.of(0.02) is queues.of(0.02)
    assert queues.of(0.02) is not queues.of(0.03)
