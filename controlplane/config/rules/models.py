"""Model providers and aliases: names clients can tell apart."""

from controlplane.config import schema, schema_models
from controlplane.config.problem import Path
from controlplane.config.providers.resolve import is_wildcard
from controlplane.config.rules import providers
from controlplane.config.rules.findings import Findings, suggest


def check(config: schema.Config, findings: Findings) -> None:
    """Everything under `model_providers` and `model_aliases`."""
    names: dict[str, Path] = {}
    default: Path = ()
    for index, provider in enumerate(config.model_providers):
        path: Path = ("model_providers", index)
        key = "model" if provider.name is None else "name"
        findings.once(names, name_of(provider), (*path, key), "model provider")
        if provider.default and default:
            hint = f"the first one is in line {findings.line(default)}"
            findings.add((*path, "default"), "a second default model provider", hint)
        elif provider.default:
            default = (*path, "default")
        providers.check(provider, path, findings)
    _aliases(config, names, findings)


def name_of(provider: schema_models.ModelProvider) -> str:
    """What clients ask for."""
    return provider.name or provider.model


def models_of(config: schema.Config) -> dict[str, tuple[str, ...]]:
    """Every word a model can be asked for by -> names of the providers that serve it, in order.

    A provider's own name wins over others' `provider/model`, that over a bare model. Who shares a
    `provider/model` or a bare model shares the word: the first in the file is tried first. Words of
    wildcards end with `/*`; they have no bare model.
    """
    known: dict[str, tuple[str, ...]] = {}
    for provider in config.model_providers:
        known[name_of(provider)] = (name_of(provider),)
    for word_of in (_full, _bare):
        shared: dict[str, list[str]] = {}
        for provider in config.model_providers:
            word = word_of(provider)
            if word and word not in known:
                shared.setdefault(word, []).append(name_of(provider))
        known |= {word: tuple(names) for word, names in shared.items()}
    return known


def _full(provider: schema_models.ModelProvider) -> str:
    return provider.model


def _bare(provider: schema_models.ModelProvider) -> str:
    return "" if is_wildcard(provider) else provider.model.partition("/")[2]


def targets_of(alias: schema_models.ModelAlias) -> tuple[str, ...]:
    """The models an alias stands for, in order."""
    return alias.targets or ((alias.target,) if alias.target else ())


def _aliases(config: schema.Config, names: dict[str, Path], findings: Findings) -> None:
    known = models_of(config)
    for name, alias in config.model_aliases.items():
        path: Path = ("model_aliases", name)
        if name in names:
            hint = f"it is in line {findings.line(names[name])}; requests could mean either"
            findings.add(path, f"a model provider has the name {name!r}", hint)
        if "*" in name:
            findings.add(path, f"{name!r}: an alias has no '*'", "it stands for one word")
        if alias.target is not None and alias.targets is not None:
            findings.add((*path, "target"), "'target' and 'targets' are both given", "keep one")
        elif (
            alias.target is None
            and alias.targets is None
            and not findings.blamed((*path, "targets"))
        ):
            findings.add((*path, "target"), "is missing", "the model it stands for")
        seen: list[tuple[str, ...]] = []
        for index, target in enumerate(targets_of(alias)):
            at = (*path, "target") if alias.targets is None else (*path, "targets", index)
            if target not in known or target.endswith("/*"):
                _unknown_target(config, target, known, at, findings)
            elif known[target] in seen:
                findings.add(at, f"model {target!r} is here twice")
            else:
                seen.append(known[target])


def _unknown_target(
    config: schema.Config,
    target: str,
    known: dict[str, tuple[str, ...]],
    path: Path,
    findings: Findings,
) -> None:
    if target in config.model_aliases:
        hint = "name its model instead"
        findings.add(path, f"{target!r} is an alias, and an alias stands for a model", hint)
    elif target.endswith("/*"):
        what = f"{target!r} is a wildcard, and an alias stands for a model"
        findings.add(path, what, "add an entry for the model, and name that")
    elif f"{target.partition('/')[0]}/*" in known:
        what = f"{target!r} is only served by a wildcard"
        findings.add(path, what, f"add an entry for it: - model: {target}")
    else:
        hint = suggest(target, known, "model providers")
        findings.add(path, f"unknown model {target!r}", hint)
