"""What resources refer to, and references that lead nowhere.

A snapshot is sent in pieces, and a data plane refuses a piece that does not fit: what is checked
here before it is served never becomes a refusal out there.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from google.protobuf.message import Message
from outriderpb.v1 import (
    agent_pb2,
    endpoint_pb2,
    filter_pb2,
    listener_pb2,
    mcp_pb2,
    model_pb2,
    model_routing_pb2,
    route_pb2,
)

from controlplane.snapshot.resource import Resource, ResourceType

ByType = Mapping[ResourceType, Mapping[str, Resource]]
Reference = tuple[ResourceType, str]

_NONE: Mapping[str, Resource] = MappingProxyType({})
_NOTHING: ByType = MappingProxyType({})
_LABELS = {kind: kind.name.lower().replace("_", " ") for kind in ResourceType}


def problems(resources: ByType, known_good: ByType = _NOTHING) -> tuple[str, ...]:
    """Every reference that leads nowhere, as a sentence.

    :param known_good: what is the same object there is not looked at again.
    """
    found = []
    for kind, named in resources.items():
        good = known_good.get(kind, _NONE)
        if named is good:
            continue
        for name, resource in named.items():
            if good.get(name) is resource:
                continue
            for wanted, target in _references(resource.message):
                if target not in resources.get(wanted, _NONE):
                    label = f"{_LABELS[kind]} {name!r}"
                    found.append(f"{label} refers to {_LABELS[wanted]} {target!r}, which is absent")
    return (*found, *_unserved(resources))


def _unserved(resources: ByType) -> Iterator[str]:
    """Clusters without an address: every request to them would fail."""
    endpoints = resources.get(ResourceType.ENDPOINTS, {})
    for name in resources.get(ResourceType.CLUSTER, {}):
        if name not in endpoints:
            yield f"cluster {name!r} has no endpoints"


def _references(message: Message) -> Iterator[Reference]:
    match message:
        case endpoint_pb2.Endpoints():
            yield ResourceType.CLUSTER, message.cluster
        case filter_pb2.Filter() if not message.cluster:
            return
        case agent_pb2.Agent():
            yield ResourceType.CLUSTER, message.cluster
            for version in message.versions:
                yield ResourceType.CLUSTER, version.cluster
        case filter_pb2.Filter() | model_pb2.ModelProvider() | mcp_pb2.McpServer():
            yield ResourceType.CLUSTER, message.cluster
        case model_routing_pb2.ModelRouting() if message.routing_model:
            yield ResourceType.MODEL_PROVIDER, message.routing_model
        case listener_pb2.Listener():
            for name in (*message.input_filters, *message.output_filters):
                yield ResourceType.FILTER, name
            if message.prompt.function_calling_model:
                yield ResourceType.MODEL_PROVIDER, message.prompt.function_calling_model
            for member in message.mcp_servers:
                yield ResourceType.MCP_SERVER, member.server
            if message.orchestrator.model.provider:
                yield ResourceType.MODEL_PROVIDER, message.orchestrator.model.provider
        case route_pb2.Route():
            yield ResourceType.LISTENER, message.listener
            for name in (*message.input_filters, *message.output_filters):
                yield ResourceType.FILTER, name
            for name in message.model.providers:
                yield ResourceType.MODEL_PROVIDER, name
            if message.prompt.cluster:
                yield ResourceType.CLUSTER, message.prompt.cluster
            if message.HasField("agent"):
                yield ResourceType.AGENT, message.agent.agent
                for name in (*message.agent.input_filters, *message.agent.output_filters):
                    yield ResourceType.FILTER, name
        case _:
            return
