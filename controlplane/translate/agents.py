"""Agents -> clusters and agent resources."""

import json
from collections.abc import Iterator

from outriderpb.v1 import agent_pb2

from controlplane.config import schema
from controlplane.config.values import duration_ms
from controlplane.snapshot.resource import Named, ResourceType
from controlplane.translate.auth import put_keys
from controlplane.translate.clusters import addresses, cluster
from controlplane.translate.retry import own_retry

_PROTOCOLS = {
    "chat": agent_pb2.AGENT_PROTOCOL_CHAT,
    "responses": agent_pb2.AGENT_PROTOCOL_RESPONSES,
    "messages": agent_pb2.AGENT_PROTOCOL_MESSAGES,
    "a2a": agent_pb2.AGENT_PROTOCOL_A2A,
    "mcp": agent_pb2.AGENT_PROTOCOL_MCP,
}


def agents(config: schema.Config) -> Iterator[Named]:
    """Every agent, with the cluster it is reached at."""
    for agent in config.agents:
        message = agent_pb2.Agent(
            id=agent.id,
            retry=own_retry(agent.retry),
            protocol=_PROTOCOLS[agent.protocol],
            drop_untranslatable=config.on_untranslatable == "drop",
            tool=agent.tool or "",
            tool_arguments=json.dumps(agent.arguments) if agent.arguments else "",
        )
        if agent.card_keys is not None:
            put_keys(message.card_keys, agent.card_keys)
        if agent.versions:
            yield from _versions(config, agent, message)
        else:
            message.cluster = f"agent:{agent.id}"
            places = addresses(agent.url, agent.endpoints)
            yield from cluster(config, message.cluster, agent, places, headers=agent.headers)
            message.path_prefix = places[0].url.path
        yield Named(ResourceType.AGENT, agent.id, message)


def _versions(
    config: schema.Config, agent: schema.Agent, message: agent_pb2.Agent
) -> Iterator[Named]:
    """The cluster of each version; `message` gets to know them."""
    for version in agent.versions:
        name = f"agent:{agent.id}@{version.name}"
        places = addresses(version.url, version.endpoints)
        yield from cluster(config, name, agent, places, headers=agent.headers)
        message.versions.add(
            name=version.name,
            cluster=name,
            path_prefix=places[0].url.path,
            weight=version.weight,
        )
    most = max(message.versions, key=lambda one: one.weight)
    message.cluster, message.path_prefix = most.cluster, most.path_prefix
    if agent.shadow is not None:
        message.shadow.version = agent.shadow.version
        message.shadow.percent = agent.shadow.percent
        message.shadow.max_concurrent = agent.shadow.max_concurrent
        message.shadow.timeout_ms = duration_ms(agent.shadow.timeout)
        message.shadow.answers_file = agent.shadow.answers_file or ""
