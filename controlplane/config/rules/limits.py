"""Limits: what they name exists, what they count can be counted, no credential becomes a label."""

import re
from collections.abc import Iterable

from controlplane.config import schema, schema_auth, schema_limits
from controlplane.config.problem import Path
from controlplane.config.rules import models
from controlplane.config.rules.findings import Findings, suggest
from controlplane.config.rules.state_storage import SCHEMES, check_connection

MEASURES = ("requests", "tokens", "input_tokens", "output_tokens", "cost", "concurrent")
CREDENTIALS = frozenset(
    ("authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie")
)
"""Headers whose values may not be shown, and so separate nothing."""
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def check(config: schema.Config, findings: Findings) -> None:
    """Everything under `limits`, `limits_storage` and `ratelimits`."""
    names: dict[str, Path] = {}
    for index, limit in enumerate(config.limits):
        path: Path = ("limits", index)
        findings.once(names, limit.name, (*path, "name"), "limit")
        measures(config, limit, path, findings)
        _scope(config, limit, path, findings)
        _per(limit, path, findings)
    _storage(config, findings)
    for index, old in enumerate(config.ratelimits):
        path = ("ratelimits", index)
        _header(old.selector.key, (*path, "selector", "key"), findings)
        known = models.models_of(config)
        if old.model not in known and not _bare(config, old.model):
            hint = suggest(old.model, known, "models")
            findings.add((*path, "model"), f"unknown model {old.model!r}", hint)


def _bare(config: schema.Config, model: str) -> bool:
    """Whether some provider may have a model of this name."""
    return any(one.model.endswith(("/*", f"/{model}")) for one in config.model_providers)


def measures(
    config: schema.Config,
    limit: schema_limits.Limit | schema_auth.KeyLimits,
    path: Path,
    findings: Findings,
) -> None:
    """What a limit counts: something, and what can be counted."""
    wrong = [measure for measure in MEASURES if findings.blamed((*path, measure))]
    if not wrong and all(getattr(limit, measure) is None for measure in MEASURES):
        findings.add(path, "limits nothing", f"give at least one of {', '.join(MEASURES)}")
    for measure in MEASURES:
        amount = getattr(limit, measure)
        if isinstance(amount, schema_limits.LimitCount | schema_limits.LimitCost):
            least = amount.limit / 1000
            if amount.burst is not None and amount.burst < least:
                hint = "it is what one request can be given at most"
                findings.add((*path, measure, "burst"), "is less than 1/1000 of the limit", hint)
    priced = any(source.type == "cost" for source in config.model_metrics_sources)
    if limit.cost is not None and not priced:
        hint = "add an entry of type cost to 'model_metrics_sources'"
        findings.add((*path, "cost"), "needs prices, and there is no source of them", hint)
    if limit.cost is None and "on_unknown_price" in limit.model_fields_set:
        findings.add((*path, "on_unknown_price"), "means nothing without 'cost'", "remove it")


def _scope(
    config: schema.Config, limit: schema_limits.Limit, path: Path, findings: Findings
) -> None:
    listeners = [listener.name for listener in config.listeners]
    for index, name in enumerate(limit.scope.listeners or ()):
        if not _fits_any(name, listeners):
            hint = suggest(name, listeners, "listeners")
            findings.add((*path, "scope", "listeners", index), f"no listener is {name!r}", hint)
    if limit.scope.models is not None:
        known = [*models.models_of(config), *config.model_aliases]
        for index, name in enumerate(limit.scope.models):
            if not (_fits_any(name, known) or _bare(config, name) or _wild(config, name)):
                hint = suggest(name, known, "models")
                findings.add((*path, "scope", "models", index), f"no model is {name!r}", hint)
    for name in limit.scope.headers:
        _header(name, (*path, "scope", "headers", name), findings)
    if limit.tenant_header is not None:
        _header(limit.tenant_header, (*path, "tenant_header"), findings)


def _wild(config: schema.Config, name: str) -> bool:
    """Whether a wildcard of a provider may serve it."""
    vendor = name.partition("/")[0]
    return any(
        (one.name or one.model).endswith("/*")
        and vendor in (one.model.partition("/")[0], (one.name or "").partition("/")[0])
        for one in config.model_providers
    )


def _fits_any(pattern: str, names: Iterable[str]) -> bool:
    if pattern.endswith("*"):
        return any(name.startswith(pattern[:-1]) for name in names)
    return pattern in names


def _per(limit: schema_limits.Limit, path: Path, findings: Findings) -> None:
    seen: dict[str, Path] = {}
    for index, part in enumerate(limit.per):
        at: Path = (*path, "per", index)
        findings.once(seen, part.lower(), at, "part of this limit")
        name = part.partition(":")[2]
        if name:
            _header(name, at, findings)


def _header(name: str, path: Path, findings: Findings) -> None:
    if not _HEADER_NAME.fullmatch(name):
        findings.add(path, f"{name!r} is not a header name")
    elif name.lower() in CREDENTIALS:
        hint = "credentials are not shown; callers are told apart by 'key' and 'tenant'"
        findings.add(path, f"{name!r} holds a credential", hint)


def _storage(config: schema.Config, findings: Findings) -> None:
    storage = config.limits_storage
    if storage is None:
        return
    path: Path = ("limits_storage", "url")
    if storage.type == "redis" and storage.url is None:
        hint = "where it is, such as redis://:$PASSWORD@HOST:6379/0"
        findings.add(("limits_storage",), "'url' is missing", hint)
    elif storage.type != "redis" and storage.url is not None:
        findings.add(path, f"type {storage.type!r} has no connection", "remove it")
    elif storage.url is not None:
        check_connection(storage.url, SCHEMES["redis"], path, findings)
    if storage.type != "redis" and "on_failure" in storage.model_fields_set:
        at: Path = ("limits_storage", "on_failure")
        hint = "without its control plane a data plane goes on with an equal share"
        findings.add(at, "is for type 'redis'", hint)
