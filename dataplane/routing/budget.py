"""Whether a session may leave a model whose provider has its prompt in the cache.

Another model must read the whole conversation at the full price, where this one reads it from its
cache. The budget is a share of what the session would have cost by staying: `baseline` grows with
every warm turn, and switches may together cost `max_switch_spend_pct` of it.

Rule: without prices nothing is forbidden.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from dataplane.routing.binding import CACHE_S, Binding, moved
from dataplane.routing.selection import of_model
from dataplane.runtime.choosing import Budget, Price

PER_TOKEN = 1e-6
"""Prices are of a million tokens."""
EXACT = 1e-12
"""Dollars that a sum of floats may be wrong by."""


class Outcome(StrEnum):
    """Why the session may go, or not."""

    SAME = "same"
    COLD = "cold"
    NO_PRICING = "no_pricing"
    FREE = "free"
    WITHIN_CAP = "within_cap"
    OVER_CAP = "over_cap"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where the session goes on."""

    binding: Binding
    outcome: Outcome
    cost_usd: float = 0.0
    """What the switch costs, or would have cost."""

    @property
    def switched(self) -> bool:
        """Whether a warm session has another model now."""
        return self.outcome in (Outcome.NO_PRICING, Outcome.FREE, Outcome.WITHIN_CAP)


def judge(
    binding: Binding,
    model: str,
    route: str,
    estimate: int,
    budget: Budget,
    prices: Mapping[str, Price],
    now: float,
) -> Verdict:
    """One turn of a warm session for which `model` was chosen.

    :param route: the preference that chose it.
    :param estimate: tokens of this request, for a session whose first answer has not been counted.
    """
    tokens = binding.cached_tokens or estimate
    binding = _grown(binding, tokens, budget, prices)
    anchor = binding.anchor_model
    if model == anchor:
        return Verdict(moved(binding, model, route, now), Outcome.SAME)
    ours, theirs = of_model(prices, anchor), of_model(prices, model)
    if ours is None or theirs is None:
        return Verdict(_switched(binding, model, route, now, 0.0), Outcome.NO_PRICING)
    warm = min(tokens, _still_cached(binding, model, now))
    cost = PER_TOKEN * (
        (tokens - warm) * theirs.input
        + warm * _cached(theirs, budget)
        - tokens * _cached(ours, budget)
    )
    if cost <= 0:
        return Verdict(_switched(binding, model, route, now, 0.0), Outcome.FREE, cost)
    ceiling = budget.max_switch_spend_pct / 100 * binding.baseline_usd
    if binding.switch_spend_usd + cost <= ceiling + EXACT * (ceiling > 0):
        return Verdict(_switched(binding, model, route, now, cost), Outcome.WITHIN_CAP, cost)
    kept = moved(binding, anchor, binding.route_name, now)
    return Verdict(kept, Outcome.OVER_CAP, cost)


def began(before: Binding | None, binding: Binding, budget: Budget | None) -> Binding:
    """A session that is bound anew; what it has spent is forgotten when the budget says so."""
    if before is None or budget is None or budget.replenish_on_rebind:
        return binding
    return msgspec.structs.replace(
        binding,
        baseline_usd=before.baseline_usd,
        switch_spend_usd=before.switch_spend_usd,
        switches=before.switches,
        session_cost_usd=before.session_cost_usd,
    )


def cost_of(
    price: Price | None, input_tokens: int, output_tokens: int, cached: int, budget: Budget
) -> float:
    """What an answer has cost, in dollars; 0 when its price is not known."""
    if price is None:
        return 0.0
    cached = min(cached, input_tokens)
    return PER_TOKEN * (
        (input_tokens - cached) * price.input
        + cached * _cached(price, budget)
        + output_tokens * price.output
    )


def _grown(binding: Binding, tokens: int, budget: Budget, prices: Mapping[str, Price]) -> Binding:
    price = of_model(prices, binding.default_model)
    if price is None:
        return binding
    stayed = PER_TOKEN * tokens * _cached(price, budget)
    return msgspec.structs.replace(binding, baseline_usd=binding.baseline_usd + stayed)


def _switched(binding: Binding, model: str, route: str, now: float, cost: float) -> Binding:
    return msgspec.structs.replace(
        moved(binding, model, route, now),
        switch_spend_usd=binding.switch_spend_usd + cost,
        switches=binding.switches + 1,
    )


def _cached(price: Price, budget: Budget) -> float:
    return price.input * budget.cache_read_discount if price.cached is None else price.cached


def _still_cached(binding: Binding, model: str, now: float) -> int:
    """Tokens of an earlier visit that the candidate's provider should still have."""
    for visit in binding.history:
        if visit.model == model and now - visit.last_used <= CACHE_S:
            return visit.cached_tokens
    return 0
