"""A scripted control plane: a real delta ADS server whose every message the test decides."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from outriderpb.v1 import agent_pb2, cluster_pb2, endpoint_pb2, listener_pb2, model_pb2, route_pb2
from outriderpb.xds.v3 import ads_pb2

from dataplane.xds.client import METHOD
from dataplane.xds.resource import ResourceKind

Request = ads_pb2.DeltaDiscoveryRequest
Response = ads_pb2.DeltaDiscoveryResponse
Context = grpc.aio.ServicerContext[Request, Response | bytes]


def wire(kind: ResourceKind, name: str, message: Message, version: str = "1") -> ads_pb2.Resource:
    """A resource as it is on the wire."""
    packed = Any(type_url=kind.url, value=message.SerializeToString(deterministic=True))
    return ads_pb2.Resource(name=name, version=version, resource=packed)


def cluster(name: str, version: str = "1") -> ads_pb2.Resource:
    """A cluster without endpoints."""
    return wire(ResourceKind.CLUSTER, name, cluster_pb2.Cluster(name=name), version)


def endpoints(name: str, *ports: int, version: str = "1") -> ads_pb2.Resource:
    """The endpoints of a cluster, all on 127.0.0.1."""
    message = endpoint_pb2.Endpoints(
        cluster=name, endpoints=[endpoint_pb2.Endpoint(host="127.0.0.1", port=p) for p in ports]
    )
    return wire(ResourceKind.ENDPOINTS, name, message, version)


def provider(
    name: str, in_cluster: str, env: str = "", header: str = "", version: str = "1"
) -> ads_pb2.Resource:
    """A model provider, with the variable that holds its key."""
    message = model_pb2.ModelProvider(name=name, model=name, cluster=in_cluster)
    message.apis.add(operation=model_pb2.OPERATION_CHAT, path="/v1/chat/completions")
    if env:
        message.access_keys.add().parts.add(env=env)
    if header:
        message.headers.add(name="x-team").value.parts.add(literal=header)
    return wire(ResourceKind.MODEL_PROVIDER, name, message, version)


def agent(name: str, in_cluster: str, version: str = "1") -> ads_pb2.Resource:
    """An agent."""
    return wire(ResourceKind.AGENT, name, agent_pb2.Agent(id=name, cluster=in_cluster), version)


def model_route(
    listener: str, name: str, *models: str, to: str, version: str = "1", default: bool = False
) -> ads_pb2.Resource:
    """A route of a model listener."""
    full = f"{listener}/{name}"
    message = route_pb2.Route(
        name=full, listener=listener, models=models, model_id=name, is_default=default
    )
    message.model.providers.append(to)
    return wire(ResourceKind.ROUTE, full, message, version)


def agent_route(
    listener: str, name: str, position: int = 0, version: str = "1", default: bool = False
) -> ads_pb2.Resource:
    """A route of an agent listener."""
    full = f"{listener}/{name}"
    message = route_pb2.Route(name=full, listener=listener)
    message.agent.agent = name
    message.agent.position = position
    message.agent.is_default = default
    return wire(ResourceKind.ROUTE, full, message, version)


def listener(
    name: str, port: int = 0, kind: str = "MODEL", version: str = "1", filters: tuple[str, ...] = ()
) -> ads_pb2.Resource:
    """A listener on 127.0.0.1."""
    message = listener_pb2.Listener(
        name=name,
        kind=f"LISTENER_KIND_{kind}",
        address="127.0.0.1",
        port=port,
        input_filters=filters,
        min_confidence=0.5,
    )
    return wire(ResourceKind.LISTENER, name, message, version)


class AdsStream:
    """One stream of a data plane: what it asked, and what it is sent."""

    def __init__(self, metadata: dict[str, str]) -> None:
        self.metadata = metadata
        self.subscribed: dict[str, Request] = {}
        self._answers: asyncio.Queue[Request] = asyncio.Queue()
        self._outbox: asyncio.Queue[Response | bytes | None] = asyncio.Queue()
        self.all_subscribed = asyncio.Event()
        self._nonce = 0

    def took(self, request: Request) -> None:
        """A request arrived: the first of its type subscribes, the others answer."""
        if request.type_url in self.subscribed:
            self._answers.put_nowait(request)
            return
        self.subscribed[request.type_url] = request
        if len(self.subscribed) == len(ResourceKind):
            self.all_subscribed.set()

    async def send(
        self,
        kind: ResourceKind | str,
        *resources: ads_pb2.Resource,
        removed: tuple[str, ...] = (),
        more: bool = False,
    ) -> Request:
        """Send one update and wait for its ack or nack."""
        self._nonce += 1
        nonce = str(self._nonce)
        url = kind if isinstance(kind, str) else kind.url
        response = Response(
            type_url=url, resources=resources, removed_resources=removed, nonce=nonce, more=more
        )
        self._outbox.put_nowait(response)
        if url not in self.subscribed:
            self.subscribed[url] = Request()
        async with asyncio.timeout(5):
            answer = await self._answers.get()
        assert answer.response_nonce == nonce
        assert answer.type_url == url
        return answer

    def send_bytes(self, garbage: bytes) -> None:
        """Send what is no message; no answer is waited for."""
        self._outbox.put_nowait(garbage)

    def end(self) -> None:
        """Close the stream from the server's side."""
        self._outbox.put_nowait(None)

    async def next_message(self) -> Response | bytes | None:
        """What the server writes next."""
        return await self._outbox.get()


class AdsServer:
    """Hands out its streams in the order in which they came."""

    def __init__(self) -> None:
        self._streams: asyncio.Queue[AdsStream] = asyncio.Queue()
        self.address = ""

    async def serve(self, requests: AsyncIterator[Request], context: Context) -> None:
        """One stream, as ads.proto has it."""
        stream = AdsStream({k: str(v) for k, v in context.invocation_metadata() or ()})
        self._streams.put_nowait(stream)

        async def read() -> None:
            async for request in requests:
                stream.took(request)

        reader = asyncio.get_running_loop().create_task(read())
        try:
            while (message := await stream.next_message()) is not None:
                await context.write(message)
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    async def stream(self) -> AdsStream:
        """The next stream that a data plane opens, subscribed to everything."""
        async with asyncio.timeout(10):
            stream = await self._streams.get()
            await stream.all_subscribed.wait()
        return stream


def _serialised(message: Response | bytes) -> bytes:
    return message if isinstance(message, bytes) else message.SerializeToString()


@asynccontextmanager
async def ads_server(address: str = "127.0.0.1:0") -> AsyncIterator[AdsServer]:
    """A control plane that a test scripts, on a port of its own."""
    scripted = AdsServer()
    options = [("grpc.http2.min_ping_interval_without_data_ms", 100), ("grpc.so_reuseport", 0)]
    server = grpc.aio.server(options=options)
    method = grpc.stream_stream_rpc_method_handler(scripted.serve, Request.FromString, _serialised)
    service, name = METHOD.strip("/").split("/")
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {name: method}),)
    )
    scripted.address = f"127.0.0.1:{server.add_insecure_port(address)}"
    await server.start()
    try:
        yield scripted
    finally:
        await server.stop(0)
