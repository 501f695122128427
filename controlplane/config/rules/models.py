"""Model providers and aliases: names clients can tell apart, credentials kept out of the file."""

import re

from controlplane.config import schema, schema_models, values
from controlplane.config.problem import Path
from controlplane.config.rules import addresses, provider_defaults
from controlplane.config.rules.findings import Findings, suggest

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Written by the proxy for each request: a fixed value would break framing or routing.
_OURS = frozenset(
    [
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te"),
        *("trailer", "upgrade", "expect", "proxy-connection", "accept-encoding"),
        *("content-encoding", "content-type"),
    ]
)
_CREDENTIALS = frozenset(
    ["authorization", "proxy-authorization", "x-api-key", "api-key", "cookie", "x-goog-api-key"]
)


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
        _model(provider, path, findings)
        _credentials(provider, path, findings)
    _aliases(config, names, findings)


def name_of(provider: schema_models.ModelProvider) -> str:
    """What clients ask for."""
    return provider.name or provider.model


def _model(provider: schema_models.ModelProvider, path: Path, findings: Findings) -> None:
    vendor, slash, model = provider.model.partition("/")
    at = (*path, "model")
    if not slash or not vendor or not model:
        hint = f"write openai/{vendor or model}, or your provider's name first"
        if slash:
            hint = "such as openai/gpt-4o"
        findings.add(at, f"{provider.model!r} is not provider/model", hint)
        return
    if "*" in provider.model:
        hint = "list the models one by one"
        findings.add(at, f"{provider.model!r}: wildcards are not supported yet", hint)
    if vendor in provider_defaults.NOT_CHAT:
        hint = provider_defaults.NOT_CHAT[vendor]
        findings.add(at, f"provider {vendor!r} is not supported yet", hint)
        return
    _address(provider, vendor, path, findings)


def _address(
    provider: schema_models.ModelProvider, vendor: str, path: Path, findings: Findings
) -> None:
    addresses.check(findings, path, ("base_url", provider.base_url), provider.endpoints)
    if provider.base_url is not None:
        addresses.check_suffix(
            findings, (*path, "base_url"), provider.base_url, ("/chat/completions",)
        )
    elif provider.endpoints is not None:
        for index, url in enumerate(provider.endpoints):
            at = (*path, "endpoints", index)
            addresses.check_suffix(findings, at, url, ("/chat/completions",))
    elif not provider_defaults.of(vendor).url and not findings.blamed((*path, "endpoints")):
        known = [name for name, one in provider_defaults.KNOWN.items() if one.url]
        hint = suggest(vendor, known, "providers") if vendor not in provider_defaults.KNOWN else ""
        hint = hint if hint.startswith("did") else "where it is, such as http://127.0.0.1:8000/v1"
        findings.add((*path, "base_url"), f"is missing: {vendor!r} has no known address", hint)


def _credentials(provider: schema_models.ModelProvider, path: Path, findings: Findings) -> None:
    if provider.access_key is not None:
        _access_key(provider.access_key, (*path, "access_key"), findings)
    seen: dict[str, Path] = {}
    for name, value in provider.headers.items():
        at = (*path, "headers", name)
        low = name.lower()
        if not _HEADER_NAME.fullmatch(name):
            findings.add(at, f"{name!r} is not a header name")
        elif low in _OURS or low.startswith("x-outrider-"):
            findings.add(at, f"header {name!r} is written by Outrider", "remove it")
        else:
            findings.once(seen, low, at, "header")
        _header_value(low, value, at, findings)


def _access_key(text: str, path: Path, findings: Findings) -> None:
    hint = "write $NAME_OF_A_VARIABLE or file:/path; snapshots and revisions are stored"
    try:
        parts = values.secret_parts(text)
    except values.BadValueError as e:
        # What follows a stray '$' may be a key, so the value is not shown.
        findings.add(path, e.message, e.hint)
        return
    kinds = [part.kind for part in parts]
    if kinds == [values.SecretKind.LITERAL]:
        findings.add(path, "the key itself may not be in the config", hint)
    elif values.SecretKind.LITERAL in kinds or len(kinds) > 1:
        if text.lower().startswith("bearer "):
            hint = f"'Bearer ' is added to it: write {text.split()[-1]}"
        findings.add(path, "must be one variable or one file and nothing else", hint)


def _header_value(name: str, text: str, path: Path, findings: Findings) -> None:
    try:
        parts = values.secret_parts(text)
    except values.BadValueError as e:
        findings.add(path, e.message, e.hint)
        return
    for part in parts:
        if part.kind is values.SecretKind.LITERAL and not _is_header_text(part.text):
            what = "has a line break, a control or a non-ASCII character"
            findings.add(path, what, "headers are plain ASCII text")
            return
    if name in _CREDENTIALS and all(part.kind is values.SecretKind.LITERAL for part in parts):
        hint = "write $NAME_OF_A_VARIABLE or file:/path; snapshots and revisions are stored"
        findings.add(path, "a credential may not be in the config", hint)


def _is_header_text(text: str) -> bool:
    return text.isascii() and text.isprintable()


def models_of(config: schema.Config) -> dict[str, str]:
    """Every word a model can be asked for by -> name of the provider that serves it.

    A provider's own name wins over another's `provider/model`, that over a bare model; of two
    providers with the same one, the first in the file.
    """
    known = {name_of(provider): name_of(provider) for provider in config.model_providers}
    for provider in config.model_providers:
        known.setdefault(provider.model, name_of(provider))
    for provider in config.model_providers:
        known.setdefault(provider.model.partition("/")[2], name_of(provider))
    return known


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
        if alias.target is not None and alias.targets is not None:
            findings.add((*path, "target"), "'target' and 'targets' are both given", "keep one")
        elif (
            alias.target is None
            and alias.targets is None
            and not findings.blamed((*path, "targets"))
        ):
            findings.add((*path, "target"), "is missing", "the model it stands for")
        seen: list[str] = []
        for index, target in enumerate(targets_of(alias)):
            at = (*path, "target") if alias.targets is None else (*path, "targets", index)
            if target not in known:
                _unknown_target(config, target, known, at, findings)
            elif known[target] in seen:
                findings.add(at, f"model {target!r} is here twice")
            else:
                seen.append(known[target])


def _unknown_target(
    config: schema.Config, target: str, known: dict[str, str], path: Path, findings: Findings
) -> None:
    if target in config.model_aliases:
        hint = "name its model instead"
        findings.add(path, f"{target!r} is an alias, and an alias stands for a model", hint)
    else:
        hint = suggest(target, known, "model providers")
        findings.add(path, f"unknown model {target!r}", hint)
