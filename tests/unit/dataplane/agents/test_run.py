import pytest

from dataplane.agents.run import Bound, Run
from dataplane.runtime.limits import NANO
from dataplane.runtime.running import RunLimits


def a_run(depth: int = 1, **limits: int) -> Run:
    return Run("r1", 30.0, RunLimits(**limits), depth)


def test_a_run_begins_within_its_limits() -> None:
    assert a_run().bound("weather") is None


def test_steps_are_counted_over_all_agents() -> None:
    run = a_run(max_steps=2)
    assert [run.asks("weather").number, run.asks("flights").number] == [1, 2]
    assert run.bound("desk") is Bound.STEPS


def test_repeats_are_counted_for_each_agent() -> None:
    run = a_run(max_repeats=1)
    run.asks("weather")
    assert run.bound("weather") is Bound.REPEATS
    assert run.bound("flights") is None


def test_what_was_spent_forbids_the_next_step_only() -> None:
    run = a_run(tokens=10)
    run.spent(9)
    assert run.bound("weather") is None
    run.spent(100)
    assert run.bound("weather") is Bound.TOKENS


def test_depth_is_that_of_listeners_within_one_another() -> None:
    assert a_run(2, max_depth=2).bound("weather") is None
    assert a_run(3, max_depth=2).bound("weather") is Bound.DEPTH


@pytest.mark.parametrize(
    ("bound", "told"),
    [
        (Bound.STEPS, "16 agents were asked in it"),
        (Bound.REPEATS, "it was asked 4 times already"),
        (Bound.DEPTH, "agents ask agents more than 4 deep"),
        (Bound.TOKENS, "the budget of 10 tokens is used up"),
        (Bound.COST, "the budget of $0.5 is used up"),
    ],
)
def test_every_limit_has_its_sentence(bound: Bound, told: str) -> None:
    assert a_run(tokens=10, cost=NANO // 2).why(bound) == told


def test_one_agent_that_answers_is_nothing_to_tell() -> None:
    run = a_run()
    run.asks("weather").ok = True
    assert run.told() == ()


def test_what_became_of_every_step_is_told() -> None:
    run = a_run()
    run.asks("weather").why = "503"
    run.asks("desk", "weather").ok = True
    run.asks("flights")
    assert run.told() == ("weather;failed=503", "desk;ok;for=weather", "flights")
    assert run.answered() == ("desk", "flights")


def test_skipped_are_an_agent_and_those_who_stood_in_for_it() -> None:
    run = a_run()
    run.asks("weather").why = "503"
    run.asks("desk", "weather").why = "upstream_reset"
    run.skipped("weather")
    assert run.told() == (
        "weather;failed=503;skipped",
        "desk;failed=upstream_reset;skipped;for=weather",
    )
