"""The models of a preference in the order they are tried.

Rule: a model without the metric comes after those that have one, in the operator's order; a table
that is empty therefore changes nothing.
"""

from collections.abc import Mapping
from typing import TypeVar

from dataplane.runtime.choosing import Prefer, Preference, Price

V = TypeVar("V")


def ranked(
    preference: Preference, prices: Mapping[str, Price], latencies: Mapping[str, float]
) -> tuple[str, ...]:
    """All models of a preference, the best one first."""
    match preference.prefer:
        case Prefer.NONE:
            return preference.models
        case Prefer.CHEAPEST:
            found = {model: of_model(prices, model) for model in preference.models}
            metric = {m: price.input + price.output for m, price in found.items() if price}
        case Prefer.FASTEST:
            known = {model: of_model(latencies, model) for model in preference.models}
            metric = {m: latency for m, latency in known.items() if latency is not None}
    return tuple(sorted(preference.models, key=lambda m: (m not in metric, metric.get(m, 0.0))))


def of_model(table: Mapping[str, V], model: str) -> V | None:
    """What a table says of a model: by its whole name, else by its name without the provider's."""
    found = table.get(model)
    if found is None and "/" in model:
        found = table.get(model.partition("/")[2])
    return found
