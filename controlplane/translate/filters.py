"""Filters -> clusters and filter resources."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from outriderpb.v1 import filter_pb2

from controlplane.config import schema
from controlplane.config.filters.kinds import KINDS
from controlplane.config.schema_clusters import ClusterKeys
from controlplane.config.schema_filters import Filter
from controlplane.config.values import duration_ms
from controlplane.snapshot.resource import Named, ResourceType
from controlplane.translate.clusters import addresses, cluster
from controlplane.translate.secrets import secret

if TYPE_CHECKING:
    from controlplane.config.rules.filters import HasFilters


def filters(config: schema.Config) -> Iterator[Named]:
    """Every filter, with the cluster it is reached at if it is reached at any."""
    for one in (*config.filters, *_stand_ins(config)):
        message = filter_pb2.Filter(
            id=one.id,
            kind=one.type,
            timeout_ms=duration_ms(one.timeout),
            fails_open=one.failure_mode == "open",
            settings=_settings(one),
        )
        if one.url is not None or one.endpoints is not None:
            name, places = f"filter:{one.id}", addresses(one.url, one.endpoints)
            yield from cluster(config, name, one, places)
            message.cluster = name
            message.path_prefix = places[0].url.path
        connection = one.config.get("connection_string")
        if isinstance(connection, str):
            message.connection.CopyFrom(secret(connection))
        yield Named(ResourceType.FILTER, one.id, message)


def _settings(one: Filter) -> str:
    """All keys of its kind, with defaults; in one order, so that equal configs are equal bytes."""
    block = KINDS[one.type].config.model_validate(one.config)
    settings = block.model_dump(mode="json", by_alias=True, exclude_none=True)
    settings.pop("connection_string", None)  # goes as a secret
    if one.type == "mcp":
        settings["tool"] = one.tool or one.id
    return json.dumps(settings, sort_keys=True)


def _stand_ins(config: schema.Config) -> Iterator[Filter]:
    """Plano's: an agent in a chain of filters is an MCP server with a tool of its name."""
    chains: list[HasFilters] = [*config.listeners, *config.model_providers]
    chains += [agent for listener in config.listeners for agent in listener.agents]
    chains += config.model_aliases.values()
    used = {name for one in chains for name in (*one.input_filters, *one.output_filters)}
    used -= {one.id for one in config.filters}
    for agent in config.agents:
        if agent.id in used:
            keys = {key: getattr(agent, key) for key in ClusterKeys.model_fields}
            yield Filter.model_construct(
                id=agent.id, url=agent.url, endpoints=agent.endpoints, **keys
            )
