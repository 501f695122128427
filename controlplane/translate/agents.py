"""Agents -> clusters and agent resources."""

from collections.abc import Iterator

from outriderpb.v1 import agent_pb2

from controlplane.config import schema
from controlplane.snapshot.resource import Resource, ResourceType
from controlplane.translate.clusters import addresses, cluster
from controlplane.translate.retry import own_retry

_PROTOCOLS = {
    "chat": agent_pb2.AGENT_PROTOCOL_CHAT,
    "responses": agent_pb2.AGENT_PROTOCOL_RESPONSES,
    "messages": agent_pb2.AGENT_PROTOCOL_MESSAGES,
}


def agents(config: schema.Config) -> Iterator[Resource]:
    """Every agent, with the cluster it is reached at."""
    for agent in config.agents:
        name = f"agent:{agent.id}"
        places = addresses(agent.url, agent.endpoints)
        yield from cluster(config, name, agent, places)
        message = agent_pb2.Agent(
            id=agent.id,
            cluster=name,
            path_prefix=places[0].url.path,
            retry=own_retry(agent.retry),
            protocol=_PROTOCOLS[agent.protocol],
            drop_untranslatable=config.on_untranslatable == "drop",
        )
        yield Resource.of(ResourceType.AGENT, agent.id, message)
