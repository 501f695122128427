"""Filters -> clusters and filter resources."""

import json
from collections.abc import Iterator

from outriderpb.v1 import filter_pb2

from controlplane.config import schema
from controlplane.config.filters.kinds import KINDS
from controlplane.config.schema_filters import Filter
from controlplane.config.values import duration_ms
from controlplane.snapshot.resource import Resource, ResourceType
from controlplane.translate.clusters import addresses, cluster
from controlplane.translate.secrets import secret


def filters(config: schema.Config) -> Iterator[Resource]:
    """Every filter, with the cluster it is reached at if it is reached at any."""
    for one in config.filters:
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
        yield Resource.of(ResourceType.FILTER, one.id, message)


def _settings(one: Filter) -> str:
    """All keys of its kind, with defaults; in one order, so that equal configs are equal bytes."""
    block = KINDS[one.type].config.model_validate(one.config)
    settings = block.model_dump(mode="json", by_alias=True, exclude_none=True)
    settings.pop("connection_string", None)  # goes as a secret
    return json.dumps(settings, sort_keys=True)
