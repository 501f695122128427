"""Filters: one id each, an address where their kind has one, and a config that their kind takes."""

from pydantic import ValidationError

from controlplane.config import schema
from controlplane.config.explain import explain
from controlplane.config.filters.kind import Address
from controlplane.config.filters.kinds import KINDS, config_root
from controlplane.config.problem import Path
from controlplane.config.rules import addresses, builtin_filters
from controlplane.config.rules.findings import Findings, suggest
from controlplane.config.schema_clusters import ClusterKeys
from controlplane.config.schema_filters import Filter
from controlplane.config.schema_models import ModelAlias, ModelProvider

HasFilters = schema.Listener | schema.ListenerAgent | ModelProvider | ModelAlias


def check(config: schema.Config, findings: Findings) -> None:
    """Everything under `filters`."""
    seen: dict[str, Path] = {agent.id: ("agents", at) for at, agent in enumerate(config.agents)}
    for index, one in enumerate(config.filters):
        path: Path = ("filters", index)
        if config.prompt_guards is not None and one.id == "prompt_guards":
            findings.add((*path, "id"), "is what 'prompt_guards' makes", "rename the filter")
        findings.once(seen, one.id, (*path, "id"), "agent or filter")
        if not findings.blamed((*path, "type")):
            _address(one, path, findings)
            for key in ("tool", "transport"):
                if one.type != "mcp" and getattr(one, key) is not None:
                    findings.add((*path, key), "means nothing for this type", "only MCP has tools")
            _config(one, path, findings)
    for at, provider in enumerate(config.model_providers):
        chains(config, provider, ("model_providers", at), findings)
    for name, alias in config.model_aliases.items():
        chains(config, alias, ("model_aliases", name), findings)


def chains(config: schema.Config, one: HasFilters, path: Path, findings: Findings) -> None:
    """`input_filters` and `output_filters` of something."""
    _chain(config, one.input_filters, (*path, "input_filters"), findings, outputs=False)
    _chain(config, one.output_filters, (*path, "output_filters"), findings, outputs=True)
    is_agents = isinstance(one, schema.Listener) and one.type == "agent"
    if is_agents or isinstance(one, schema.ListenerAgent):
        builtin_filters.check_of_agents(config.filters, one.output_filters, path, findings)


def _chain(
    config: schema.Config, ids: tuple[str, ...], path: Path, findings: Findings, outputs: bool
) -> None:
    """One of `input_filters`, or of `output_filters`: its filters exist, and do something there."""
    if not ids:
        return
    types = dict.fromkeys((agent.id for agent in config.agents), "mcp")
    types |= {one.id: one.type for one in config.filters}
    known = {name: KINDS[kind] for name, kind in types.items()}
    for index, name in enumerate(ids):
        at = (*path, index)
        kind = known.get(name)
        if kind is None:
            hint = suggest(name, [one.id for one in config.filters], "filters")
            findings.add(at, f"unknown filter {name!r}", hint)
        elif name in ids[:index]:
            findings.add(at, f"filter {name!r} is here twice")
        elif outputs and not kind.outputs:
            findings.add(
                at, f"filter {name!r} does nothing with answers", "use it in input_filters"
            )
        elif not outputs and not kind.inputs:
            what = f"filter {name!r} does nothing with requests"
            findings.add(at, what, "use it in output_filters")
    builtin_filters.check_order([types.get(name, "") for name in ids], path, findings, outputs)


def _address(one: Filter, path: Path, findings: Findings) -> None:
    address = KINDS[one.type].address
    given = [key for key in ("url", "endpoints") if getattr(one, key) is not None]
    if address is Address.NONE:
        for key in (*given, *(k for k in ClusterKeys.model_fields if k in one.model_fields_set)):
            hint = f"filters of type {one.type} run in the data plane"
            findings.add((*path, key), "means nothing for this type", hint)
        return
    if address is Address.REQUIRED and not given and not findings.blamed((*path, "endpoints")):
        findings.add((*path, "url"), "is missing", "where the filter is: http://host:port")
    addresses.check(findings, path, ("url", one.url), one.endpoints)


def _config(one: Filter, path: Path, findings: Findings) -> None:
    kind = KINDS[one.type]
    if one.config and not kind.config.model_fields:
        what = f"filters of type {one.type} have no config"
        findings.add((*path, "config"), what, "remove it")
        return
    try:
        builtin_filters.check(one, kind.config.model_validate(one.config), path, findings)
    except ValidationError as problem:
        root = config_root(one.type)
        for error in problem.errors(include_url=False):
            error["loc"] = (root, *error["loc"])
            at, message, hint = explain(error)
            findings.add((*path, "config", *at[1:]), message, hint)
