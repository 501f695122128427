"""The order in which models of a preference are tried."""

import pytest

from dataplane.routing.selection import of_model, ranked
from dataplane.runtime.choosing import Prefer, Preference, Price

MODELS = ("openai/dear", "groq/cheap", "unknown", "xai/middle")
PRICES = {
    "openai/dear": Price(5, 15),
    "cheap": Price(0.1, 0.2),
    "xai/middle": Price(1, 3),
}
LATENCIES = {"openai/dear": 0.2, "xai/middle": 0.1}


@pytest.mark.parametrize(
    ("prefer", "order"),
    [
        pytest.param(Prefer.NONE, MODELS, id="as listed"),
        pytest.param(
            Prefer.CHEAPEST,
            ("groq/cheap", "xai/middle", "openai/dear", "unknown"),
            id="input and output price together",
        ),
        pytest.param(
            Prefer.FASTEST,
            ("xai/middle", "openai/dear", "groq/cheap", "unknown"),
            id="unknown ones last, as listed",
        ),
    ],
)
def test_models_are_ranked_by_what_is_preferred(prefer: Prefer, order: tuple[str, ...]) -> None:
    preference = Preference("p", "", MODELS, prefer)
    assert ranked(preference, PRICES, LATENCIES) == order


def test_empty_tables_leave_the_operators_order() -> None:
    for prefer in Prefer:
        assert ranked(Preference("p", "", MODELS, prefer), {}, {}) == MODELS


def test_a_free_model_is_the_cheapest() -> None:
    preference = Preference("p", "", ("a", "free"), Prefer.CHEAPEST)
    assert ranked(preference, {"a": Price(1, 1), "free": Price(0, 0)}, {})[0] == "free"


def test_a_model_is_found_by_its_name_without_the_providers() -> None:
    assert of_model({"gpt": 1}, "openai/gpt") == 1
    assert of_model({"gpt": 1}, "other") is None
