"""A raw delta ADS client: every message is the test's, nothing is done by itself."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
from outriderpb.xds.v3 import ads_pb2

from controlplane.snapshot.resource import ResourceType
from controlplane.xds.server import METHOD, SERVICE

Request = ads_pb2.DeltaDiscoveryRequest
Response = ads_pb2.DeltaDiscoveryResponse


class DeltaClient:
    """One stream of one node; remembers what it was sent as name -> version."""

    def __init__(self, call: "grpc.aio.StreamStreamCall[Any, Response]", node: str) -> None:
        self.call = call
        self.held: dict[ResourceType, dict[str, str]] = {kind: {} for kind in ResourceType}
        self._node: ads_pb2.Node | None = ads_pb2.Node(id=node, cluster="default")

    async def subscribe(
        self,
        *kinds: ResourceType,
        names: Iterable[str] = (),
        reported: Mapping[ResourceType, Mapping[str, str]] | None = None,
    ) -> None:
        """Ask for types, by default for all of each. Only the first request names the node."""
        for kind in kinds:
            await self.call.write(
                Request(
                    node=self._node,
                    type_url=kind.url,
                    resource_names_subscribe=names,
                    initial_resource_versions=(reported or {}).get(kind, {}),
                )
            )
            self._node = None

    async def read(self) -> Response:
        """The next update; the stream's error when it has ended with one."""
        async with asyncio.timeout(5):
            response = await self.call.read()
        if not isinstance(response, Response):
            raise EOFError("the server ended the stream")
        return response

    async def ack(self, response: Response) -> None:
        """Keep and acknowledge an update."""
        held = self.held[ResourceType(response.type_url)]
        for resource in response.resources:
            held[resource.name] = resource.version
        for name in response.removed_resources:
            held.pop(name, None)
        await self.call.write(Request(type_url=response.type_url, response_nonce=response.nonce))

    async def nack(self, response: Response, reason: str) -> None:
        """Refuse an update."""
        request = Request(type_url=response.type_url, response_nonce=response.nonce)
        request.error_detail.code = 3
        request.error_detail.message = reason
        await self.call.write(request)

    async def take(self, updates: int = 1) -> list[str]:
        """Acknowledge so many updates; what each brought and took away."""
        seen = []
        for _ in range(updates):
            response = await self.read()
            await self.ack(response)
            kind = ResourceType(response.type_url).name.lower()
            names = [f"+{each.name}" for each in response.resources]
            names += [f"-{name}" for name in response.removed_resources]
            seen.append(" ".join([kind, *names]))
        return seen


@asynccontextmanager
async def delta_client(
    address: str,
    node: str = "node-1",
    *,
    token: str = "",
    credentials: grpc.ChannelCredentials | None = None,
) -> AsyncIterator[DeltaClient]:
    """A connection of its own with one open stream."""
    options = [
        ("grpc.use_local_subchannel_pool", 1),
        # Else the window grows while nobody reads: on a busy machine any update fits.
        ("grpc.http2.bdp_probe", 0),
    ]
    if credentials is None:
        channel = grpc.aio.insecure_channel(address, options)
    else:
        channel = grpc.aio.secure_channel(address, credentials, options)
    async with channel:
        call = channel.stream_stream(
            f"/{SERVICE}/{METHOD}",
            request_serializer=Request.SerializeToString,
            response_deserializer=Response.FromString,
        )(metadata=[("authorization", f"Bearer {token}")] if token else None)
        try:
            yield DeltaClient(call, node)
        finally:
            call.cancel()
