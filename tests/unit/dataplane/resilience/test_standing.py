from dataclasses import dataclass
from random import Random

from dataplane.resilience.budget import RetryBudget
from dataplane.resilience.standing import Standings
from dataplane.runtime.fault import Fault
from dataplane.runtime.retry import RetryPolicy


@dataclass
class Endpoint:
    active: int


def test_a_cluster_is_known_by_its_name() -> None:
    standings = Standings(Random(1))
    assert standings.of("a") is standings.of("a")
    assert standings.of("a") is not standings.of("b")


def test_what_a_new_configuration_still_has_is_kept() -> None:
    standings = Standings(Random(1))
    kept, gone = standings.of("a"), standings.of("b")
    standings.keep({"a": 1})
    assert standings.of("a") is kept
    assert standings.of("b") is not gone


def test_a_budget_sees_what_runs_and_what_waits() -> None:
    standing = Standings(Random(1)).of("a")
    standing.loads = (Endpoint(20), Endpoint(10))
    standing.waiting = 20
    budget = RetryBudget(standing.retries, RetryPolicy(budget_percent=20, min_retry_concurrency=0))
    assert sum(budget.take() for _ in range(50)) == 10


def test_numbers_are_told_by_cluster_and_by_fault() -> None:
    standings = Standings(Random(1))
    standings.of("a").retried[Fault.SERVER] += 2
    standings.of("b")
    assert standings.each(lambda one: one.retries.denied) == {("a",): 0.0, ("b",): 0.0}
    assert standings.each_word(lambda one: one.retried) == {("a", "server"): 2.0}
