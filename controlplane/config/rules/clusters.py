"""The blocks of clusters: what no single key shows, with what `defaults` say laid under them."""

from collections.abc import Iterator
from typing import TypeVar

from controlplane.config import schema
from controlplane.config.fields import Block
from controlplane.config.problem import Path
from controlplane.config.rules.findings import Findings
from controlplane.config.schema_clusters import (
    ClusterKeys,
    Endpoint,
    LoadBalancing,
    OutlierDetection,
)
from controlplane.config.values import duration_ms

HASHING = ("ring_hash", "prefix_affinity")
LEAST_REQUEST = "least_request"
"""The policy when nobody says one (Balancing.kind)."""
BASE_EJECTION, MAX_EJECTION = "30s", "300s"
"""When a block says nothing (OutlierDetection)."""

B = TypeVar("B", bound=Block)


def check(config: schema.Config, findings: Findings) -> None:
    """Every block of every cluster, and of the defaults."""
    defaults = config.defaults or ClusterKeys()
    _outlier(("defaults",), defaults.outlier_detection, None, findings)
    for path, own, endpoints in clusters(config):
        _load_balancing(path, own.load_balancing, defaults.load_balancing, findings)
        _outlier(path, own.outlier_detection, defaults.outlier_detection, findings)
        _dns(path, own, findings)
        _priorities((*path, "endpoints"), endpoints, findings)
    planos = config.overrides.upstream_connect_timeout if config.overrides is not None else None
    if planos is not None and defaults.connect_timeout is not None:
        path = ("overrides", "upstream_connect_timeout")
        findings.add(path, "defaults.connect_timeout says the same", "give only one of them")


def clusters(config: schema.Config) -> Iterator[tuple[Path, ClusterKeys, tuple[Endpoint, ...]]]:
    """Everything that has addresses, where it stands, and its endpoints."""
    for index, agent in enumerate(config.agents):
        yield ("agents", index), agent, agent.endpoints or ()
    for index, one in enumerate(config.filters):
        yield ("filters", index), one, one.endpoints or ()
    for index, server in enumerate(config.mcp_servers):
        yield ("mcp_servers", index), server, server.endpoints or ()
    for index, provider in enumerate(config.model_providers):
        yield ("model_providers", index), provider, provider.endpoints or ()


def over(own: B | None, default: B | None) -> B | None:
    """A block laid over that of the defaults, key by key."""
    if own is None or default is None:
        return own or default
    said = {name: getattr(own, name) for name in own.model_fields_set}
    return default.model_copy(update={k: value for k, value in said.items() if value is not None})


def _load_balancing(
    path: Path, own: LoadBalancing | None, default: LoadBalancing | None, findings: Findings
) -> None:
    """What an entry says itself must mean something with the policy it has in the end."""
    whole = over(own, default)
    if own is None or whole is None:
        return
    at, policy = (*path, "load_balancing"), whole.policy or LEAST_REQUEST
    wants: list[tuple[str, object, tuple[str, ...]]] = [
        ("hash_on", own.hash_on, ("ring_hash",)),
        ("hash_header", own.hash_header, ("ring_hash",)),
        ("max_load_percent", own.max_load_percent, HASHING),
        ("ewma_decay", own.ewma_decay, ("peak_ewma",)),
    ]
    for key, value, policies in wants:
        if value is not None and policy not in policies:
            hint = f"it is for {' and '.join(policies)}"
            findings.add((*at, key), f"means nothing with the policy {policy!r}", hint)
    if policy != "ring_hash":
        return
    if whole.hash_on == "header" and whole.hash_header is None:
        findings.add((*at, "hash_header"), "is missing", "the header whose value is the key")
    elif whole.hash_on != "header" and own.hash_header is not None:
        hint = "write hash_on: header"
        findings.add((*at, "hash_header"), "means nothing without hash_on: header", hint)


def _outlier(
    path: Path, own: OutlierDetection | None, default: OutlierDetection | None, findings: Findings
) -> None:
    whole = over(own, default)
    if own is None or whole is None:
        return
    base = whole.base_ejection_time or BASE_EJECTION
    longest = whole.max_ejection_time or MAX_EJECTION
    if duration_ms(base) > duration_ms(longest):
        key = "max_ejection_time" if own.base_ejection_time is None else "base_ejection_time"
        told = f"base_ejection_time {base!r} is longer than max_ejection_time {longest!r}"
        findings.add((*path, "outlier_detection", key), told, "make it shorter than that")


def _dns(path: Path, own: ClusterKeys, findings: Findings) -> None:
    if own.dns == "logical" and own.dns_refresh_rate is not None:
        hint = "remove it, or write dns: strict"
        findings.add((*path, "dns_refresh_rate"), "means nothing with dns: logical", hint)


def _priorities(path: Path, endpoints: tuple[Endpoint, ...], findings: Findings) -> None:
    """Levels without a gap: one that nobody has is a slip of the pen."""
    used = {one.priority for one in endpoints}
    for index, one in enumerate(endpoints):
        if one.priority > 0 and one.priority - 1 not in used:
            told = f"no endpoint has priority {one.priority - 1}"
            findings.add((*path, index, "priority"), told, "levels go 0, 1, 2 and so on")
