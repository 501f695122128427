"""One bucket as one worker sees it."""

from dataplane.resilience.quota_holding import Holding
from dataplane.runtime.limits import Amount, Limit, Measure

ID = ("team", "tokens", ())


def _holding(limit: int = 60, window_s: float = 60.0) -> Holding:
    amount = Amount(Measure.TOKENS, limit, window_s)
    return Holding(ID, Limit("team", (amount,)), amount, 0.0)


def test_what_is_left_is_what_the_bucket_had_and_what_has_come_back_since() -> None:
    holding = _holding()
    holding.level, holding.told_at, holding.held = 10.0, 5.0, 3
    assert holding.remaining(15.0) == 23
    assert holding.remaining(1000.0) == 60


def test_the_wait_is_until_so_much_is_there() -> None:
    holding = _holding()
    holding.level = 10.0
    assert holding.wait_s(25, 0.0) == 15.0
    assert holding.wait_s(25, 20.0) == 0.0
    assert holding.full_s(0.0) == 50.0


def test_a_worker_at_pace_asks_ahead_and_an_idle_one_does_not() -> None:
    holding = _holding(10_000)
    assert holding.ahead() == 0
    for tick in range(1, 21):
        holding.used = 100
        holding.keep_pace(tick / 10)
    assert 400 <= holding.ahead() <= 500
    for tick in range(21, 61):
        holding.keep_pace(tick / 10)
    assert holding.ahead() == 0


def test_a_line_says_what_requests_wait_for_and_answers_a_recall_once() -> None:
    holding = _holding()
    holding.waiting = {lambda: None: 5, lambda: None: 7}
    holding.held, holding.recalled = 4, True
    line = holding.line(ahead=True)
    assert (line.need, line.recalled) == (8, True)
    assert not holding.line(ahead=True).recalled
