"""Routing preferences: models that exist, names that differ, rankings that have numbers.

The older form, inside of model providers, is read as the newer one: entries of the same name are
one preference whose models are those providers' in the order of the file. A top-level preference of
that name replaces them all.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from controlplane.config import schema, schema_routing
from controlplane.config.rules import models
from controlplane.config.rules.findings import Findings, suggest

if TYPE_CHECKING:
    from controlplane.config.parse import Parsed
    from controlplane.config.problem import ConfigError, Path

METRIC = {"cheapest": "cost", "fastest": "latency"}
"""What a ranking goes by: a type of `model_metrics_sources`."""


def preferences_of(config: schema.Config) -> tuple[schema_routing.RoutingPreference, ...]:
    """All preferences in order, the older form included."""
    given = {one.name for one in config.routing_preferences}
    described: dict[str, str] = {}
    serving: dict[str, list[str]] = {}
    for provider in config.model_providers:
        for inline in provider.routing_preferences:
            if inline.name not in given:
                described.setdefault(inline.name, inline.description)
                serving.setdefault(inline.name, []).append(models.name_of(provider))
    return (
        *config.routing_preferences,
        *(
            schema_routing.RoutingPreference.model_construct(
                name=name,
                description=described[name],
                models=tuple(dict.fromkeys(serving[name])),
                selection_policy=None,
                examples=(),
            )
            for name in serving
        ),
    )


def prefer_of(preference: schema_routing.RoutingPreference) -> str:
    """How its models are ranked: "cheapest", "fastest" or "none"."""
    policy = preference.selection_policy
    return (policy and policy.prefer) or "none"


def check(config: schema.Config, findings: Findings) -> None:
    """Everything under `routing_preferences`, at the top level and in model providers."""
    known = models.models_of(config)
    names: dict[str, Path] = {}
    sources = {source.type for source in config.model_metrics_sources}
    for index, preference in enumerate(config.routing_preferences):
        path: Path = ("routing_preferences", index)
        findings.once(names, preference.name, (*path, "name"), "routing preference")
        seen: set[str] = set()
        for number, model in enumerate(preference.models):
            at = (*path, "models", number)
            if "*" in model:
                findings.add(at, f"{model!r} is a wildcard", "name the models one by one")
            elif not serves(config, known, model):
                hint = suggest(model, [*known, *config.model_aliases], "model providers")
                findings.add(at, f"unknown model {model!r}", hint)
            elif model in seen:
                findings.add(at, f"model {model!r} is here twice")
            seen.add(model)
        wanted = METRIC.get(prefer_of(preference))
        if wanted is not None and wanted not in sources:
            at = (*path, "selection_policy", "prefer")
            hint = f"add an entry with type: {wanted} to 'model_metrics_sources'"
            findings.add(at, f"{prefer_of(preference)!r} has no numbers to go by", hint)
    for index, provider in enumerate(config.model_providers):
        if provider.routing_preferences and provider.model.endswith("*"):
            at = ("model_providers", index, "routing_preferences")
            hint = "name the models in the top-level 'routing_preferences'"
            findings.add(at, "a wildcard is no model that could be preferred", hint)


def serves(config: schema.Config, known: Mapping[str, tuple[str, ...]], model: str) -> bool:
    """Whether a data plane would find a model by this word."""
    if model in known or model in config.model_aliases:
        return True
    prefix, _, rest = model.partition("/")
    return bool(rest) and (f"{prefix}/*" in known or rest in known)


def notes(parsed: "Parsed") -> list["ConfigError"]:
    """What is not wrong but has no effect."""
    config = parsed.config
    told: list[ConfigError] = []
    described: dict[str, str] = {one.name: "" for one in config.routing_preferences}
    for index, provider in enumerate(config.model_providers):
        for number, inline in enumerate(provider.routing_preferences):
            path: Path = ("model_providers", index, "routing_preferences", number)
            if described.get(inline.name) == "":
                what = f"is replaced by the top-level preference {inline.name!r}"
                told.append(parsed.error(path, what))
            elif described.setdefault(inline.name, inline.description) != inline.description:
                what = f"is not used: {inline.name!r} was described before"
                told.append(parsed.error((*path, "description"), what))
    caching = config.prompt_caching
    if caching is not None and not caching.enabled:
        told.append(parsed.error(("prompt_caching",), "has no effect: it is not enabled"))
    return told
