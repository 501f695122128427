import asyncio

import pytest

from dataplane.wheel import NEVER, TICK_S, TURN_S, Wheel
from tests.support.wait import until


class Item:
    """Something with a time limit."""

    def __init__(self, due: float = NEVER) -> None:
        self.due = due
        self.told: list[float] = []

    def on_due(self, now: float) -> None:
        """See Timed."""
        self.due = NEVER
        self.told.append(now)


def lateness(wheel: Wheel) -> list[float]:
    """How late the loop comes to each tick, which no wheel can mend."""
    late: list[float] = []
    wheel.on_tick = lambda _, late_s: late.append(late_s)
    return late


async def test_near_and_far_times_are_told_about_a_tick_late_at_most() -> None:
    now = asyncio.get_running_loop().time
    wheel = Wheel(now)
    late = lateness(wheel)
    start = now()
    items = [Item(start + ahead) for ahead in (0.0, 0.03, 0.12, 1.08, 1.31)]
    dues = [item.due for item in items]
    for item in items:
        wheel.add(item)
    await until(lambda: all(item.told for item in items))
    for item, due in zip(items, dues, strict=True):
        assert len(item.told) == 1
        assert due <= item.told[0] < due + 2 * TICK_S + sum(late)


async def test_time_that_is_put_off_is_not_told() -> None:
    now = asyncio.get_running_loop().time
    wheel = Wheel(now)
    item = Item(now() + 0.1)
    wheel.add(item)
    item.due = now() + 60
    other = Item(now() + 0.2)
    wheel.add(other)
    await until(lambda: bool(other.told))
    assert not item.told


async def test_time_set_later_is_found_by_the_turn() -> None:
    now = asyncio.get_running_loop().time
    wheel = Wheel(now)
    late = lateness(wheel)
    item = Item()
    wheel.add(item)
    item.due = now() + TURN_S + 0.01
    due = item.due
    await until(lambda: bool(item.told))
    assert due <= item.told[0] < due + 2 * TICK_S + sum(late)


async def test_removed_item_is_forgotten() -> None:
    now = asyncio.get_running_loop().time
    wheel = Wheel(now)
    gone, stays = Item(now() + 0.05), Item(now() + 0.1)
    wheel.add(gone)
    wheel.add(stays)
    wheel.remove(gone)
    wheel.remove(gone)
    await until(lambda: bool(stays.told))
    assert not gone.told


async def test_tick_tells_how_late_the_loop_was() -> None:
    clock = [0.0]
    wheel = Wheel(lambda: clock[0])
    told: list[float] = []
    wheel.on_tick = lambda _, late_s: told.append(late_s)
    item = Item()
    wheel.add(item)
    clock[0] = TICK_S + 0.3  # as if something had kept the loop busy
    await until(lambda: len(told) == 1)
    clock[0] += TICK_S
    await until(lambda: len(told) == 2)
    wheel.remove(item)
    assert told == [pytest.approx(0.3), pytest.approx(0.0)]


async def test_late_loop_makes_no_time_longer() -> None:
    clock = [0.0]
    wheel = Wheel(lambda: clock[0])
    ticks = 0

    def on_tick(now: float, late_s: float) -> None:
        nonlocal ticks
        ticks += 1
        clock[0] += 5 * TICK_S  # so long is the loop busy until the next one

    wheel.on_tick = on_tick
    near, far = Item(10 * TICK_S), Item(3 * TURN_S)
    wheel.add(near)
    wheel.add(far)
    clock[0] = 5 * TICK_S
    await until(lambda: bool(far.told))
    assert near.told[0] <= 10 * TICK_S + 5 * TICK_S
    assert far.told[0] <= 3 * TURN_S + 5 * TICK_S
    assert ticks <= 3 * TURN_S / (5 * TICK_S) + 1
    wheel.remove(near)
    wheel.remove(far)


async def test_nobody_is_told_before_what_came_while_the_loop_stood_still_was_heard() -> None:
    clock = [0.0]
    wheel = Wheel(lambda: clock[0])
    item, other = Item(0.3), Item(0.3)
    wheel.add(item)
    wheel.add(other)
    late: list[float] = []

    def on_tick(now: float, late_s: float) -> None:
        late.append(late_s)
        assert not item.told
        # A tick later, when the socket was read: it is not over for this one.
        item.due = 10.0
        clock[0] = now + TICK_S

    wheel.on_tick = on_tick
    clock[0] = 0.5  # as if something had kept the loop busy
    await until(lambda: bool(other.told))
    assert late == [pytest.approx(0.5 - TICK_S), pytest.approx(0.0)]
    assert not item.told
    wheel.remove(item)
    wheel.remove(other)
