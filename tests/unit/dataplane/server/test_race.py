"""The two sides of a race, with attempts that only remember; whole races are in test_hedging.py."""

from types import SimpleNamespace
from typing import Any

import pytest

from dataplane.resilience.hedge import Hedge, Racer
from dataplane.runtime.retry import RetryPolicy
from dataplane.server.race import Race, Side
from dataplane.wheel import Wheel


class Attempt:
    """As much of a Hedging as a race needs."""

    def __init__(self, wheel: Wheel) -> None:
        self.serving = SimpleNamespace(services=SimpleNamespace(wheel=wheel))
        self.deadline = 10.0
        self.over = False
        self.told: list[str] = []
        self.front: Any = None
        self.second: Attempt | None = None

    def twin(self, side: Side, place: int, elsewhere: bool) -> "Attempt":
        self.second = Attempt(self.serving.services.wheel)
        self.second.front = side
        return self.second

    def begin_beside(self) -> None:
        self.told.append("begun")

    def on_due(self, now: float) -> None:
        self.told.append("due")

    def lose(self) -> None:
        self.over = True

    def race_is_over(self) -> None:
        self.told.append("alone")

    def due_at(self, when: float) -> None:
        self.front.due = when

    def count_hedge(self, winner: str) -> None:
        self.told.append(winner)


class Front:
    """As much of the client's connection."""

    def __init__(self) -> None:
        self.host = None
        self.http10 = False
        self.request_id = b""
        self.due = 5.0
        self.work: object = None
        self.written: list[bytes] = []

    def replace_work(self, work: object) -> None:
        self.work = work

    def write(self, data: bytes) -> None:
        self.written.append(data)


@pytest.fixture
async def racing() -> tuple[Attempt, Front]:
    first, front = Attempt(Wheel(lambda: 0.0)), Front()
    hedge = Hedge(RetryPolicy(hedge_after_s=1.0), 0.0)
    assert hedge.fire(1.0)
    first.front = front
    Race(first, front, hedge).start(0, elsewhere=False)  # type: ignore[arg-type]
    return first, front


async def test_each_has_a_time_of_its_own(racing: tuple[Attempt, Front]) -> None:
    first, front = racing
    assert isinstance(first.front, Side)
    assert (first.front.due, front.due) == (5.0, 10.0)
    first.front.on_due(5.0)
    assert first.told == ["due"]


@pytest.mark.parametrize("racer", Racer)
async def test_who_writes_first_gets_the_connection(
    racing: tuple[Attempt, Front], racer: Racer
) -> None:
    first, front = racing
    second = first.second
    assert second is not None
    winner, loser = (first, second) if racer is Racer.FIRST else (second, first)
    winner.front.write(b"hello")
    assert front.written == [b"hello"]
    assert front.work is winner
    assert winner.front is front
    assert (winner.over, loser.over) == (False, True)


async def test_nobody_is_told_of_time_when_the_race_is_over(
    racing: tuple[Attempt, Front],
) -> None:
    first, _ = racing
    second = first.second
    assert second is not None
    sides = [first.front, second.front]
    first.front.write(b"hello")
    for side in sides:  # as the wheel does that has looked at them before
        side.on_due(10.0)
    assert "due" not in (*first.told, *second.told)
