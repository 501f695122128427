"""A catalog's models by the names they have in a config. Pure.

Rule: only what a request could ask for is kept: a catalog has thousands of models, a config few,
and every data plane gets the table.
"""

from collections.abc import Mapping
from statistics import mode
from typing import TypeVar

from controlplane.config import schema
from controlplane.config.providers.resolve import is_wildcard
from controlplane.config.rules import models, preferences

V = TypeVar("V")

VENDORS = {
    "amazon_bedrock": ("amazon-bedrock", "amazon"),
    "azure_openai": ("azure", "openai"),
    "chatgpt": ("openai",),
    "digitalocean": ("digitalocean",),
    "fireworks": ("fireworks-ai",),
    "gemini": ("google",),
    "qwen": ("alibaba",),
    "together_ai": ("togetherai",),
    "vertex": ("google-vertex", "google"),
    "zhipu": ("zhipuai", "zai"),
}
"""Our names of providers -> those of models.dev, where they differ."""


def named(
    table: Mapping[str, V], aliases: Mapping[str, str], config: schema.Config
) -> dict[str, V]:
    """:param aliases: names of the catalog -> names here, as the operator tells."""
    renamed = {ours: theirs for theirs, ours in aliases.items()}
    by_bare: dict[str, list[V]] = {}
    for name, value in table.items():
        by_bare.setdefault(name.rpartition("/")[2], []).append(value)
    found: dict[str, V] = {}
    for word, model in _words(config).items():
        names = [renamed.get(word), renamed.get(model), word, *_spellings(model)]
        known = [table[name] for name in names if name is not None and name in table]
        same = by_bare.get(model.rpartition("/")[2], [])
        if known:
            found[word] = known[0]
        elif same:
            found[word] = mode(same)
    for provider in config.model_providers:
        if is_wildcard(provider):
            found |= _all_of(provider.model.partition("/")[0], table, found)
    return found


def _words(config: schema.Config) -> dict[str, str]:
    """What models are called here -> "provider/model"."""
    words: dict[str, str] = {}
    for provider in config.model_providers:
        if not is_wildcard(provider):
            full = provider.model
            words.setdefault(models.name_of(provider), full)
            words.setdefault(full, full)
            words.setdefault(full.partition("/")[2], full)
    for alias, target in config.model_aliases.items():
        first = models.targets_of(target)[0]
        words.setdefault(alias, words.get(first, first))
    for preference in preferences.preferences_of(config):
        for model in preference.models:
            words.setdefault(model, model)
    return words


def _spellings(model: str) -> list[str]:
    vendor, _, rest = model.partition("/")
    return [model, *(f"{other}/{rest}" for other in VENDORS.get(vendor, ())), rest]


def _all_of(vendor: str, table: Mapping[str, V], known: Mapping[str, V]) -> dict[str, V]:
    prefixes = [f"{name}/" for name in (vendor, *VENDORS.get(vendor, ()))]
    found: dict[str, V] = {}
    for prefix in prefixes:
        for name, value in table.items():
            if name.startswith(prefix):
                found.setdefault(f"{vendor}/{name.removeprefix(prefix)}", value)
    return {name: value for name, value in found.items() if name not in known}
