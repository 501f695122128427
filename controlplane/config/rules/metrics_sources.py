"""Sources of prices and latencies: one of each, with the keys that its kind needs."""

from controlplane.config import schema, schema_routing
from controlplane.config.problem import Path
from controlplane.config.rules.findings import Findings

PROVIDERS = {
    "cost": ("digitalocean", "models.dev", "file"),
    "latency": ("prometheus", "outrider"),
}
NEEDS = {"file": ("path",), "prometheus": ("url", "query")}
TAKES = {
    "digitalocean": ("url", "refresh_interval", "model_aliases"),
    "models.dev": ("url", "refresh_interval", "model_aliases"),
    "file": ("path", "refresh_interval", "model_aliases"),
    "prometheus": ("url", "query", "refresh_interval", "model_aliases"),
    "outrider": (),
}
_KEYS = ("url", "path", "query", "refresh_interval", "model_aliases")


def check(config: schema.Config, findings: Findings) -> None:
    """Everything under `model_metrics_sources`."""
    seen: dict[str, Path] = {}
    for index, source in enumerate(config.model_metrics_sources):
        path: Path = ("model_metrics_sources", index)
        if source.type in seen:
            hint = f"the first one is in line {findings.line(seen[source.type])}"
            findings.add((*path, "type"), f"a second source of {source.type}", hint)
        seen.setdefault(source.type, (*path, "type"))
        if source.provider not in PROVIDERS[source.type]:
            hint = f"for type {source.type} write {' or '.join(PROVIDERS[source.type])}"
            said = f"{source.provider!r} tells no {source.type}"
            findings.add((*path, "provider"), said, hint)
        else:
            _keys(source, path, findings)


def _keys(source: schema_routing.MetricsSource, path: Path, findings: Findings) -> None:
    for key in _KEYS:
        given = bool(getattr(source, key))
        if given and key not in TAKES[source.provider]:
            findings.add((*path, key), f"{source.provider!r} has no use for it", "remove it")
        elif not given and key in NEEDS.get(source.provider, ()):
            findings.add(path, f"{key!r} is missing", f"{source.provider!r} needs it")
