"""Agents -> clusters and agent resources."""

from collections.abc import Iterator

from outriderpb.v1 import agent_pb2

from controlplane.config import schema
from controlplane.config.values import read_url
from controlplane.snapshot.resource import Resource, ResourceType
from controlplane.translate.clusters import cluster
from controlplane.translate.retry import own_retry


def agents(config: schema.Config) -> Iterator[Resource]:
    """Every agent, with the cluster it is reached at."""
    for agent in config.agents:
        name = f"agent:{agent.id}"
        urls = [read_url(url) for url in agent.endpoints or (agent.url or "",)]
        yield from cluster(name, urls)
        message = agent_pb2.Agent(
            id=agent.id, cluster=name, path_prefix=urls[0].path, retry=own_retry(agent.retry)
        )
        yield Resource.of(ResourceType.AGENT, agent.id, message)
