"""One named, versioned message, serialised once.

What a config means is first `Named`: a config is compiled anew at each change, and nearly all of it
is what it was, so only what is new is serialised and hashed (`Snapshot.build`).

Every stream that sends a resource sends the same bytes: `delta_bytes` is the resource's whole field
of a DeltaDiscoveryResponse, tag and length included, so a response is a join of ready pieces.
"""

import hashlib
from dataclasses import dataclass
from enum import Enum

from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from outriderpb.xds.v3 import ads_pb2


class ResourceType(Enum):
    """The types we stream, in the order in which a data plane must learn of them.

    What is referred to comes before what refers to it, and listeners last, so that a port is never
    open before its routes are known. Removals go the other way round. Endpoints wait for their
    cluster and outlive it: a request that began before a change never finds a cluster empty.
    """

    ENDPOINTS = "type.googleapis.com/outrider.v1.Endpoints"
    CLUSTER = "type.googleapis.com/outrider.v1.Cluster"
    MODEL_PROVIDER = "type.googleapis.com/outrider.v1.ModelProvider"
    AGENT = "type.googleapis.com/outrider.v1.Agent"
    FILTER = "type.googleapis.com/outrider.v1.Filter"
    MCP_SERVER = "type.googleapis.com/outrider.v1.McpServer"
    TRACING = "type.googleapis.com/outrider.v1.Tracing"
    MODEL_METRICS = "type.googleapis.com/outrider.v1.ModelMetrics"
    STATE_STORAGE = "type.googleapis.com/outrider.v1.StateStorage"
    ROUTE = "type.googleapis.com/outrider.v1.Route"
    PREFERENCE = "type.googleapis.com/outrider.v1.RoutingPreference"
    MODEL_ROUTING = "type.googleapis.com/outrider.v1.ModelRouting"
    API_KEY = "type.googleapis.com/outrider.v1.ApiKey"
    LIMITS_STORAGE = "type.googleapis.com/outrider.v1.LimitsStorage"
    LIMIT = "type.googleapis.com/outrider.v1.Limit"
    LISTENER = "type.googleapis.com/outrider.v1.Listener"

    # Each is one object. Enum hashes names, which is slow, and streams look types up at each ack.
    __hash__ = object.__hash__

    def __init__(self, url: str) -> None:
        self.url = url
        """The type URL on the wire."""
        self.label = self._name_.lower()
        """In nonces and metrics."""


@dataclass(frozen=True, slots=True)
class Named:
    """A message with the name it is sent by."""

    type: ResourceType
    name: str
    message: Message


@dataclass(frozen=True, slots=True)
class Resource(Named):
    """A named message with its content hash and its ready bytes."""

    version: str
    delta_bytes: bytes

    @classmethod
    def of(cls, kind: ResourceType, name: str, message: Message) -> "Resource":
        """Serialise a message once; equal content has an equal version, also after a restart."""
        body = message.SerializeToString(deterministic=True)
        version = hashlib.blake2b(body, digest_size=8).hexdigest()
        wrapped = ads_pb2.Resource(
            name=name, version=version, resource=Any(type_url=kind.url, value=body)
        )
        response = ads_pb2.DeltaDiscoveryResponse(resources=[wrapped])
        return cls(kind, name, message, version, response.SerializeToString(deterministic=True))
