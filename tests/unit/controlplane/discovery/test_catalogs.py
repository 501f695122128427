"""Answers of sources of prices and latencies."""

import contextlib
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.discovery.catalogs import (
    CatalogError,
    Price,
    digitalocean,
    models_dev,
    price_file,
    prometheus,
)


def test_digitalocean_prices_of_one_token_become_those_of_a_million() -> None:
    entry = {
        "model_id": "gpt",
        "pricing": {
            "input_price_per_million": 0.0000025,
            "output_price_per_million": 0.00001,
            "cache_read_input_price_per_million": 0.00000125,
        },
    }
    (price,) = digitalocean(json.dumps({"data": [entry]}).encode()).values()
    assert price.input == pytest.approx(2.5)
    assert price.output == pytest.approx(10)
    assert price.cached == pytest.approx(1.25)


def test_digitalocean_prices_that_are_of_a_million_stay() -> None:
    entry = {"model_id": "gpt", "input_price_per_million": 2.5, "output_price_per_million": "10"}
    body = json.dumps({"models": [entry, {"model_id": "odd"}, 7]}).encode()
    assert digitalocean(body) == {"gpt": Price(2.5, 10)}


def test_models_dev_is_read_by_provider_and_model() -> None:
    cost = {"input": 3, "output": 15, "cache_read": 0.3}
    models = {"claude": {"cost": cost}, "free": {"cost": {"input": 0, "output": 0}}, "odd": {}}
    found = models_dev(json.dumps({"anthropic": {"models": models}, "x": {}}).encode())
    assert found == {"anthropic/claude": Price(3, 15, 0.3), "anthropic/free": Price(0, 0)}


def test_file_is_a_mapping_of_models() -> None:
    text = b"openai/gpt: {input: 2.5, output: 10, cached: 1.25}\nllama: {input: 0, output: 0}\n"
    assert price_file(text) == {"openai/gpt": Price(2.5, 10, 1.25), "llama": Price(0, 0)}


@pytest.mark.parametrize("text", [b"gpt: 7", b"gpt: {input: x, output: 1}", b"[]", b"{", b""])
def test_file_that_is_no_list_of_prices_is_an_error(text: bytes) -> None:
    with pytest.raises(CatalogError):
        price_file(text)


def test_prometheus_tells_by_the_label_model_name() -> None:
    result = [
        {"metric": {"model_name": "openai/gpt"}, "value": [1, "0.25"]},
        {"metric": {"model_name": "idle"}, "value": [1, "NaN"]},
        {"metric": {"other": "x"}, "value": [1, "1"]},
    ]
    body = {"status": "success", "data": {"resultType": "vector", "result": result}}
    assert prometheus(json.dumps(body).encode()) == {"openai/gpt": 0.25}


@pytest.mark.parametrize(
    "body",
    [
        {"status": "error", "error": "bad query"},
        {"status": "success", "data": {"resultType": "matrix", "result": []}},
        {"status": "success", "data": {"resultType": "vector", "result": []}},
        [],
    ],
)
def test_prometheus_that_tells_nothing_is_an_error(body: object) -> None:
    with pytest.raises(CatalogError):
        prometheus(json.dumps(body).encode())


@pytest.mark.parametrize("read", [digitalocean, models_dev, prometheus])
@given(
    body=st.recursive(
        st.none() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["data", "models", "cost", "result"]), inner)
        ),
        max_leaves=8,
    )
)
def test_any_json_is_a_catalog_or_an_error(read: Callable[[bytes], object], body: object) -> None:
    with contextlib.suppress(CatalogError):
        read(json.dumps(body).encode())
