"""Decisions in words."""

from dataplane.intent.reasons import closing_reason, nothing_reason, several_reason, single_reason


def test_a_choice_names_the_runner_up() -> None:
    assert single_reason("a", 0.934, "b", 0.02, None) == "a 0.93, next b 0.02"


def test_staying_and_moving_are_said() -> None:
    assert "stays with a" in single_reason("a", 0.9, "b", 0.1, "a")
    assert "moves on from b" in single_reason("a", 0.9, "b", 0.1, "b")


def test_each_agent_is_told_with_the_part_that_chose_it() -> None:
    reason = several_reason([("a", 0.9, 1), ("b", 0.8, 3)])
    assert reason == "several requests in one message: a 0.90 by part 1, b 0.80 by part 3"


def test_nothing_is_told_with_the_bar_it_missed() -> None:
    assert nothing_reason("a", 0.2, 0.3, 0.5).endswith("best a 0.20, confidence 0.30 below 0.50")
    assert "below 0.50" in closing_reason("a", 0.2, 0.3, 0.5)
