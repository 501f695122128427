"""What leaving a warm cache may cost."""

import pytest

from dataplane.routing.binding import Binding, Visit
from dataplane.routing.budget import Outcome, Verdict, began, cost_of, judge
from dataplane.runtime.choosing import Budget, Price

NOW = 1000.0
PRICES = {
    "dear": Price(10, 30, 1.0),
    "cheap": Price(1, 2, 0.1),
    "guessed": Price(10, 30),
}
ON_CHEAP = Binding("cheap", "cheap", "cheap", "small", "p", NOW, cached_tokens=10_000)
ON_DEAR = Binding("dear", "dear", "dear", "big", "p", NOW, cached_tokens=10_000)


def judged(
    binding: Binding, model: str, percent: float = 10, prices: dict[str, Price] = PRICES
) -> Verdict:
    return judge(binding, model, "other", 500, Budget(percent), prices, NOW)


def test_staying_costs_nothing_and_grows_the_baseline() -> None:
    verdict = judged(ON_CHEAP, "cheap")
    assert verdict.outcome is Outcome.SAME
    assert not verdict.switched
    assert verdict.binding.baseline_usd == pytest.approx(10_000 * 0.1e-6)


def test_baseline_is_that_of_the_model_that_would_have_been_used() -> None:
    binding = Binding("cheap", "dear", "dear", "", "p", NOW, cached_tokens=10_000)
    assert judged(binding, "cheap").binding.baseline_usd == pytest.approx(10_000 * 1e-6)


@pytest.mark.parametrize("percent", [0, 10, 100])
def test_paid_switch_over_the_cap_keeps_the_anchor_and_its_route(percent: float) -> None:
    verdict = judged(ON_CHEAP, "dear", percent)
    assert verdict.outcome is Outcome.OVER_CAP
    assert (verdict.binding.anchor_model, verdict.binding.route_name) == ("cheap", "small")
    assert verdict.binding.switch_spend_usd == 0.0
    # ten thousand tokens at the full price, in place of the cached price of the other model
    assert verdict.cost_usd == pytest.approx(10_000 * (10 - 0.1) * 1e-6)


def test_switch_that_saves_money_is_free_even_with_no_budget_at_all() -> None:
    saves = {**PRICES, "cheap": Price(0.5, 2)}
    verdict = judged(ON_DEAR, "cheap", 0, saves)
    assert verdict.outcome is Outcome.FREE
    assert verdict.switched
    assert verdict.binding.switch_spend_usd == 0.0


def test_switch_within_the_cap_is_paid_from_it() -> None:
    binding = Binding(
        "cheap", "cheap", "cheap", "small", "p", NOW, cached_tokens=10_000, baseline_usd=10.0
    )
    verdict = judged(binding, "dear", 1)
    assert verdict.outcome is Outcome.WITHIN_CAP
    assert verdict.binding.anchor_model == "dear"
    assert verdict.binding.switch_spend_usd == pytest.approx(0.099)
    assert verdict.binding.switches == 1


def test_cap_holds_for_all_switches_together() -> None:
    spent = Binding(
        "cheap",
        "cheap",
        "cheap",
        "small",
        "p",
        NOW,
        cached_tokens=10_000,
        baseline_usd=10.0,
        switch_spend_usd=0.05,
    )
    assert judged(spent, "dear", 1).outcome is Outcome.OVER_CAP


def test_return_to_a_model_that_is_still_warm_is_affordable() -> None:
    left = Visit("dear", NOW - 60, 9_000)
    binding = Binding(
        *("cheap", "cheap", "cheap", "small", "p", NOW, 10_000),
        baseline_usd=0.2,
        history=(left,),
    )
    verdict = judged(binding, "dear", 10)
    # a thousand new tokens, and nine thousand from the cache
    assert verdict.cost_usd == pytest.approx((1_000 * 10 + 9_000 * 1.0 - 10_000 * 0.1) * 1e-6)
    assert verdict.outcome is Outcome.WITHIN_CAP


def test_visit_of_long_ago_is_not_warm() -> None:
    left = Visit("dear", NOW - 301, 10_000)
    binding = Binding("cheap", "cheap", "cheap", "s", "p", NOW, 10_000, history=(left,))
    assert judged(binding, "dear").cost_usd == pytest.approx(0.099)


@pytest.mark.parametrize("model", ["dear", "cheap"])
def test_model_without_a_price_may_be_switched_to_and_from(model: str) -> None:
    known = {name: price for name, price in PRICES.items() if name != model}
    verdict = judged(ON_CHEAP, "dear", 0, known)
    assert verdict.outcome is Outcome.NO_PRICING
    assert verdict.switched


def test_unknown_cached_price_is_a_share_of_the_input_price() -> None:
    binding = Binding("guessed", "guessed", "guessed", "", "p", NOW, cached_tokens=1_000)
    assert judged(binding, "guessed").binding.baseline_usd == pytest.approx(1_000 * 10 * 0.1e-6)


def test_first_turn_goes_by_the_estimate() -> None:
    binding = Binding("cheap", "cheap", "cheap", "", "p", NOW)
    assert judged(binding, "cheap").binding.baseline_usd == pytest.approx(500 * 0.1e-6)


def test_many_turns_never_spend_more_than_the_share() -> None:
    binding, percent = ON_CHEAP, 20.0
    for turn in range(200):
        binding = judged(binding, "dear" if turn % 2 else "cheap", percent).binding
        ceiling = percent / 100 * binding.baseline_usd
        assert binding.switch_spend_usd <= ceiling + 1e-9


@pytest.mark.parametrize(("replenish", "spent"), [(True, 0.0), (False, 0.3)])
def test_new_binding_starts_from_zero_unless_told_otherwise(replenish: bool, spent: float) -> None:
    before = Binding("a", switch_spend_usd=0.3, baseline_usd=1.0, switches=2)
    budget = Budget(10, replenish_on_rebind=replenish)
    assert began(before, Binding("b"), budget).switch_spend_usd == spent


def test_cost_of_an_answer_counts_cached_tokens_as_such() -> None:
    cost = cost_of(PRICES["dear"], 1_000, 100, 400, Budget(0))
    assert cost == pytest.approx((600 * 10 + 400 * 1.0 + 100 * 30) * 1e-6)
    assert cost_of(None, 1_000, 100, 0, Budget(0)) == 0.0
