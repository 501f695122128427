"""Tracing -> its one resource."""

from collections.abc import Iterator

from outriderpb.v1 import tracing_pb2

from controlplane.config import schema
from controlplane.snapshot.resource import Named, ResourceType

NAME = "tracing"


def tracing(config: schema.Config) -> Iterator[Named]:
    """Nothing when the config does not trace."""
    wanted = config.tracing
    if wanted is None:
        return
    message = tracing_pb2.Tracing(
        endpoint=wanted.opentracing_grpc_endpoint,
        sampling_percent=wanted.random_sampling,
        static_attributes=wanted.span_attributes.static,
        header_prefixes=[prefix.lower() for prefix in wanted.span_attributes.header_prefixes],
    )
    yield Named(ResourceType.TRACING, NAME, message)
