"""Settings of choosing models: a store that can be reached, numbers where they are needed."""

import re
from typing import TYPE_CHECKING

from controlplane.config import schema
from controlplane.config.rules import orchestrator, preferences, state_storage
from controlplane.config.rules.findings import Findings

if TYPE_CHECKING:
    from controlplane.config.problem import Path

DEFAULT_TTL_S = 600
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def check(config: schema.Config, findings: Findings) -> None:
    """Everything under `routing` and `prompt_caching`, and who chooses."""
    preferences.check(config, findings)
    _sessions(config, findings)
    _budget(config, findings)
    orchestrator.check(config, findings)


def ttl_s_of(config: schema.Config) -> int:
    """How long a session is remembered after its last turn."""
    routing, caching = config.routing, config.prompt_caching
    given = routing.session_ttl_seconds if routing is not None else None
    if given is None and caching is not None and caching.enabled:
        given = caching.session_ttl_seconds
    return DEFAULT_TTL_S if given is None else given


def _sessions(config: schema.Config, findings: Findings) -> None:
    routing, caching = config.routing, config.prompt_caching
    if (
        routing is not None
        and caching is not None
        and None not in (routing.session_ttl_seconds, caching.session_ttl_seconds)
        and routing.session_ttl_seconds != caching.session_ttl_seconds
    ):
        path: Path = ("prompt_caching", "session_ttl_seconds")
        hint = "keep one; a session has one life"
        findings.add(path, "differs from routing.session_ttl_seconds", hint)
    if routing is None:
        return
    cache = routing.session_cache
    at: Path = ("routing", "session_cache")
    if cache.tenant_header is not None and not _HEADER_NAME.fullmatch(cache.tenant_header):
        findings.add((*at, "tenant_header"), f"{cache.tenant_header!r} is not a header name")
    if cache.type == "memory":
        if cache.url is not None:
            findings.add((*at, "url"), "type 'memory' has no address", "write type: redis")
        return
    schemes = state_storage.SCHEMES[cache.type]
    if cache.url is None:
        hint = f"where it is, such as {schemes[0]}USER:$PASSWORD@HOST/..."
        findings.add(at, "'url' is missing", hint)
    else:
        state_storage.check_connection(cache.url, schemes, (*at, "url"), findings)


def _budget(config: schema.Config, findings: Findings) -> None:
    if config.routing is None or config.routing.routing_budget is None:
        return
    if not any(source.type == "cost" for source in config.model_metrics_sources):
        hint = "add an entry with type: cost to 'model_metrics_sources'"
        findings.add(("routing", "routing_budget"), "a budget needs prices", hint)
