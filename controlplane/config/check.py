"""Model -> every problem of it that its shape does not show."""

from collections.abc import Mapping

from controlplane.config.parse import Parsed
from controlplane.config.problem import ConfigError
from controlplane.config.rules import (
    agents,
    auth,
    clusters,
    descriptions,
    filters,
    limits,
    listeners,
    mcp,
    metrics_sources,
    models,
    orchestrator,
    plans,
    preferences,
    prompts,
    retry,
    routing,
    secrets,
    state_storage,
    tracing,
)
from controlplane.config.rules.findings import Findings


def check(parsed: Parsed, present: Mapping[str, str] | None) -> tuple[ConfigError, ...]:
    """Everything wrong with a config: what parsing found and what the rules find.

    :param present: environment variables by name; None leaves their presence to the data planes.
    """
    findings = Findings(parsed)
    listeners.check(parsed.config, findings)
    agents.check(parsed.config, findings)
    plans.check(parsed.config, findings)
    filters.check(parsed.config, findings)
    mcp.check(parsed.config, findings)
    models.check(parsed.config, findings)
    prompts.check(parsed.config, findings)
    routing.check(parsed.config, findings)
    metrics_sources.check(parsed.config, findings)
    tracing.check(parsed.config, findings)
    state_storage.check(parsed.config, findings)
    retry.check(parsed.config, findings)
    auth.check(parsed.config, findings)
    limits.check(parsed.config, findings)
    clusters.check(parsed.config, findings)
    if present is not None:
        secrets.check(parsed.config, present, findings)
    return (*parsed.problems, *findings.problems)


def notes(parsed: Parsed) -> tuple[ConfigError, ...]:
    """What is not wrong but probably not meant; shown by `outrider check`, never refused."""
    config = parsed.config
    told: list[ConfigError] = []
    places: list[filters.HasFilters] = [*config.listeners, *config.model_providers]
    places += [agent for listener in config.listeners for agent in listener.agents]
    places += config.model_aliases.values()
    used = {agent.id for listener in config.listeners for agent in listener.agents}
    steps = {name for at in places for name in (*at.input_filters, *at.output_filters)}
    for index, agent in enumerate(config.agents):
        if agent.id not in used:
            told.append(parsed.error(("agents", index), f"no listener uses agent {agent.id!r}"))
    for index, one in enumerate(config.filters):
        if one.id not in steps:
            told.append(parsed.error(("filters", index), f"nothing uses filter {one.id!r}"))
    offered = {name for listener in config.listeners for name in listener.mcp_servers}
    for index, server in enumerate(config.mcp_servers):
        if server.id not in offered:
            what = f"no listener offers MCP server {server.id!r}"
            told.append(parsed.error(("mcp_servers", index), what))
    served = any(li.type not in ("agent", "mcp") for li in config.listeners)
    if config.model_providers and not served and not orchestrator.asks_models(config):
        told.append(parsed.error(("model_providers",), "no model listener serves them"))
    if config.prompt_targets and all(li.type != "prompt" for li in config.listeners):
        hint = "add a listener with type: prompt; Plano opens one at port 10000 unasked"
        told.append(parsed.error(("prompt_targets",), "no prompt listener has them", hint))
    called = {one.endpoint.name for one in config.prompt_targets if one.endpoint is not None}
    told += [
        parsed.error(("endpoints", name), f"nothing uses endpoint {name!r}")
        for name in config.endpoints
        if name not in called
    ]
    if parsed.renamed.get(("model_providers",)) == ("llm_providers",):
        hint = "rename it to 'model_providers'"
        told.append(parsed.error(("model_providers",), "is the older name", hint))
    for index, provider in enumerate(config.model_providers):
        for key in ("access_key", "access_keys", "aws"):
            if provider.passthrough_auth and getattr(provider, key) is not None:
                path = ("model_providers", index, key)
                told.append(parsed.error(path, "is not used: passthrough_auth is set"))
    if config.api_keys and all(li.auth is None or not li.auth.api_keys for li in config.listeners):
        told.append(parsed.error(("api_keys",), "no listener asks for them"))
    told += preferences.notes(parsed)
    told += orchestrator.notes(parsed)
    told += descriptions.notes(parsed)
    return tuple(sorted(told, key=lambda note: note.line))
