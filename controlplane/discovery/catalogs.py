"""What sources of prices and latencies answer -> tables. Pure.

Rule: a source that answers something else is an error, one model that is odd is left out.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

PER_TOKEN_BELOW = 0.001
"""DigitalOcean's "per million" is a price of one token: the cheapest million is $0.01, and the
dearest token far below this."""


class CatalogError(Exception):
    """An answer that is no such catalog; the text says why."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: float
    output: float
    cached: float | None = None


def digitalocean(body: bytes) -> dict[str, Price]:
    """The catalog of models of DigitalOcean's inference, by `model_id`."""
    found = {}
    root = _json(body)
    entries = _list(root, "data") or _list(root, "models")
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        pricing = entry.get("pricing")
        told = {**entry, **pricing} if isinstance(pricing, dict) else entry
        cached = told.get("cache_read_input_price_per_million", told.get("input_cache_read"))
        price = _price(
            told.get("input_price_per_million"), told.get("output_price_per_million"), cached
        )
        name = entry.get("model_id")
        if isinstance(name, str) and price is not None:
            found[name] = _per_million(price)
    return _some(found)


def models_dev(body: bytes) -> dict[str, Price]:
    """The catalog of models.dev, by "provider/model"."""
    found = {}
    for provider, entry in _mapping(_json(body)).items():
        models = entry.get("models") if isinstance(entry, dict) else None
        for model, told in (models if isinstance(models, dict) else {}).items():
            cost = told.get("cost") if isinstance(told, dict) else None
            if isinstance(cost, dict):
                price = _price(cost.get("input"), cost.get("output"), cost.get("cache_read"))
                if price is not None:
                    found[f"{provider}/{model}"] = price
    return _some(found)


def price_file(text: bytes) -> dict[str, Price]:
    """A file of the operator's: a mapping of models to input, output and (optional) cached."""
    try:
        root = _mapping(yaml.safe_load(text))
    except yaml.YAMLError as e:
        raise CatalogError("is neither YAML nor JSON") from e
    found = {}
    for model, told in root.items():
        price = None
        if isinstance(told, dict):
            price = _price(told.get("input"), told.get("output"), told.get("cached"))
        if price is None:
            raise CatalogError(f"model {model!r} needs 'input' and 'output', in $ per million")
        found[str(model)] = price
    return _some(found)


def prometheus(body: bytes) -> dict[str, float]:
    """An instant vector: its label `model_name` and its value."""
    root = _mapping(_json(body))
    if root.get("status") != "success":
        raise CatalogError(f"Prometheus says {root.get('error', root.get('status'))!r}")
    data = _mapping(root.get("data"))
    if data.get("resultType") != "vector":
        raise CatalogError(f"the query gives a {data.get('resultType')}, not an instant vector")
    found = {}
    for name, value in _samples(_list(data, "result")):
        number = _number(value)
        if number is not None:
            found[name] = number
    if not found:
        raise CatalogError("no sample has a label 'model_name' and a number")
    return found


def _samples(result: list[Any]) -> Iterator[tuple[str, object]]:
    for one in result:
        if isinstance(one, dict):
            name = _mapping(one.get("metric", {})).get("model_name")
            value = one.get("value")
            if isinstance(name, str) and isinstance(value, list) and len(value) == 2:
                yield name, value[1]


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as e:
        raise CatalogError("the answer is not JSON") from e


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise CatalogError("a mapping was expected")
    return value


def _list(value: object, key: str) -> list[Any]:
    inside = value.get(key) if isinstance(value, dict) else None
    return inside if isinstance(inside, list) else []


def _price(given: object, generated: object, cached: object) -> Price | None:
    """None when it is not a price: then nothing is known, which is not the same as free."""
    first, second = _number(given), _number(generated)
    if first is None or second is None:
        return None
    return Price(first, second, _number(cached))


def _per_million(price: Price) -> Price:
    if max(price.input, price.output) >= PER_TOKEN_BELOW:
        return price
    cached = None if price.cached is None else price.cached * 1e6
    return Price(price.input * 1e6, price.output * 1e6, cached)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _some(found: dict[str, Price]) -> dict[str, Price]:
    if not found:
        raise CatalogError("it tells no price")
    return found
