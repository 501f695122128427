"""A catalog's models by the names of a config."""

from typing import Any

from controlplane.config.parse import parse
from controlplane.config.schema import Config
from controlplane.discovery.naming import named

TABLE = {
    "openai/gpt": 1,
    "google/gemini": 2,
    "azure/llama": 3,
    "groq/llama": 3,
    "bare": 4,
    "x/y": 5,
}


def config(*models: str, **more: Any) -> Config:
    providers = [{"model": model, "access_key": "$KEY"} for model in models]
    text = {"version": "v0.4.0", "listeners": [], "model_providers": providers, **more}
    return parse(str(text).replace("'", '"'), "c.yaml").config


def test_model_is_found_by_every_name_it_has() -> None:
    found = named(TABLE, {}, config("openai/gpt"))
    assert found == {"openai/gpt": 1, "gpt": 1}


def test_provider_is_found_by_what_the_catalog_calls_it() -> None:
    assert named(TABLE, {}, config("gemini/gemini"))["gemini/gemini"] == 2


def test_model_that_others_serve_too_has_the_price_that_most_of_them_ask() -> None:
    assert named({**TABLE, "dear/llama": 9}, {}, config("mine/llama"))["mine/llama"] == 3


def test_operators_alias_wins() -> None:
    found = named(TABLE, {"bare": "openai/gpt"}, config("openai/gpt"))
    assert found["openai/gpt"] == 4


def test_model_of_an_alias_and_of_a_preference_is_found() -> None:
    made = config(
        "openai/gpt",
        model_aliases={"smart": {"target": "gpt"}},
        routing_preferences=[{"name": "n", "description": "d", "models": ["x/y"]}],
    )
    found = named(TABLE, {}, made)
    assert (found["smart"], found["x/y"]) == (1, 5)


def test_wildcard_takes_all_that_its_provider_has() -> None:
    assert named(TABLE, {}, config("gemini/*")) == {"gemini/gemini": 2}


def test_what_nobody_could_ask_for_is_left_out() -> None:
    assert named(TABLE, {}, config("openai/other")) == {}
